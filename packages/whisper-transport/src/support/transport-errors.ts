import { SottoError } from '@sotto/core';

/** The error of a call on a connection that was closed. */
export function closedError(): SottoError<'CLOSED'> {
  return new SottoError('CLOSED', 'The connection was closed.', { what: 'connection' });
}

/** The error of a call whose signal fired; `what` names the call. */
export function abortedError(what: string): SottoError<'ABORTED'> {
  return new SottoError('ABORTED', 'The caller gave up.', { what });
}

/** The error of a call that wasn't answered in time; `what` names the call. */
export function timeoutError(what: string, milliseconds: number): SottoError<'TIMEOUT'> {
  return new SottoError('TIMEOUT', `No answer to ${what} within ${milliseconds} ms.`, { what, milliseconds });
}

/** The error of a call that the other side can't receive now; `reason` completes the message. */
export function unavailableError(reason: string, cause?: unknown): SottoError<'TRANSPORT_UNAVAILABLE'> {
  const message = `The other side cannot be reached now: ${reason}.`;
  return new SottoError('TRANSPORT_UNAVAILABLE', message, { reason }, cause === undefined ? {} : { cause });
}
