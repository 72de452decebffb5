import { SottoError, type StoredRecord } from '@sotto/core';

const REVISION_LENGTH = 8;

/** What an engine stores under a record's key: revision (8 bytes, big-endian) || value. Fresh. */
export function encodeRecord(value: Uint8Array, revision: number): Uint8Array {
  const bytes = new Uint8Array(REVISION_LENGTH + value.length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(revision));
  bytes.set(value, REVISION_LENGTH);
  return bytes;
}

/** 8 bytes, big-endian; fresh. */
export function encodeRevision(revision: number): Uint8Array {
  return encodeRecord(new Uint8Array(), revision);
}

/**
 * Reads what {@link encodeRecord} returned; the value is fresh.
 * @throws STORE_CORRUPT
 */
export function decodeRecord(key: string, bytes: Uint8Array): StoredRecord {
  // A copy by the constructor: `slice` of a Buffer is neither a copy nor a plain Uint8Array.
  return { revision: decodeRevision(key, bytes), value: new Uint8Array(bytes.subarray(REVISION_LENGTH)) };
}

/**
 * The revision alone.
 * @throws STORE_CORRUPT
 */
export function decodeRevision(key: string, bytes: Uint8Array): number {
  if (bytes.length >= REVISION_LENGTH) {
    const revision = Number(new DataView(bytes.buffer, bytes.byteOffset, bytes.length).getBigUint64(0));
    if (revision >= 1 && Number.isSafeInteger(revision)) return revision;
  }
  throw new SottoError('STORE_CORRUPT', 'A record is damaged.', { what: key });
}
