import { type Clock, isSottoError, onAbort, SottoError } from '@sotto/core';

/** Attempts for one part, and the wait after the first in milliseconds, which doubles. */
const PART_ATTEMPTS = 4;
const FIRST_WAIT_MS = 1_000;

/** Runs a request, and again while its store can't be reached. */
export async function withAttempts<T>(
  clock: Clock,
  signal: AbortSignal | undefined,
  run: () => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    checkAborted(signal);
    try {
      return await run();
    } catch (error) {
      const isTransient = isSottoError(error, 'BLOB_UNAVAILABLE') || isSottoError(error, 'TIMEOUT');
      if (!isTransient || attempt === PART_ATTEMPTS) throw error;
    }
    await wait(clock, FIRST_WAIT_MS * 2 ** (attempt - 1), signal);
  }
}

/** @throws ABORTED */
export function checkAborted(signal: AbortSignal | undefined, what = 'attachment'): void {
  if (signal?.aborted) throw new SottoError('ABORTED', 'The caller gave up.', { what });
}

function wait(clock: Clock, milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      stop();
      cancel();
      resolve();
    };
    const cancel = clock.after(milliseconds, done);
    const stop = onAbort(signal, done);
  });
}
