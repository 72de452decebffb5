import { type ErrorCode, type ErrorDetails, isSottoError } from '@sotto/core';
import { expect } from 'vitest';

/** Runs what has to be refused with `code`, and gives the details of the error. */
export function refusal<C extends ErrorCode>(code: C, run: () => unknown): ErrorDetails[C] {
  let thrown: unknown;
  try {
    run();
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toMatchObject({ name: 'SottoError', code });
  if (!isSottoError(thrown, code)) throw thrown;
  return thrown.details;
}
