import { createPublicKey } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createPortableProvider } from '../src/index.js';
import { importDer, importJwk, isOlderThan } from '../src/node/x25519.js';

const { randomBytes, x25519 } = createPortableProvider();

describe('private X25519 keys for node:crypto', () => {
  it.each([
    ['JWK', importJwk],
    ['DER', importDer],
  ] as const)('as %s are the same keys, and the bytes stay as they were', (_, importKey) => {
    for (const bytes of [randomBytes(32), new Uint8Array(32), new Uint8Array(32).fill(255)]) {
      const before = bytes.slice();
      const { x } = createPublicKey(importKey(bytes)).export({ format: 'jwk' });
      expect(x).toBe(Buffer.from(x25519.keyPairFromPrivateKey(before).publicKey).toString('base64url'));
      expect(bytes).toEqual(before);
    }
  });

  it.each([
    ['3.0.17', true],
    ['3.4.9+quic', true],
    ['1.1.1w', true],
    ['3.5.0', false],
    ['3.10.1', false],
    ['4.0.0', false],
    ['', false],
    [undefined, false],
  ])('the version %s is older than 3.5: %s', (version, expected) => {
    expect(isOlderThan(version, 3, 5)).toBe(expected);
  });
});
