import { concatBytes, type KeyPair, type PublicKey, SottoError, wipeBytes } from '@sotto/core';
import type { CryptoProvider } from '@sotto/crypto';

const NONCE_LENGTH = 12;
const TAG_LENGTH = 16;

/** A message to an identity whose bundle is not known. No forward secrecy. Wire profile, section 5. */
export interface DhFallbackMessage {
  /** Fresh ephemeral key, 33 bytes: `DH_header.key`. */
  readonly ephemeralKey: PublicKey;
  /** `AES-256-GCM(ECDH(ephemeral, identity), plaintext) || nonce 12`. */
  readonly payload: Uint8Array;
}

/**
 * Encrypts to an identity key alone, for lack of a bundle.
 *
 * Whoever later learns the recipient's identity key can read it: use it for first contact only.
 *
 * @param remoteIdentity 33 or 65 bytes
 * @throws INVALID_PUBLIC_KEY
 */
export function sealDhFallback(
  crypto: CryptoProvider,
  remoteIdentity: Uint8Array,
  plaintext: Uint8Array,
): DhFallbackMessage {
  const ephemeral = crypto.secp256k1.generateKeyPair();
  const key = crypto.secp256k1.ecdh(ephemeral.privateKey, remoteIdentity);
  const nonce = crypto.randomBytes(NONCE_LENGTH);
  const sealed = crypto.sealAes256Gcm(key, nonce, plaintext);
  wipeBytes(ephemeral.privateKey, key);
  return { ephemeralKey: ephemeral.publicKey, payload: concatBytes(sealed, nonce) };
}

/**
 * Opens what {@link sealDhFallback} made.
 *
 * @throws MALFORMED_MESSAGE when the payload is shorter than tag and nonce; INVALID_PUBLIC_KEY; AUTHENTICATION_FAILED
 */
export function openDhFallback(
  crypto: CryptoProvider,
  identity: KeyPair,
  message: { readonly ephemeralKey: Uint8Array; readonly payload: Uint8Array },
): Uint8Array {
  const { payload } = message;
  if (payload.length < TAG_LENGTH + NONCE_LENGTH) {
    throw new SottoError('MALFORMED_MESSAGE', 'The payload is too short to be encrypted.', {
      what: 'DH fallback payload',
      reason: `${payload.length} bytes, tag and nonce alone have ${TAG_LENGTH + NONCE_LENGTH}`,
    });
  }
  const key = crypto.secp256k1.ecdh(identity.privateKey, message.ephemeralKey);
  try {
    const nonceAt = payload.length - NONCE_LENGTH;
    return crypto.openAes256Gcm(key, payload.subarray(nonceAt), payload.subarray(0, nonceAt));
  } finally {
    wipeBytes(key);
  }
}
