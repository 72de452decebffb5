import { createSecretKey, type KeyObject } from 'node:crypto';
import process from 'node:process';

/** A key in the form that this Node.js takes fastest. */
export const secretKey = secretKeyFor(process.versions.node);

/**
 * How a version of Node.js is best given a key: as its bytes, but for Node.js 24 from 24.18 on. That one first looks at bytes as though
 * they were a key object, which takes five times as long as an HMAC.
 */
export function secretKeyFor(version: string): (bytes: Uint8Array) => Uint8Array | KeyObject {
  const [major, minor] = version.split('.').map(Number) as [number, number];
  return major === 24 && minor >= 18 ? (bytes) => createSecretKey(bytes) : (bytes) => bytes;
}
