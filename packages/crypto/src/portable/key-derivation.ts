import { hkdf } from '@noble/hashes/hkdf.js';
import { pbkdf2 } from '@noble/hashes/pbkdf2.js';
import { sha256 } from '@noble/hashes/sha2.js';
import {
  type CryptoProvider,
  HKDF_MAX_LENGTH,
  PBKDF2_MAX_ITERATIONS,
  PBKDF2_MAX_LENGTH,
  parseBytes,
} from '@sotto/core';
import { requireInteger } from '../arguments.js';

export const hkdfSha256: CryptoProvider['hkdfSha256'] = ({ inputKey, salt, info, length }) => {
  parseBytes(inputKey, 'inputKey');
  parseBytes(salt, 'salt');
  parseBytes(info, 'info');
  requireInteger('length', length, 1, HKDF_MAX_LENGTH);
  return hkdf(sha256, inputKey, salt, info, length);
};

export const pbkdf2Sha256: CryptoProvider['pbkdf2Sha256'] = ({ password, salt, iterations, length }) => {
  parseBytes(password, 'password');
  parseBytes(salt, 'salt');
  requireInteger('iterations', iterations, 1, PBKDF2_MAX_ITERATIONS);
  requireInteger('length', length, 1, PBKDF2_MAX_LENGTH);
  return pbkdf2(sha256, password, salt, { c: iterations, dkLen: length });
};
