import { concatBytes, encodeUtf8 } from '@sotto/core';
import type { CryptoProvider } from '@sotto/crypto';
import { NONCE_LENGTH } from './message.js';

const SIGNATURE_LABEL = encodeUtf8('sotto sender key signature 1');

/**
 * `nonce || AES-256-GCM`. The nonce is random although each key is used once: a store that was put back to an old copy uses a key
 * again, and then with another nonce.
 */
export function seal(
  crypto: CryptoProvider,
  messageKey: Uint8Array,
  associatedData: Uint8Array,
  plaintext: Uint8Array,
): Uint8Array {
  const nonce = crypto.randomBytes(NONCE_LENGTH);
  return concatBytes(nonce, crypto.sealAes256Gcm(messageKey, nonce, plaintext, associatedData));
}

/**
 * Opens what {@link seal} returned.
 * @throws AUTHENTICATION_FAILED
 */
export function open(
  crypto: CryptoProvider,
  messageKey: Uint8Array,
  associatedData: Uint8Array,
  sealed: Uint8Array,
): Uint8Array {
  const nonce = sealed.subarray(0, NONCE_LENGTH);
  return crypto.openAes256Gcm(messageKey, nonce, sealed.subarray(NONCE_LENGTH), associatedData);
}

/** What the chain's private key signs of a message, 32 bytes: `KECCAK-256(label || KECCAK-256(associated data) || sealed)`. */
export function signatureDigest(
  crypto: Pick<CryptoProvider, 'keccak256'>,
  associatedData: Uint8Array,
  sealed: Uint8Array,
): Uint8Array {
  return crypto.keccak256(SIGNATURE_LABEL, crypto.keccak256(associatedData), sealed);
}
