import { copyBytes, SottoError } from '@sotto/core';

/** The key of a message not received yet. There may be thousands, so they are stored as plain bytes. */
export interface SkippedKeyRecord {
  /** 32 bytes; secret. */
  readonly messageKey: Uint8Array;
  /** Milliseconds since the epoch by our clock. */
  readonly storedAt: number;
}

const KEY_LENGTH = 32;

/** `message key 32 || stored at BE64`. */
export function encodeSkippedKey({ messageKey, storedAt }: SkippedKeyRecord): Uint8Array {
  const bytes = new Uint8Array(KEY_LENGTH + 8);
  bytes.set(messageKey);
  new DataView(bytes.buffer).setBigUint64(KEY_LENGTH, BigInt(Math.trunc(storedAt)));
  return bytes;
}

/** Reads what {@link encodeSkippedKey} wrote. @throws STATE_CORRUPT */
export function decodeSkippedKey(bytes: Uint8Array): SkippedKeyRecord {
  if (bytes.length !== KEY_LENGTH && bytes.length !== KEY_LENGTH + 8) {
    throw new SottoError('STATE_CORRUPT', 'A stored message key is damaged.', {
      what: 'skipped',
      reason: 'wrong length',
    });
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  // A key from before there was a time is as old as it can be.
  const storedAt = bytes.length === KEY_LENGTH ? 0 : Number(view.getBigUint64(KEY_LENGTH));
  return { messageKey: copyBytes(bytes.subarray(0, KEY_LENGTH)), storedAt };
}
