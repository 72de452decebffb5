import { type ErrorCode, encodeHex, isSottoError } from '@sotto/core';

/** @throws a plain Error unless the claim holds */
export function expectThat(holds: boolean, claim: string): asserts holds {
  if (!holds) throw new Error(`Expected that ${claim}.`);
}

/** @throws a plain Error that shows both unless they print alike as JSON */
export function expectSame(actual: unknown, expected: unknown, what: string): void {
  const [got, wanted] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (got !== wanted) throw new Error(`${what}: expected ${shorten(wanted)}, got ${shorten(got)}.`);
}

/** @throws a plain Error that shows both unless they are the same bytes */
export function expectBytes(actual: Uint8Array | undefined, expected: Uint8Array, what: string): void {
  if (actual === undefined) throw new Error(`${what}: expected ${expected.length} bytes, got nothing.`);
  const [got, wanted] = [encodeHex(actual), encodeHex(expected)];
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

/** The code of Sotto's errors, the text of others. */
function describeError(error: unknown): string {
  return isSottoError(error) ? error.code : String(error);
}

function shorten(text: string | undefined): string {
  const printed = text ?? 'undefined';
  return printed.length <= 400 ? printed : `${printed.slice(0, 400)}... (${printed.length} characters)`;
}
