import { encodeUtf8, invalidArgument } from '@sotto/core';

/**
 * Checks a received uint64 as clients of its generation do.
 * @throws INVALID_ARGUMENT
 */
export function checkUint64(what: string, value: bigint): bigint {
  if (BigInt.asUintN(64, value) !== value) throw invalidArgument(what, 'not a uint64');
  return value;
}

/**
 * Checks a received uint32 as clients of its generation do.
 * @throws INVALID_ARGUMENT
 */
export function checkUint32(what: string, value: number): number {
  if (!Number.isInteger(value) || value < 0 || value > 0xffff_ffff)
    throw invalidArgument(what, 'not a uint32');
  return value;
}

/**
 * Only checks: the generated encoder would replace a lone surrogate by U+FFFD.
 * @throws INVALID_TEXT
 */
export function checkStrings<T extends object>(message: T): T {
  for (const value of Object.values(message)) {
    if (typeof value === 'string') encodeUtf8(value);
    else if (Array.isArray(value)) checkStrings(value);
  }
  return message;
}
