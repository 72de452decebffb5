import { concatBytes, decodeUtf8, encodeUtf8 } from '@sotto/core';
import { ByteReader } from './varint.js';

/*
 * As much of DAG-CBOR as the signed data of an IPNS record takes: one map from text to unsigned integers and bytes.
 */

type Value = Uint8Array | bigint;

/** @param entries in DAG-CBOR's order: shorter names first, those of one length by their bytes */
export function encodeCborMap(entries: readonly (readonly [string, Value])[]): Uint8Array {
  const parts = entries.map(([name, value]) => {
    const text = encodeUtf8(name);
    const encoded = typeof value === 'bigint' ? head(0, value) : concatBytes(head(2, value.length), value);
    return concatBytes(head(3, text.length), text, encoded);
  });
  return concatBytes(head(5, entries.length), ...parts);
}

/** @returns none for anything that isn't such a map; bytes are views */
export function decodeCborMap(bytes: Uint8Array, maxEntries = 16): ReadonlyMap<string, Value> | undefined {
  const reader = new ByteReader(bytes);
  const map = readHead(reader);
  if (map?.kind !== 5 || map.value > maxEntries) return undefined;
  const entries = new Map<string, Value>();
  for (let left = map.value; left > 0n; left--) {
    const name = readValue(reader, 3);
    const value = readValue(reader);
    if (!(name instanceof Uint8Array) || value === undefined) return undefined;
    try {
      entries.set(decodeUtf8(name), value);
    } catch {
      return undefined;
    }
  }
  return reader.done && BigInt(entries.size) === map.value ? entries : undefined;
}

function readValue(reader: ByteReader, only?: number): Value | undefined {
  const item = readHead(reader);
  if (item === undefined || (only !== undefined && item.kind !== only)) return undefined;
  if (item.kind === 0) return item.value;
  return item.kind === 2 || item.kind === 3 ? reader.bytes(item.value) : undefined;
}

function head(kind: number, value: bigint | number): Uint8Array {
  const number = BigInt(value);
  if (number < 24n) return Uint8Array.of((kind << 5) | Number(number));
  const size = [1, 2, 4, 8].find((length) => number < 1n << BigInt(8 * length)) as number;
  const whole = new Uint8Array(8);
  new DataView(whole.buffer).setBigUint64(0, number);
  return concatBytes(Uint8Array.of((kind << 5) | (24 + Math.log2(size))), whole.subarray(8 - size));
}

/** Kind and number of the next item. DAG-CBOR knows only definite lengths. */
function readHead(reader: ByteReader): { readonly kind: number; readonly value: bigint } | undefined {
  const first = reader.byte();
  if (first === undefined) return undefined;
  const [kind, low] = [first >> 5, first & 31];
  if (low < 24) return { kind, value: BigInt(low) };
  if (low > 27) return undefined;
  const bytes = reader.bytes(1 << (low - 24));
  if (bytes === undefined) return undefined;
  return { kind, value: bytes.reduce((value, byte) => (value << 8n) | BigInt(byte), 0n) };
}
