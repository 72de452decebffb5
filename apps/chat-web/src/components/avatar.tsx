import type { ConversationSummary } from '@sotto/conversations';
import { Portrait } from './portrait.js';

/** Colours of the pictures of groups and public chats; their classes are in the style sheet. */
const COLOURS = 8;

/** The picture of a conversation: of a person their key's, otherwise a sign in a colour that stays the same. */
export function Avatar({ conversation, group }: Pick<ConversationSummary, 'conversation' | 'group'>) {
  if (conversation.kind === 'direct') return <Portrait identity={conversation.peer} />;
  const name = conversation.kind === 'public' ? conversation.name : conversation.groupId;
  const sum = [...name].reduce((all, character) => (31 * all + character.charCodeAt(0)) % 9973, 7);
  const sign = conversation.kind === 'public' ? '#' : initialsOf(group?.name ?? '');
  return (
    <span class={`identicon small sign colour-${sum % COLOURS}`} aria-hidden="true">
      {sign}
    </span>
  );
}

function initialsOf(name: string): string {
  const words = name.split(/\s+/).filter(Boolean).slice(0, 2);
  return words.map((word) => [...word][0]?.toUpperCase() ?? '').join('') || '⁂';
}
