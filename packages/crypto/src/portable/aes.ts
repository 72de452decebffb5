import { ctr, gcm } from '@noble/ciphers/aes.js';
import { SottoError } from '@sotto/core';
import { requireLength } from '../arguments.js';
import type { CryptoProvider } from '../provider.js';

const AES_128_KEY_LENGTH = 16;
const AES_256_KEY_LENGTH = 32;
const CTR_IV_LENGTH = 16;
const GCM_NONCE_LENGTH = 12;

export const aesCtr: CryptoProvider['aesCtr'] = (key, iv, data) => {
  requireLength('key', key, AES_128_KEY_LENGTH, AES_256_KEY_LENGTH);
  requireLength('iv', iv, CTR_IV_LENGTH);
  return ctr(key, iv).encrypt(data);
};

export const sealAes256Gcm: CryptoProvider['sealAes256Gcm'] = (key, nonce, plaintext, associatedData) => {
  requireGcmLengths(key, nonce);
  return gcm(key, nonce, associatedData).encrypt(plaintext);
};

export const openAes256Gcm: CryptoProvider['openAes256Gcm'] = (key, nonce, sealed, associatedData) => {
  requireGcmLengths(key, nonce);
  const cipher = gcm(key, nonce, associatedData);
  try {
    return cipher.decrypt(sealed);
  } catch {
    throw new SottoError('AUTHENTICATION_FAILED', "The tag doesn't fit: wrong key, or altered bytes.", {
      what: 'AES-256-GCM',
    });
  }
};

function requireGcmLengths(key: Uint8Array, nonce: Uint8Array): void {
  requireLength('key', key, AES_256_KEY_LENGTH);
  requireLength('nonce', nonce, GCM_NONCE_LENGTH);
}
