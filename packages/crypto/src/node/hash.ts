import { createHash, createHmac } from 'node:crypto';
import { parseBytes } from '@sotto/core';
import { requireParts } from '../arguments.js';
import { plainBytes } from './plain-bytes.js';
import { secretKey } from './secret-key.js';

export function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  requireParts(parts);
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return plainBytes(hash.digest());
}

export function hmacSha256(key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array {
  const hmac = createHmac('sha256', secretKey(parseBytes(key, 'key')));
  requireParts(parts);
  for (const part of parts) if (part.length > 0) hmac.update(part);
  return plainBytes(hmac.digest());
}
