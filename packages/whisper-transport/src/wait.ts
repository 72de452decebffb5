import type { Clock } from '@sotto/core';
import { Deadline } from './deadline.js';
import { onAbort } from './on-abort.js';
import { abortedError, closedError, unavailableError } from './transport-errors.js';

/** How long somebody waits for a node that is away: until his signal fires or, without one, for a while. */
export interface WaitLimits {
  readonly signal?: AbortSignal | undefined;
  readonly deadline?: Deadline | undefined;
}

/**
 * Runs what may have to wait, within the offlineTimeout of who wants it.
 * @param milliseconds for whoever has no signal
 */
export async function withDeadline<T>(
  clock: Clock,
  signal: AbortSignal | undefined,
  milliseconds: number,
  run: (offlineTimeout: WaitLimits) => Promise<T>,
): Promise<T> {
  if (signal !== undefined) return run({ signal });
  const deadline = new Deadline(clock, milliseconds);
  try {
    return await run({ deadline });
  } finally {
    deadline.cancel();
  }
}

/**
 * Waits for something.
 *
 * @param closing fires when nobody may wait any longer
 * @param what is waited for, for errors
 * @param arm has `done` called when it has come; what it gives back stops that
 * @throws ABORTED, CLOSED; TRANSPORT_UNAVAILABLE when the time is over
 */
export function waitWithin(
  { signal, deadline }: WaitLimits,
  closing: AbortSignal,
  what: string,
  arm: (done: () => void) => () => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(abortedError(what));
    if (closing.aborted) return reject(closedError());
    const settle = () => {
      disarm();
      for (const stop of stops) stop();
    };
    const fail = (error: Error) => {
      settle();
      reject(error);
    };
    if (deadline?.isOver) return reject(unavailableError('it is away'));
    const stops = [
      onAbort(closing, () => fail(closedError())),
      onAbort(signal, () => fail(abortedError(what))),
      deadline?.onOver(() => fail(unavailableError('it is away'))) ?? (() => {}),
    ];
    const disarm = arm(() => {
      settle();
      resolve();
    });
  });
}
