import { explain as explainError, type Sentences } from '@sotto/conversations';
import { isSottoError } from '@sotto/core';

/** An error in plain words: what is wrong, and what to do. */
export function explain(error: unknown): string {
  if (isSottoError(error)) return explainError(error, SENTENCES);
  if (error instanceof TypeError) return error.message;
  return 'Something unexpected went wrong. Please try again.';
}

const SENTENCES: Sentences = {
  STORE_LOCKED: 'Another tab has your conversations open.',
  STORE_UNAVAILABLE:
    'This browser cannot store or read your data now. Is the disk full, or is this a private window?',
  STORE_CORRUPT: 'The data in this browser is damaged.',
  STORE_ROLLBACK: 'A part of the data in this browser was replaced by an older copy.',
  STORE_SCHEMA_NEWER: 'The data in this browser was made by a newer version of this page. Reload to get it.',
};
