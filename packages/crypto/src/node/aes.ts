import { createCipheriv, createDecipheriv } from 'node:crypto';
import { type CryptoProvider, wipeBytes } from '@sotto/core';
import { requireCtrArguments, requireGcmArguments, tagDoesNotFit } from '../aes-arguments.js';
import { plainBytes } from './plain-bytes.js';
import { secretKey } from './secret-key.js';

const TAG_LENGTH = 16;
const NOTHING = new Uint8Array();

export const aesCtr: CryptoProvider['aesCtr'] = (key, iv, data) => {
  requireCtrArguments(key, iv, data);
  // A stream cipher: all of the output comes from `update`.
  const name = key.length === 16 ? 'aes-128-ctr' : 'aes-256-ctr';
  return plainBytes(createCipheriv(name, secretKey(key), iv).update(data));
};

export const sealAes256Gcm: CryptoProvider['sealAes256Gcm'] = (
  key,
  nonce,
  plaintext,
  associatedData = NOTHING,
) => {
  requireGcmArguments(key, nonce, plaintext, associatedData);
  const cipher = createCipheriv('aes-256-gcm', secretKey(key), nonce, { authTagLength: TAG_LENGTH });
  if (associatedData.length > 0) cipher.setAAD(associatedData);
  const sealed = new Uint8Array(plaintext.length + TAG_LENGTH);
  sealed.set(cipher.update(plaintext));
  cipher.final();
  sealed.set(cipher.getAuthTag(), plaintext.length);
  return sealed;
};

export const openAes256Gcm: CryptoProvider['openAes256Gcm'] = (
  key,
  nonce,
  sealed,
  associatedData = NOTHING,
) => {
  requireGcmArguments(key, nonce, sealed, associatedData);
  if (sealed.length < TAG_LENGTH) throw tagDoesNotFit();
  // Without the option, Node takes tags of 4 bytes.
  const decipher = createDecipheriv('aes-256-gcm', secretKey(key), nonce, { authTagLength: TAG_LENGTH });
  if (associatedData.length > 0) decipher.setAAD(associatedData);
  decipher.setAuthTag(sealed.subarray(-TAG_LENGTH));
  const plaintext = decipher.update(sealed.subarray(0, -TAG_LENGTH));
  try {
    decipher.final();
  } catch {
    wipeBytes(plaintext);
    throw tagDoesNotFit();
  }
  return plainBytes(plaintext);
};
