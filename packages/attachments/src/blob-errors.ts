import { SottoError } from '@sotto/core';
import type { HttpErrors } from '@sotto/core/http';

export function blobUnavailable(
  store: string,
  reason: string,
  cause?: unknown,
): SottoError<'BLOB_UNAVAILABLE'> {
  return new SottoError(
    'BLOB_UNAVAILABLE',
    `The store ${store} can't be reached now: ${reason}.`,
    { store, reason },
    { cause },
  );
}

export function blobRefused(store: string, reason: string): SottoError<'BLOB_REFUSED'> {
  return new SottoError('BLOB_REFUSED', `The store ${store} refuses: ${reason}.`, { store, reason });
}

export function blobNotFound(store: string, reference: string): SottoError<'NOT_FOUND'> {
  const id = reference.slice(0, 200);
  return new SottoError('NOT_FOUND', `The store ${store} does not have it any more.`, { what: 'blob', id });
}

/** How requests for a store fail. */
export function blobHttpErrors(store: string): HttpErrors {
  return {
    unavailable: (reason, cause) => blobUnavailable(store, reason, cause),
    answerInvalid: (reason) => blobRefused(store, reason),
  };
}
