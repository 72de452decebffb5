import { pbkdf2Sync } from 'node:crypto';
import { wipeBytes } from '@sotto/core';
import { requireInteger } from '../arguments.js';
import { HKDF_MAX_LENGTH, PBKDF2_MAX_ITERATIONS, PBKDF2_MAX_LENGTH } from '../limits.js';
import type { CryptoProvider } from '../provider.js';
import { hmacSha256 } from './hash.js';
import { plainBytes } from './plain-bytes.js';

/** RFC 5869, written out: faster than Node's `hkdfSync`, which also refuses an `info` of more than 1024 bytes. */
export const hkdfSha256: CryptoProvider['hkdfSha256'] = ({ inputKey, salt, info, length }) => {
  requireInteger('length', length, 1, HKDF_MAX_LENGTH);
  const pseudoRandomKey = hmacSha256(salt, inputKey);
  const output = new Uint8Array(length);
  let block: Uint8Array = new Uint8Array();
  for (let offset = 0, counter = 1; offset < length; offset += block.length, counter++) {
    const previous = block;
    block = hmacSha256(pseudoRandomKey, previous, info, Uint8Array.of(counter));
    output.set(block.subarray(0, length - offset), offset);
    wipeBytes(previous);
  }
  wipeBytes(pseudoRandomKey, block);
  return output;
};

export const pbkdf2Sha256: CryptoProvider['pbkdf2Sha256'] = ({ password, salt, iterations, length }) => {
  requireInteger('iterations', iterations, 1, PBKDF2_MAX_ITERATIONS);
  requireInteger('length', length, 1, PBKDF2_MAX_LENGTH);
  return plainBytes(pbkdf2Sync(password, salt, iterations, length, 'sha256'));
};
