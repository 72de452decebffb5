import { xchacha20poly1305 } from '@noble/ciphers/chacha.js';
import {
  concatBytes,
  encodeUtf8,
  type RandomSource,
  SottoError,
  STORE_KEY_MAX_LENGTH,
  STORE_VALUE_MAX_BYTES,
} from '@sotto/core';

/** Bytes of a version. */
export const VERSION_LENGTH = 8;
const NONCE_LENGTH = 24;
const TAG_LENGTH = 16;
const KEY_LENGTH_LENGTH = 2;

/** Largest value in bytes: the largest of a store, less what sealing adds. */
export const ENCRYPTED_VALUE_MAX_BYTES =
  STORE_VALUE_MAX_BYTES -
  VERSION_LENGTH -
  NONCE_LENGTH -
  TAG_LENGTH -
  KEY_LENGTH_LENGTH -
  STORE_KEY_MAX_LENGTH;

/**
 * Seals bytes for their place in the underlying store: version (8, big-endian) || nonce (24) || ciphertext and tag.
 * The place and the version are associated data: it doesn't open anywhere else, or with another version.
 */
export class RecordSealer {
  readonly #key: Uint8Array;
  readonly #randomBytes: RandomSource;

  /** @param key 32 bytes; borrowed as long as the sealer is used */
  constructor(key: Uint8Array, randomBytes: RandomSource) {
    this.#key = key;
    this.#randomBytes = randomBytes;
  }

  seal(innerKey: string, version: number, plaintext: Uint8Array): Uint8Array {
    const head = encodeVersion(version);
    const nonce = this.#randomBytes(NONCE_LENGTH);
    const cipher = xchacha20poly1305(this.#key, nonce, concatBytes(head, encodeUtf8(innerKey)));
    return concatBytes(head, nonce, cipher.encrypt(plaintext));
  }

  /**
   * The plaintext, fresh, and the version with which it was sealed.
   * @param what names it in STORE_CORRUPT
   * @throws STORE_CORRUPT
   */
  open(
    innerKey: string,
    sealed: Uint8Array,
    what: string,
  ): { readonly version: number; readonly plaintext: Uint8Array } {
    try {
      const head = sealed.subarray(0, VERSION_LENGTH);
      const nonce = sealed.subarray(VERSION_LENGTH, VERSION_LENGTH + NONCE_LENGTH);
      const cipher = xchacha20poly1305(this.#key, nonce, concatBytes(head, encodeUtf8(innerKey)));
      const plaintext = cipher.decrypt(sealed.subarray(VERSION_LENGTH + NONCE_LENGTH));
      return { version: decodeVersion(head), plaintext };
    } catch (error) {
      throw new SottoError('STORE_CORRUPT', `Damaged: ${what}.`, { what }, { cause: error });
    }
  }
}

/** A record in the form that is sealed: length of the key (2, big-endian) || key || value. */
export function encodeSealedRecord(key: string, value: Uint8Array): Uint8Array {
  const length = new Uint8Array(KEY_LENGTH_LENGTH);
  new DataView(length.buffer).setUint16(0, key.length);
  return concatBytes(length, encodeUtf8(key), value);
}

/** Reads what {@link encodeSealedRecord} returned, which has been authenticated; `value` is a view of it. */
export function decodeSealedRecord(bytes: Uint8Array): { readonly key: string; readonly value: Uint8Array } {
  const length = new DataView(bytes.buffer, bytes.byteOffset, bytes.length).getUint16(0);
  const key = String.fromCharCode(...bytes.subarray(KEY_LENGTH_LENGTH, KEY_LENGTH_LENGTH + length));
  return { key, value: bytes.subarray(KEY_LENGTH_LENGTH + length) };
}

/** 8 bytes, big-endian. In halves, since bigints are slow and this runs often. */
export function encodeVersion(version: number): Uint8Array {
  const bytes = new Uint8Array(VERSION_LENGTH);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, Math.floor(version / 2 ** 32));
  view.setUint32(4, version >>> 0);
  return bytes;
}

/** Reads the version at the start of the bytes. */
export function decodeVersion(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return view.getUint32(0) * 2 ** 32 + view.getUint32(4);
}
