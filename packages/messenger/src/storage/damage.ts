import { isSottoError } from '@sotto/core';

/** Whether an error tells of one damaged record, which says nothing about the rest of the store. */
export function isDamage(error: unknown): boolean {
  return (
    isSottoError(error, 'STATE_CORRUPT') ||
    isSottoError(error, 'STORE_CORRUPT') ||
    isSottoError(error, 'STORE_ROLLBACK')
  );
}
