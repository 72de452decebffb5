import { copyBytes, SottoError } from '@sotto/core';
import type { CryptoProvider } from '@sotto/crypto';

/** How records of a table read as bytes. */
export interface RecordCodec<T> {
  /** The bytes become the record's. */
  encode(value: T): Uint8Array;
  /** Gets bytes of its own. Whatever it throws makes the record a damaged one (STATE_CORRUPT). */
  decode(bytes: Uint8Array): T;
}

/** A kind of record: where it stands in the store, and how it reads as bytes. Make one with `defineTable`. */
export interface Table<T> extends RecordCodec<T> {
  /** First segment of the key, a word. */
  readonly name: string;
  /** Whether decoded records may stay in memory: small ones that are read again and again. */
  readonly cached: boolean;
}

/** A table; `defineTable` makes one with a name that someone else chose. */
export function table<T>(name: string, { encode, decode }: RecordCodec<T>, cached = false): Table<T> {
  return { name, cached, encode, decode };
}

/** The part of generated code that a table needs. */
interface GeneratedCodec<T> {
  encode(message: T): { finish(): Uint8Array };
  decode(input: Uint8Array): T;
}

/** A table of protobuf messages. */
export function messageTable<T>(name: string, codec: GeneratedCodec<T>, cached: boolean): Table<T> {
  const encode = (value: T) => codec.encode(value).finish();
  return table(name, { encode, decode: (bytes) => codec.decode(bytes) }, cached);
}

/** A table of plain bytes; never cached. */
export function bytesTable(name: string): Table<Uint8Array> {
  return table(name, { encode: (value) => value, decode: (bytes) => bytes });
}

/** `name/segment/...` with each segment escaped, so that any text can be one and listing by prefix works. */
export function recordKey(table: { readonly name: string }, segments: readonly string[]): string {
  let key = table.name;
  for (const segment of segments) key += `/${encodeURIComponent(segment)}`;
  return key;
}

/*
 * Each record is framed: format 1 | content | the first 4 bytes of SHA-256(key || format || content). The checksum
 * contains damage: a flipped bit in a ratchet key would otherwise show only as a session that no one can read.
 */
const FORMAT = 1;
const CHECKSUM_LENGTH = 4;
const encoder = new TextEncoder();

function checksum(crypto: CryptoProvider, key: string, framed: Uint8Array): Uint8Array {
  return crypto.sha256(encoder.encode(key), framed).subarray(0, CHECKSUM_LENGTH);
}

/** The bytes to store for a record. */
export function encodeRecord<T>(crypto: CryptoProvider, table: Table<T>, key: string, value: T): Uint8Array {
  const content = table.encode(value);
  const bytes = new Uint8Array(1 + content.length + CHECKSUM_LENGTH);
  bytes[0] = FORMAT;
  bytes.set(content, 1);
  bytes.set(checksum(crypto, key, bytes.subarray(0, 1 + content.length)), 1 + content.length);
  return bytes;
}

/**
 * Reads what {@link encodeRecord} made.
 * @throws STATE_CORRUPT, STATE_VERSION_UNSUPPORTED
 */
export function decodeRecord<T>(crypto: CryptoProvider, table: Table<T>, key: string, bytes: Uint8Array): T {
  const corrupt = (reason: string, cause?: unknown) =>
    new SottoError(
      'STATE_CORRUPT',
      `A stored ${table.name} record is damaged.`,
      { what: table.name, reason },
      { cause },
    );
  const end = bytes.length - CHECKSUM_LENGTH;
  if (end < 1) throw corrupt('too short');
  if (bytes[0] !== FORMAT) {
    throw new SottoError('STATE_VERSION_UNSUPPORTED', `A stored ${table.name} record is of a newer format.`, {
      what: table.name,
      version: bytes[0] as number,
    });
  }
  const expected = checksum(crypto, key, bytes.subarray(0, end));
  if (!crypto.equalBytes(expected, bytes.subarray(end))) throw corrupt('the checksum does not fit');
  try {
    return table.decode(copyBytes(bytes.subarray(1, end)));
  } catch (cause) {
    throw corrupt('it cannot be decoded', cause);
  }
}
