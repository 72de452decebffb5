import { type CryptoProvider, encodeUtf8, wipeBytes } from '@sotto/core';
import { writeU32 } from './big-endian.js';

const LENGTH_LENGTH = 4;
const HYBRID_INFO = encodeUtf8('sotto triple ratchet v1 message');

/**
 * `KDF_HYBRID`: HMAC-SHA-256, keyed with the key of the post-quantum ratchet, of that of the DH ratchet: HKDF's extraction, whose
 * expansion is the message cipher's. Who lacks either of the two lacks the result. Wipes both.
 */
export function hybridKey(crypto: CryptoProvider, dhKey: Uint8Array, sparseKey: Uint8Array): Uint8Array {
  const key = crypto.hmacSha256(sparseKey, HYBRID_INFO, dhKey);
  wipeBytes(dhKey, sparseKey);
  return key;
}

/** `hash of the handshake 32 || BE32(length) || the caller's`: what a message authenticates beside its header. */
export function authenticatedData(handshake: Uint8Array, ofCaller: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(handshake.length + LENGTH_LENGTH + ofCaller.length);
  bytes.set(handshake);
  writeU32(bytes, handshake.length, ofCaller.length);
  bytes.set(ofCaller, handshake.length + LENGTH_LENGTH);
  return bytes;
}
