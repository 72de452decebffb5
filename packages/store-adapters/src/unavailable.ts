import { isSottoError, SottoError } from '@sotto/core';

/** The error of an engine in Sotto's terms: a SottoError stays as it is, anything else becomes STORE_UNAVAILABLE. */
export function unavailable(error: unknown): SottoError {
  if (isSottoError(error)) return error;
  const reason = nameOf(error);
  return new SottoError(
    'STORE_UNAVAILABLE',
    `The store can't be used now: ${reason}.`,
    { reason },
    { cause: error },
  );
}

/** The code of errors of Node, the name of others. (Codes of DOMExceptions are legacy numbers.) */
function nameOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  const { code } = error as { code?: unknown };
  return typeof code === 'string' ? code : error.name;
}
