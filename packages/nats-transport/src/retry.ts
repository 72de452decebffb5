import { JetStreamApiError } from '@nats-io/jetstream';
import { type Clock, isSottoError, SottoError } from '@sotto/core';

/** Waits between attempts in milliseconds, doubling from the first to the longest. */
const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 2_000;

/** JetStream's status for what may work later, such as without a leader. Below it, from 400 on, are refusals. */
const UNAVAILABLE = 503;

/** How long a call is tried again. */
export interface RetryLimits {
  /** Milliseconds from the first attempt on. */
  readonly retryFor: number;
  readonly clock: Clock;
}

/**
 * Runs a call until it succeeds: while a cluster elects a leader, calls fail or time out.
 * @throws TRANSPORT_REFUSED immediately when the server refuses; what the last attempt threw otherwise, also immediately when
 * the connection was closed
 */
export async function retried<T>({ retryFor, clock }: RetryLimits, call: () => Promise<T>): Promise<T> {
  const deadline = clock.now() + retryFor;
  for (let wait = FIRST_WAIT_MS; ; wait = Math.min(2 * wait, LONGEST_WAIT_MS)) {
    try {
      return await call();
    } catch (error) {
      const refusal = refusalOf(error);
      if (refusal !== undefined) throw refusal;
      if (isClosed(error)) throw error;
      if (clock.now() + wait > deadline) throw error;
      await new Promise<void>((resolve) => clock.after(wait, resolve));
    }
  }
}

/** Whether a call that failed in {@link retried} would fail again, whenever it is made. */
export function isFinal(error: unknown): boolean {
  return isSottoError(error, 'TRANSPORT_REFUSED') || isClosed(error);
}

function isClosed(error: unknown): boolean {
  return isCalled('ClosedConnectionError', error);
}

/** Whether an error of the client, or its cause, has this name. */
function isCalled(name: string, error: unknown): boolean {
  return [error, (error as Error | undefined)?.cause].some(
    (one) => one instanceof Error && one.name === name,
  );
}

function refusalOf(error: unknown): SottoError<'TRANSPORT_REFUSED'> | undefined {
  const isPermission = isCalled('PermissionViolationError', error);
  const status = error instanceof JetStreamApiError ? error.apiError().code : UNAVAILABLE;
  if (!isPermission && (status < 400 || status >= UNAVAILABLE)) return undefined;
  const reason = isPermission ? 'no permission' : `JetStream error ${(error as JetStreamApiError).code}`;
  return new SottoError(
    'TRANSPORT_REFUSED',
    `The server refuses this: ${reason}.`,
    { reason },
    { cause: error },
  );
}
