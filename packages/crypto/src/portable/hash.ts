import { hmac } from '@noble/hashes/hmac.js';
import { sha256 as sha2 } from '@noble/hashes/sha2.js';
import { keccak_256 } from '@noble/hashes/sha3.js';
import { parseBytes } from '@sotto/core';
import { requireParts } from '../arguments.js';

export function keccak256(...parts: readonly Uint8Array[]): Uint8Array {
  return digestOf(keccak_256.create(), parts);
}

export function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  return digestOf(sha2.create(), parts);
}

export function hmacSha256(key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array {
  return digestOf(hmac.create(sha2, parseBytes(key, 'key')), parts);
}

interface Hasher {
  update(part: Uint8Array): unknown;
  digest(): Uint8Array;
}

function digestOf(hasher: Hasher, parts: readonly Uint8Array[]): Uint8Array {
  requireParts(parts);
  for (const part of parts) hasher.update(part);
  return hasher.digest();
}
