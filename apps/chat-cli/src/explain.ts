import { explain as explainError, type Sentences } from '@sotto/conversations';
import { isSottoError } from '@sotto/core';
import { CliError } from './cli-error.js';

/** An error for programs and for people. */
export interface Explained {
  /** A code of `@sotto/core`, of this program, or `UNEXPECTED`. */
  readonly code: string;
  /** What is wrong and what to do. Never repeats what was typed. */
  readonly message: string;
}

export function explain(error: unknown): Explained {
  if (error instanceof CliError) return { code: error.code, message: error.message };
  if (isSottoError(error)) return { code: error.code, message: explainError(error, SENTENCES) };
  return { code: 'UNEXPECTED', message: 'Something unexpected went wrong. Please try again.' };
}

const SENTENCES: Sentences = {
  STORE_LOCKED:
    'This data directory is in use: another chat-cli has it open. Close that one, or choose another --data.',
  STORE_UNAVAILABLE:
    'The data directory cannot be read or written. Is the disk full, and does the directory belong to you?',
  STORE_CORRUPT: 'The data directory is damaged, or contains something else.',
  STORE_ROLLBACK: 'A part of the data directory was replaced by an older copy.',
  STORE_SCHEMA_NEWER: 'The data directory was made by a newer version of this program.',
  TRANSPORT_UNAVAILABLE: 'The node or peer cannot be reached. What you write is sent when it is back.',
  TRANSPORT_REFUSED: 'The node or peer refuses this.',
};
