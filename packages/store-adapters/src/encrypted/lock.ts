import { concatBytes, type RandomSource } from '@sotto/core';
import { decodeVersion, encodeVersion, VERSION_LENGTH } from './sealed-record.js';

const KEY_LENGTH = 32;

/** Bytes of a lock. */
export const LOCK_LENGTH = VERSION_LENGTH + KEY_LENGTH;

/**
 * What opens a value sealed in the underlying store: its version, and the key that it is sealed
 * under. The key is used for nothing else, so once the lock is gone, the value can't be opened any more.
 */
export interface Lock {
  readonly version: number;
  /** 32 bytes. */
  readonly key: Uint8Array;
}

/** A new lock, with a random key. */
export function createLock(version: number, randomBytes: RandomSource): Lock {
  return { version, key: randomBytes(KEY_LENGTH) };
}

/** Version (8, big-endian) || key (32). */
export function encodeLock({ version, key }: Lock): Uint8Array {
  return concatBytes(encodeVersion(version), key);
}

/** Reads the lock at the start of the bytes; its key is a view. */
export function decodeLock(bytes: Uint8Array): Lock {
  return { version: decodeVersion(bytes), key: bytes.subarray(VERSION_LENGTH, LOCK_LENGTH) };
}
