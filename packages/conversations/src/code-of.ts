import { isSottoError } from '@sotto/core';

/** What a log says of an error: never its message. */
export function codeOf(error: unknown): string {
  return isSottoError(error) ? error.code : error instanceof Error ? error.name : typeof error;
}
