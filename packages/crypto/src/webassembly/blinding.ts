import { secp256k1 as curve } from '@noble/curves/secp256k1.js';
import { wipeBytes } from '@sotto/core';

/** Uses of one pair drawn, as in OpenSSL's blinding of RSA: in between, both numbers are squared. */
const USES_OF_A_DRAW = 32;

/** A scalar and its inverse, 32 bytes each; the next pair overwrites them. */
export interface BlindingPair {
  readonly factor: Uint8Array;
  readonly inverse: Uint8Array;
}

/**
 * Returns a new pair of scalars each time, with which a secret is multiplied before an operation whose timing can be observed.
 *
 * @param draw draws a scalar at random
 * @param multiply the product of two scalars, in constant time
 */
export function createBlinding(
  draw: () => Uint8Array,
  multiply: (a: Uint8Array, b: Uint8Array) => Uint8Array,
): () => BlindingPair {
  const { Fn } = curve.Point;
  let pair: BlindingPair | undefined;
  let uses = 0;
  return () => {
    const last = pair;
    if (last === undefined || uses % USES_OF_A_DRAW === 0) {
      const factor = draw();
      // Not constant-time, but no secret depends on the factor yet.
      pair = { factor, inverse: Fn.toBytes(Fn.inv(Fn.fromBytes(factor))) };
    } else {
      pair = { factor: multiply(last.factor, last.factor), inverse: multiply(last.inverse, last.inverse) };
    }
    uses++;
    if (last !== undefined) wipeBytes(last.factor, last.inverse);
    return pair;
  };
}
