import { SottoError } from '@sotto/core';

export function closedError(): SottoError<'CLOSED'> {
  return new SottoError('CLOSED', 'The connection was closed.', { what: 'connection' });
}

export function abortedError(what: string): SottoError<'ABORTED'> {
  return new SottoError('ABORTED', 'The caller gave up.', { what });
}

export function timeoutError(what: string, milliseconds: number): SottoError<'TIMEOUT'> {
  return new SottoError('TIMEOUT', `No answer to ${what} within ${milliseconds} ms.`, { what, milliseconds });
}

export function unavailableError(reason: string, cause?: unknown): SottoError<'TRANSPORT_UNAVAILABLE'> {
  const message = `The other side cannot be reached now: ${reason}.`;
  return new SottoError('TRANSPORT_UNAVAILABLE', message, { reason }, cause === undefined ? {} : { cause });
}
