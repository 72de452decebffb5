import type { Clock } from '@sotto/core';
import { abortedError, closedError, unavailableError } from './transport-errors.js';
import { whenAborted } from './when-aborted.js';

/** How long somebody waits for a node that is away: until his signal fires or, without one, for a while. */
export interface Patience {
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds since the epoch. */
  readonly until?: number;
}

/** @param milliseconds for whoever has no signal */
export function patienceOf(clock: Clock, signal: AbortSignal | undefined, milliseconds: number): Patience {
  return signal === undefined ? { until: clock.now() + milliseconds } : { signal };
}

/**
 * Waits for something.
 *
 * @param closing fires when nobody may wait any longer
 * @param what is waited for, for errors
 * @param arm has `done` called when it has come; what it gives back stops that
 * @throws ABORTED, CLOSED; TRANSPORT_UNAVAILABLE when the time is over
 */
export function waitPatiently(
  clock: Clock,
  { signal, until }: Patience,
  closing: AbortSignal,
  what: string,
  arm: (done: () => void) => () => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(abortedError(what));
    if (closing.aborted) return reject(closedError());
    const settle = () => {
      disarm();
      cancelTimer();
      for (const stop of stops) stop();
    };
    const fail = (error: Error) => {
      settle();
      reject(error);
    };
    const stops = [
      whenAborted(closing, () => fail(closedError())),
      whenAborted(signal, () => fail(abortedError(what))),
    ];
    const disarm = arm(() => {
      settle();
      resolve();
    });
    const cancelTimer =
      until === undefined
        ? () => {}
        : clock.after(Math.max(0, until - clock.now()), () => fail(unavailableError('it is away')));
  });
}
