import { concatBytes, type KeyPair, SottoError } from '@sotto/core';
import { type CryptoProvider, openEcies, sealEcies } from '@sotto/crypto';
import type { ChannelCipher } from '../channels/topics.js';

const NONCE_LENGTH = 12;
const TAG_LENGTH = 16;

/** Encrypts the plain form of a message: the `data` of an envelope. Wire profile, section 7. */
export function sealData(crypto: CryptoProvider, cipher: ChannelCipher, plain: Uint8Array): Uint8Array {
  if (cipher.kind === 'asymmetric') return sealEcies(crypto, cipher.recipient, plain);
  const nonce = crypto.randomBytes(NONCE_LENGTH);
  return concatBytes(crypto.sealAes256Gcm(cipher.key, nonce, plain), nonce);
}

/** The key that opens the data of an envelope. */
export type OpeningKey =
  | { readonly kind: 'symmetric'; readonly key: Uint8Array }
  | { readonly kind: 'asymmetric'; readonly identity: KeyPair };

/**
 * Opens what {@link sealData} returned.
 * @throws AUTHENTICATION_FAILED for another key or altered data; MALFORMED_MESSAGE when it is too short; INVALID_PUBLIC_KEY
 */
export function openData(crypto: CryptoProvider, key: OpeningKey, data: Uint8Array): Uint8Array {
  if (key.kind === 'asymmetric') return openEcies(crypto, key.identity.privateKey, data);
  if (data.length < NONCE_LENGTH + TAG_LENGTH) {
    throw new SottoError('MALFORMED_MESSAGE', 'The data are too short to be sealed.', {
      what: 'sealed data',
      reason: `${data.length} bytes, nonce and tag alone have ${NONCE_LENGTH + TAG_LENGTH}`,
    });
  }
  const nonceAt = data.length - NONCE_LENGTH;
  return crypto.openAes256Gcm(key.key, data.subarray(nonceAt), data.subarray(0, nonceAt));
}
