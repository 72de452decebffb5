import { concatBytes } from '@sotto/core';

/** Hand-made Protocol Buffers, for input that no encoder of ours would write. */

export function varint(value: number | bigint): Uint8Array {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  return Uint8Array.of(...bytes, Number(rest));
}

export function tag(number: number, wireType: number): Uint8Array {
  return varint(number * 8 + wireType);
}

export function number(field: number, value: number | bigint): Uint8Array {
  return concatBytes(tag(field, 0), varint(value));
}

export function block(field: number, ...content: readonly Uint8Array[]): Uint8Array {
  const value = concatBytes(...content);
  return concatBytes(tag(field, 2), varint(value.length), value);
}

export function textField(field: number, text: string): Uint8Array {
  return block(field, new TextEncoder().encode(text));
}
