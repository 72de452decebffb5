import { createPortableProvider } from '@sotto/crypto/portable';
import { describe, expect, it } from 'vitest';
import { withX25519 } from '../src/x25519.js';

describe('withX25519', () => {
  const complete = createPortableProvider();

  it('gives a provider the curve, which agrees with that of others, and names it', () => {
    const { x25519: _, ...bare } = complete;
    const provider = withX25519(bare);
    const ours = provider.x25519.generateKeyPair();
    const theirs = complete.x25519.generateKeyPair();
    expect(provider.x25519.ecdh(ours.privateKey, theirs.publicKey)).toEqual(
      complete.x25519.ecdh(theirs.privateKey, ours.publicKey),
    );
    expect(provider.parts?.['x25519']).toMatch(/noble/);
  });

  it('leaves a provider that has it as it is', () => {
    expect(withX25519(complete)).toBe(complete);
  });
});
