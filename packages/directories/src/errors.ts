import { SottoError } from '@sotto/core';

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

export function directoryRefused(directory: string, reason: string): SottoError<'DIRECTORY_REFUSED'> {
  return new SottoError('DIRECTORY_REFUSED', `The directory ${directory} refused: ${reason}.`, {
    directory,
    reason,
  });
}

export function tooLarge(what: string, limit: number, actual: number): SottoError<'LIMIT_EXCEEDED'> {
  return new SottoError('LIMIT_EXCEEDED', `${what}: ${actual} is more than the limit of ${limit}.`, {
    what,
    limit,
    actual,
  });
}
