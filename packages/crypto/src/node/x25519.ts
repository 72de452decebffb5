import { Buffer } from 'node:buffer';
import { createPrivateKey, createPublicKey, diffieHellman, type KeyObject } from 'node:crypto';
import process from 'node:process';
import {
  concatBytes,
  type RandomSource,
  wipeBytes,
  type X25519,
  X25519KeyPair,
  type X25519PrivateKey,
  type X25519PublicKey,
} from '@sotto/core';
import { requireLength } from '../arguments.js';
import { keptWith } from '../kept-with.js';
import { smallOrder } from '../x25519-arguments.js';
import { plainBytes } from './plain-bytes.js';

const KEY_LENGTH = 32;

/** The prefix of the 32 bytes of a private key in PKCS #8 (RFC 8410, section 7). */
const PKCS8_PREFIX = Uint8Array.from([
  0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x6e, 0x04, 0x22, 0x04, 0x20,
]);

/** X25519 on OpenSSL, through node:crypto. */
export function createX25519(randomBytes: RandomSource): X25519 {
  return {
    generateKeyPair() {
      return pairOf(randomBytes(KEY_LENGTH));
    },

    keyPairFromPrivateKey(privateKey) {
      requireLength('private key', privateKey, KEY_LENGTH);
      return pairOf(Uint8Array.from(privateKey));
    },

    ecdh(privateKey, publicKey) {
      requireLength('private key', privateKey, KEY_LENGTH);
      requireLength('public key', publicKey, KEY_LENGTH);
      const keys = { privateKey: importPrivateKey(privateKey), publicKey: importPublicKey(publicKey) };
      try {
        return plainBytes(diffieHellman(keys));
      } catch {
        // Once keys are imported, OpenSSL refuses nothing but a result of all zeros.
        throw smallOrder();
      }
    },
  };
}

/** Takes the bytes over. */
function pairOf(privateKey: Uint8Array): X25519KeyPair {
  const { x } = createPublicKey(importPrivateKey(privateKey)).export({ format: 'jwk' });
  const publicKey = new Uint8Array(Buffer.from(x as string, 'base64url'));
  return new X25519KeyPair(publicKey as X25519PublicKey, privateKey as X25519PrivateKey);
}

/**
 * As JWK where OpenSSL is older than 3.5, which is what Node.js 20 and 22 have: 3.0 takes 0.8 ms to read DER, ten times as long as the key
 * agreement itself. Else as DER, which can be wiped, as text in a JWK can't.
 */
const importPrivateKey = keptWith(isOlderThan(process.versions.openssl, 3, 5) ? importJwk : importDer);

/** Whether a version of OpenSSL is known, and older. */
export function isOlderThan(version: string | undefined, major: number, minor: number): boolean {
  const [, first, second] = /^(\d+)\.(\d+)/.exec(version ?? '') ?? [];
  if (first === undefined) return false;
  return Number(first) < major || (Number(first) === major && Number(second) < minor);
}

/** The public key in it isn't read. */
export function importJwk(bytes: Uint8Array): KeyObject {
  const d = textOf(bytes);
  return createPrivateKey({ key: { kty: 'OKP', crv: 'X25519', x: '', d }, format: 'jwk' });
}

/** As PKCS #8. */
export function importDer(bytes: Uint8Array): KeyObject {
  const der = concatBytes(PKCS8_PREFIX, bytes);
  try {
    // A view, since Node's types want a Buffer here.
    const key = Buffer.from(der.buffer, der.byteOffset, der.byteLength);
    return createPrivateKey({ key, format: 'der', type: 'pkcs8' });
  } finally {
    wipeBytes(der);
  }
}

/** As JWK: three times as fast as DER. */
const importPublicKey = keptWith((bytes) =>
  createPublicKey({ key: { kty: 'OKP', crv: 'X25519', x: textOf(bytes) }, format: 'jwk' }),
);

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64url');
}
