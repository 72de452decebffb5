import { SottoError } from '@sotto/core';

/** The error for bytes or text from outside that are not a valid `what`. */
export function malformed(what: string, reason: string): SottoError<'MALFORMED_MESSAGE'> {
  return new SottoError('MALFORMED_MESSAGE', `Malformed ${what}: ${reason}.`, { what, reason });
}
