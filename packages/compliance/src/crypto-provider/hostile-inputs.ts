import { hex } from '../support/expectations.js';
import { repeated } from './bytes.js';

/** Bytes that must be refused, and what is wrong with them. */
export interface HostileInput {
  readonly why: string;
  readonly bytes: Uint8Array;
}

/** Order of the secp256k1 group. */
export const ORDER = 'fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141';
export const ORDER_MINUS_1 = 'fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364140';
const ORDER_PLUS_1 = 'fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364142';
/** The highest s that is low, and the lowest that is high. */
export const HALF_ORDER = '7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0';
export const HALF_ORDER_PLUS_1 = '7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a1';
/** The field prime, and one more. */
const PRIME = 'fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2f';
const PRIME_PLUS_1 = 'fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc30';

export const ZERO = '00'.repeat(32);
export const ONE = `${'00'.repeat(31)}01`;

/** The generator. */
export const G_X = '79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798';
export const G_Y = '483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8';
/** The y, even, of the point with x = 1. */
export const Y_OF_X_1 = '4218f20ae6c646b363db68605822fb14264ca8d2587fdd6fbc750d587e76a7ee';
/** The x of a point with y = 1. */
export const X_OF_Y_1 = '1fe1e5ef3fceb5c135ab7741333ce5a6e80d68167653f6b2b24bcbcfaaaff507';
/** The x of no point on the curve. */
export const X_OF_NO_POINT = `${'00'.repeat(31)}05`;

/** X25519's base point written as 9 + the field prime. */
export const BASE_NOT_REDUCED = `f6${'ff'.repeat(30)}7f`;

/** 32 bytes each that are not a scalar in 1 .. order - 1. */
export function invalidScalars(): readonly HostileInput[] {
  return [
    { why: 'zero', bytes: hex(ZERO) },
    { why: 'the order', bytes: hex(ORDER) },
    { why: 'the order + 1', bytes: hex(ORDER_PLUS_1) },
    { why: 'all ones', bytes: repeated(0xff, 32) },
  ];
}

/** Encodings that are not a secp256k1 public key. */
export function invalidPublicKeys(): readonly HostileInput[] {
  const input = (why: string, text: string): HostileInput => ({ why, bytes: hex(text) });
  return [
    input('empty', ''),
    input('the point at infinity, one byte', '00'),
    input('32 bytes: x alone', G_X),
    input('33 bytes of zero', '00'.repeat(33)),
    input('34 bytes', `02${G_X}00`),
    input('64 bytes: no prefix', G_X + G_Y),
    input('66 bytes', `04${G_X}${G_Y}00`),
    input('prefix 00', `00${G_X}`),
    input('prefix 01', `01${G_X}`),
    input('prefix 04 on 33 bytes', `04${G_X}`),
    input('prefix 05 on 33 bytes', `05${G_X}`),
    input('prefix 02 on 65 bytes', `02${G_X}${G_Y}`),
    input('prefix 06: the hybrid form', `06${G_X}${G_Y}`),
    input('prefix 07: the hybrid form', `07${G_X}${G_Y}`),
    input('x of no point', `02${X_OF_NO_POINT}`),
    input('x of no point, odd', `03${X_OF_NO_POINT}`),
    input('x = 0', `02${ZERO}`),
    input('x = the field prime', `02${PRIME}`),
    input('x = the field prime + 1, where 1 is the x of a point', `02${PRIME_PLUS_1}`),
    input('x all ones', `03${'ff'.repeat(32)}`),
    input('the point (0, 0)', `04${ZERO}${ZERO}`),
    input('y of another point', `04${G_X}${Y_OF_X_1}`),
    input('65 bytes with x = the field prime + 1', `04${PRIME_PLUS_1}${Y_OF_X_1}`),
    input('65 bytes with y = the field prime + 1', `04${X_OF_Y_1}${PRIME_PLUS_1}`),
  ];
}

/** u coordinates whose product with every clamped scalar is zero, in every encoding of 32 bytes. */
export function smallOrderPoints(): readonly HostileInput[] {
  const points: readonly (readonly [string, string])[] = [
    ['0', ZERO],
    ['1', `01${'00'.repeat(31)}`],
    ['a point of order 8', 'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800'],
    ['the other point of order 8', '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157'],
    ['p - 1', `ec${'ff'.repeat(30)}7f`],
    ['p', `ed${'ff'.repeat(30)}7f`],
    ['p + 1', `ee${'ff'.repeat(30)}7f`],
  ];
  return points.flatMap(([why, text]) => {
    const topBitSet = hex(text);
    topBitSet[31] = (topBitSet[31] as number) | 0x80;
    return [
      { why, bytes: hex(text) },
      { why: `${why}, with the top bit set`, bytes: topBitSet },
    ];
  });
}
