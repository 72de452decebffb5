import { SottoError } from '@sotto/core';
import type { HttpErrors } from '@sotto/core/http';

export function directoryUnavailable(
  directory: string,
  reason: string,
  cause?: unknown,
): SottoError<'DIRECTORY_UNAVAILABLE'> {
  return new SottoError(
    'DIRECTORY_UNAVAILABLE',
    `The directory ${directory} can't be reached now: ${reason}.`,
    { directory, reason },
    { cause },
  );
}

export function answerInvalid(
  directory: string,
  reason: string,
  cause?: unknown,
): SottoError<'DIRECTORY_ANSWER_INVALID'> {
  return new SottoError(
    'DIRECTORY_ANSWER_INVALID',
    `The directory ${directory} gave an answer that can't be right: ${reason}.`,
    { directory, reason },
    { cause },
  );
}

/** How requests for a directory fail. */
export function httpErrors(directory: string): HttpErrors {
  return {
    unavailable: (reason, cause) => directoryUnavailable(directory, reason, cause),
    answerInvalid: (reason) => answerInvalid(directory, reason),
  };
}

export function directoryRefused(directory: string, reason: string): SottoError<'DIRECTORY_REFUSED'> {
  return new SottoError('DIRECTORY_REFUSED', `The directory ${directory} refused: ${reason}.`, {
    directory,
    reason,
  });
}
