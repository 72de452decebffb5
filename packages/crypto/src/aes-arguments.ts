import { parseBytes, SottoError } from '@sotto/core';
import { requireLength } from './arguments.js';

const AES_128_KEY_LENGTH = 16;
const AES_256_KEY_LENGTH = 32;
const CTR_IV_LENGTH = 16;
const GCM_NONCE_LENGTH = 12;

export function requireCtrArguments(key: Uint8Array, iv: Uint8Array, data: Uint8Array): void {
  requireLength('key', key, AES_128_KEY_LENGTH, AES_256_KEY_LENGTH);
  requireLength('iv', iv, CTR_IV_LENGTH);
  parseBytes(data, 'data');
}

export function requireGcmArguments(
  key: Uint8Array,
  nonce: Uint8Array,
  data: Uint8Array,
  associatedData: Uint8Array | undefined,
): void {
  requireLength('key', key, AES_256_KEY_LENGTH);
  requireLength('nonce', nonce, GCM_NONCE_LENGTH);
  parseBytes(data, 'data');
  if (associatedData !== undefined) parseBytes(associatedData, 'associated data');
}

export function tagDoesNotFit(): SottoError {
  return new SottoError('AUTHENTICATION_FAILED', "The tag doesn't fit: wrong key, or altered bytes.", {
    what: 'AES-256-GCM',
  });
}
