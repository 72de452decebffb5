import type { Clock } from './environment.js';
import { SottoError } from './errors.js';
import { onAbort } from './on-abort.js';

/** What bounds one call. */
export interface CallLimit {
  /** Tells when the time is up. */
  readonly clock: Clock;
  /** Milliseconds until the call counts as failed. */
  readonly timeoutMs: number;
  /** The caller's: gives up before the time is up. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Runs something that may never settle. At the limit its signal is aborted, and it isn't awaited.
 * @param what what TIMEOUT and ABORTED call it
 * @throws TIMEOUT, ABORTED; what it throws itself passes through
 */
export async function withinLimit<T>(
  what: string,
  { clock, timeoutMs, signal }: CallLimit,
  run: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const aborted = () => new SottoError('ABORTED', 'The caller gave up.', { what });
  if (signal?.aborted) throw aborted();
  const controller = new AbortController();
  let stop = (_reason: Error): void => {};
  const stopped = new Promise<never>((_, reject) => {
    stop = (reason) => {
      reject(reason);
      controller.abort();
    };
  });
  const cancelTimer = clock.after(timeoutMs, () => {
    const details = { what, milliseconds: timeoutMs };
    stop(new SottoError('TIMEOUT', `No whole answer within ${timeoutMs} ms: ${what}.`, details));
  });
  const stopListening = onAbort(signal, () => stop(aborted()));
  try {
    return await Promise.race([run(controller.signal), stopped]);
  } finally {
    cancelTimer();
    stopListening();
  }
}
