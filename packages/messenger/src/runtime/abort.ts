import { SottoError } from '@sotto/core';

/** @throws ABORTED when the caller has given up */
export function throwIfAborted(signal: AbortSignal | undefined, what: string): void {
  if (signal?.aborted) throw new SottoError('ABORTED', 'The caller gave up.', { what });
}
