import { copyBytes } from '@sotto/core';

const ORDER_LENGTH = 8;

/** The part of a shared key that orders two sessions begun simultaneously. */
export function sessionOrder(sharedKey: Uint8Array): Uint8Array {
  return copyBytes(sharedKey.subarray(0, ORDER_LENGTH));
}
