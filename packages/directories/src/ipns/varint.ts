import { concatBytes } from '@sotto/core';

/** An unsigned LEB128 of up to 31 bits, as protobuf and the multiformats have it. */
function encodeVarint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  do {
    const low = rest & 0x7f;
    rest >>>= 7;
    bytes.push(rest > 0 ? low | 0x80 : low);
  } while (rest > 0);
  return Uint8Array.from(bytes);
}

/** A field of a protobuf message that holds bytes. */
export function bytesField(number: number, value: Uint8Array): Uint8Array {
  return concatBytes(encodeVarint((number << 3) | 2), encodeVarint(value.length), value);
}

/** Reads bytes one piece after another; what is truncated or overlong is `undefined`. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get done(): boolean {
    return this.#at >= this.#bytes.length;
  }

  byte(): number | undefined {
    return this.#bytes[this.#at++];
  }

  /** A view. */
  bytes(length: number | bigint | undefined): Uint8Array | undefined {
    if (length === undefined || length > this.#bytes.length - this.#at) return undefined;
    const start = this.#at;
    this.#at += Number(length);
    return this.#bytes.subarray(start, this.#at);
  }

  varint(): bigint | undefined {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.byte();
      if (byte === undefined) return undefined;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value < 1n << 64n ? value : undefined;
    }
    return undefined;
  }
}

/**
 * The fields of a protobuf message by number, the last of each: bytes as views, integers as bigint.
 * @returns none for what isn't a message, or has more than `maxFields` fields
 */
export function readFields(
  message: Uint8Array,
  maxFields = 32,
): ReadonlyMap<number, Uint8Array | bigint> | undefined {
  const reader = new ByteReader(message);
  const fields = new Map<number, Uint8Array | bigint>();
  for (let count = 0; !reader.done; count++) {
    const tag = reader.varint();
    if (tag === undefined || count >= maxFields) return undefined;
    const value =
      (tag & 7n) === 0n ? reader.varint() : (tag & 7n) === 2n ? reader.bytes(reader.varint()) : undefined;
    if (value === undefined) return undefined;
    fields.set(Number(tag >> 3n), value);
  }
  return fields;
}
