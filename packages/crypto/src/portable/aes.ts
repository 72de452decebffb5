import { ctr, gcm } from '@noble/ciphers/aes.js';
import type { CryptoProvider } from '@sotto/core';
import { requireCtrArguments, requireGcmArguments, tagDoesNotFit } from '../aes-arguments.js';

export const aesCtr: CryptoProvider['aesCtr'] = (key, iv, data) => {
  requireCtrArguments(key, iv, data);
  return ctr(key, iv).encrypt(data);
};

export const sealAes256Gcm: CryptoProvider['sealAes256Gcm'] = (key, nonce, plaintext, associatedData) => {
  requireGcmArguments(key, nonce, plaintext, associatedData);
  return gcm(key, nonce, associatedData).encrypt(plaintext);
};

export const openAes256Gcm: CryptoProvider['openAes256Gcm'] = (key, nonce, sealed, associatedData) => {
  requireGcmArguments(key, nonce, sealed, associatedData);
  const cipher = gcm(key, nonce, associatedData);
  try {
    return cipher.decrypt(sealed);
  } catch {
    throw tagDoesNotFit();
  }
};
