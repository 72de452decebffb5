import { parseBytes, SottoError } from '@sotto/core';

/** @throws INVALID_LENGTH unless `bytes` has one of the lengths allowed; INVALID_ARGUMENT when it is not a Uint8Array */
export function requireLength(what: string, bytes: Uint8Array, ...allowed: readonly number[]): void {
  if (allowed.includes(parseBytes(bytes, what).length)) return;
  const expected = allowed.join(' or ');
  throw new SottoError('INVALID_LENGTH', `The ${what} has ${bytes.length} bytes, not ${expected}.`, {
    what,
    expected: allowed.length === 1 ? (allowed[0] as number) : expected,
    actual: bytes.length,
  });
}

/** @throws INVALID_ARGUMENT unless `value` is a whole number from `least` to `most` */
export function requireInteger(what: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  const reason = `not a whole number from ${least} to ${most}`;
  throw new SottoError('INVALID_ARGUMENT', `The ${what} is ${reason}.`, { what, reason });
}

/**
 * Checks the parts of what is hashed.
 * @throws INVALID_ARGUMENT
 */
export function requireParts(parts: readonly Uint8Array[]): void {
  for (const part of parts) parseBytes(part, 'part');
}
