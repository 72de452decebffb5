import { isSottoError } from '@sotto/core';

/** What `read` returns; `undefined` when it refuses what it reads with a `SottoError`. Other errors pass through. */
export function readable<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (isSottoError(error)) return undefined;
    throw error;
  }
}
