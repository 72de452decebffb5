import { compareBytes, decodeHex, type ErrorCode, encodeHex, isSottoError } from '@sotto/core';

/** @throws a plain Error unless the claim holds */
export function expectThat(holds: boolean, claim: string): asserts holds {
  if (!holds) throw new Error(`Expected that ${claim}.`);
}

/** @throws a plain Error that shows both unless they print alike as JSON */
export function expectSame(actual: unknown, expected: unknown, what: string): void {
  const [got, wanted] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (got !== wanted) throw new Error(`${what}: expected ${shorten(wanted)}, got ${shorten(got)}.`);
}

/**
 * @param expected bytes, or their hex
 * @throws a plain Error that shows both unless they are the same bytes
 */
export function expectBytes(
  actual: Uint8Array | undefined,
  expected: Uint8Array | string,
  what: string,
): void {
  const bytes = typeof expected === 'string' ? hex(expected) : expected;
  if (actual === undefined) throw new Error(`${what}: expected ${bytes.length} bytes, got nothing.`);
  const [got, wanted] = [encodeHex(actual), encodeHex(bytes)];
  if (got !== wanted) throw new Error(`${what}: expected ${shorten(wanted)}, got ${shorten(got)}.`);
}

/** @throws a plain Error unless the promise rejects with that code */
export async function expectRejection(
  promise: Promise<unknown>,
  code: ErrorCode,
  what: string,
): Promise<void> {
  let answer: unknown;
  try {
    answer = await promise;
  } catch (error) {
    if (isSottoError(error, code)) return;
    throw new Error(`${what}: expected ${code}, got ${describeError(error)}.`, { cause: error });
  }
  throw new Error(`${what}: expected ${code}, but it resolved to ${shorten(JSON.stringify(answer))}.`);
}

/**
 * Runs what should be refused, and returns the error.
 * @throws a plain Error unless it throws that code
 */
export function expectRefusal(run: () => unknown, code: ErrorCode, what: string): Error {
  try {
    run();
  } catch (error) {
    if (isSottoError(error, code)) return error;
    throw new Error(`${what}: expected ${code}, got ${describeError(error)}.`, { cause: error });
  }
  throw new Error(`${what}: expected ${code}, but it was accepted.`);
}

/** The code of a SottoError, the text of other errors. */
export function describeError(error: unknown): string {
  return isSottoError(error) ? error.code : `an error that is not Sotto's: ${String(error)}`;
}

/** Decodes hex; white space in it is ignored. */
export function hex(text: string): Uint8Array {
  return decodeHex(text.replace(/\s/g, ''));
}

/** Whether the two are equal. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return compareBytes(a, b) === 0;
}

function shorten(text: string | undefined): string {
  const printed = text ?? 'undefined';
  return printed.length <= 400 ? printed : `${printed.slice(0, 400)}... (${printed.length} characters)`;
}
