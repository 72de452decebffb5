import type { Content } from '@sotto/conversations';
import { describedFile, pictureType } from './files.js';

/** Characters that a line has of a text. */
const MOST = 120;

/** What stands in a message, in a line: for the list of conversations, quotes and notifications. */
export function contentWords(content: Content): string {
  switch (content.kind) {
    case 'text':
      return content.text.slice(0, MOST);
    case 'image':
      return content.text === '' ? 'Picture' : content.text.slice(0, MOST);
    case 'file': {
      if (content.text !== '') return content.text.slice(0, MOST);
      const file = describedFile(content.attachment);
      if (file !== undefined && pictureType(file.mediaType) !== undefined) return 'Picture';
      return file === undefined || file.name === '' ? 'File' : `File: ${file.name}`;
    }
    case 'deleted':
      return 'Deleted message';
    default:
      return "A message that this app can't show";
  }
}
