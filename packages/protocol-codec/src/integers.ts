import { SottoError } from '@sotto/core';

/** @throws INVALID_ARGUMENT */
export function checkUint32(what: string, value: number): number {
  if (!Number.isInteger(value) || value < 0 || value > 0xffff_ffff) throw outOfRange(what, 'a uint32');
  return value;
}

/** @throws INVALID_ARGUMENT */
export function checkInt64(what: string, value: bigint): bigint {
  if (BigInt.asIntN(64, value) !== value) throw outOfRange(what, 'an int64');
  return value;
}

function outOfRange(what: string, type: string) {
  const reason = `not ${type}`;
  return new SottoError('INVALID_ARGUMENT', `The ${what} is ${reason}.`, { what, reason });
}
