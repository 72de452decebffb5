import { type Clock, onAbort } from '@sotto/core';
import { Deadline } from './deadline.js';
import { abortedError, closedError, unavailableError } from './transport-errors.js';

/** How long a call waits while the other side is offline: until its signal fires or, without one, until a deadline. */
export interface WaitLimits {
  /** Ends the waits with ABORTED. */
  readonly signal?: AbortSignal | undefined;
  /** Ends the waits with TRANSPORT_UNAVAILABLE. Absent when there is a signal. */
  readonly deadline?: Deadline | undefined;
}

/**
 * Runs a call that may have to wait.
 * @param signal ends its waits; without one a deadline does
 * @param milliseconds until that deadline
 */
export async function withDeadline<T>(
  clock: Clock,
  signal: AbortSignal | undefined,
  milliseconds: number,
  run: (limits: WaitLimits) => Promise<T>,
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
 * Waits for an event, within limits.
 *
 * @param closing fires when the connection is closed
 * @param what names the call in errors
 * @param arm arranges that `done` is called at the event; the function that it returns undoes this
 * @param reason of TRANSPORT_UNAVAILABLE
 * @throws ABORTED, CLOSED; TRANSPORT_UNAVAILABLE when the deadline has passed
 */
export function waitWithin(
  { signal, deadline }: WaitLimits,
  closing: AbortSignal,
  what: string,
  arm: (done: () => void) => () => void,
  reason = 'it is offline',
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
    if (deadline?.isOver) return reject(unavailableError(reason));
    const stops = [
      onAbort(closing, () => fail(closedError())),
      onAbort(signal, () => fail(abortedError(what))),
      deadline?.onOver(() => fail(unavailableError(reason))) ?? (() => {}),
    ];
    const disarm = arm(() => {
      settle();
      resolve();
    });
  });
}
