import { decodeHex, type ErrorCode, encodeHex, encodeUtf8, isSottoError } from '@sotto/core';

/** Bytes of a hex text; white space in it is for the reader. */
export function hex(text: string): Uint8Array {
  return decodeHex(text.replace(/\s/g, ''));
}

/** `count` bytes of one value. */
export function repeated(value: number, count: number): Uint8Array {
  return new Uint8Array(count).fill(value);
}

export const ascii = encodeUtf8;

/** A copy with bit `index` flipped, counted from the lowest of the first byte. */
export function withBitFlipped(bytes: Uint8Array, index: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy[index >> 3] = (copy[index >> 3] as number) ^ (1 << (index & 7));
  return copy;
}

export function expectTrue(holds: boolean, claim: string): void {
  if (!holds) throw new Error(`Expected that ${claim}.`);
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}

export function expectBytes(actual: Uint8Array, expected: Uint8Array | string, what: string): void {
  const wanted = typeof expected === 'string' ? hex(expected) : expected;
  if (!sameBytes(actual, wanted)) {
    throw new Error(`${what}: expected ${encodeHex(wanted)}, got ${encodeHex(actual)}.`);
  }
}

/** Runs what should be refused, and gives the error. */
export function expectRefusal(run: () => unknown, code: ErrorCode, what: string): Error {
  try {
    run();
  } catch (error) {
    if (isSottoError(error, code)) return error;
    throw new Error(`${what}: expected ${code}, got ${describeError(error)}.`, { cause: error });
  }
  throw new Error(`${what}: expected ${code}, but it was accepted.`);
}

export function describeError(error: unknown): string {
  return isSottoError(error) ? error.code : `an error that is not Sotto's: ${String(error)}`;
}

/** That no way of printing the pair shows the private key, of which `secret` is the hex. */
export function expectRedacted(pair: object, secret: string): void {
  const shown = `${String(pair)} ${JSON.stringify(pair)} ${JSON.stringify({ pair })}`;
  const hidden = [secret, hex(secret).join(), '"0":'];
  expectTrue(!hidden.some((text) => shown.includes(text)), 'a key pair prints redacted');
}
