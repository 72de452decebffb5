import {
  type CryptoProvider,
  concatBytes,
  copyBytes,
  parseBytes,
  SottoError,
  UNCOMPRESSED_PUBLIC_KEY_LENGTH,
  wipeBytes,
} from '@sotto/core';

const IV_LENGTH = 16;
const TAG_LENGTH = 32;
const ENCRYPTION_KEY_LENGTH = 16;

/** Bytes that sealing adds to a plaintext: `R` 65, `iv` 16, tag 32. */
export const ECIES_OVERHEAD = UNCOMPRESSED_PUBLIC_KEY_LENGTH + IV_LENGTH + TAG_LENGTH;

const NOTHING: Uint8Array = new Uint8Array(0);

/**
 * Encrypts to a secp256k1 public key as go-ethereum's ECIES does (AES-128-CTR, HMAC-SHA-256; wire profile, section 7):
 * `R 65 || iv 16 || ciphertext || tag 32`.
 *
 * Draws the ephemeral key pair, then the iv. Does not authenticate the sender; sign the plaintext where that matters.
 *
 * @param recipientPublicKey 33 or 65 bytes
 * @param sharedInfo authenticated by the tag and not sent. Whisper has none; RLPx has the length of the message
 * @throws INVALID_PUBLIC_KEY
 */
export function sealEcies(
  crypto: CryptoProvider,
  recipientPublicKey: Uint8Array,
  plaintext: Uint8Array,
  sharedInfo: Uint8Array = NOTHING,
): Uint8Array {
  const recipient = crypto.secp256k1.parsePublicKey(recipientPublicKey);
  parseBytes(plaintext, 'plaintext');
  const ephemeral = crypto.secp256k1.generateKeyPair();
  const iv = crypto.randomBytes(IV_LENGTH);
  const keys = deriveKeys(crypto, ephemeral.privateKey, recipient);
  const body = concatBytes(iv, crypto.aesCtr(keys.encryption, iv, plaintext));
  const tag = crypto.hmacSha256(keys.mac, body, sharedInfo);
  wipeBytes(keys.encryption, keys.mac, ephemeral.privateKey);
  return concatBytes(crypto.secp256k1.uncompressPublicKey(ephemeral.publicKey), body, tag);
}

/**
 * Opens what {@link sealEcies}, or go-ethereum, sealed to the public key of `privateKey` (32 bytes). The tag is
 * checked, in constant time, before anything is decrypted.
 *
 * @throws INVALID_LENGTH when `sealed` is shorter than 113 bytes, or the private key isn't 32;
 * INVALID_PRIVATE_KEY; INVALID_PUBLIC_KEY when `R` isn't an uncompressed point; AUTHENTICATION_FAILED
 */
export function openEcies(
  crypto: CryptoProvider,
  privateKey: Uint8Array,
  sealed: Uint8Array,
  sharedInfo: Uint8Array = NOTHING,
): Uint8Array {
  if (parseBytes(sealed, 'ECIES ciphertext').length < ECIES_OVERHEAD) {
    throw new SottoError('INVALID_LENGTH', `${sealed.length} bytes are too few for an ECIES ciphertext.`, {
      what: 'ECIES ciphertext',
      expected: `at least ${ECIES_OVERHEAD}`,
      actual: sealed.length,
    });
  }
  const ephemeral = sealed.subarray(0, UNCOMPRESSED_PUBLIC_KEY_LENGTH);
  const body = sealed.subarray(UNCOMPRESSED_PUBLIC_KEY_LENGTH, -TAG_LENGTH);
  const tag = sealed.subarray(-TAG_LENGTH);
  const keys = deriveKeys(crypto, privateKey, ephemeral);
  const expected = crypto.hmacSha256(keys.mac, body, sharedInfo);
  try {
    if (!crypto.equalBytes(expected, tag)) {
      throw new SottoError('AUTHENTICATION_FAILED', "The tag doesn't fit: wrong key, or altered bytes.", {
        what: 'ECIES',
      });
    }
    return crypto.aesCtr(keys.encryption, body.subarray(0, IV_LENGTH), body.subarray(IV_LENGTH));
  } finally {
    // The expected tag would authenticate a forgery over the same body.
    wipeBytes(keys.encryption, keys.mac, expected);
  }
}

/**
 * NIST SP 800-56A concatenation KDF over SHA-256, one round (counter 1) and no shared information: 32 bytes, of
 * which the first half encrypts and the hash of the second half authenticates.
 */
function deriveKeys(crypto: CryptoProvider, privateKey: Uint8Array, publicKey: Uint8Array) {
  const shared = crypto.secp256k1.ecdh(privateKey, publicKey);
  const derived = crypto.sha256(Uint8Array.of(0, 0, 0, 1), shared);
  const keys = {
    encryption: copyBytes(derived.subarray(0, ENCRYPTION_KEY_LENGTH)),
    mac: crypto.sha256(derived.subarray(ENCRYPTION_KEY_LENGTH)),
  };
  wipeBytes(shared, derived);
  return keys;
}
