import { describe, expect, it } from 'vitest';
import { keptWith } from '../src/kept-with.js';
import { withMlKem768 } from '../src/ml-kem.js';
import { createAcceleratedProvider } from '../src/node/accelerated.js';
import { withMlKem768 as withNativeMlKem768 } from '../src/node/ml-kem.js';
import { createPortableProvider } from '../src/portable.js';

describe('what was derived from bytes', () => {
  const counted = () => {
    let times = 0;
    return keptWith((bytes) => `${bytes.join()} derived ${++times}`);
  };

  it('is kept for them, not for others of the same content', () => {
    const derived = counted();
    const [bytes, same] = [Uint8Array.of(1, 2), Uint8Array.of(1, 2)];
    expect([derived(bytes), derived(bytes), derived(same)]).toEqual([
      '1,2 derived 1',
      '1,2 derived 1',
      '1,2 derived 2',
    ]);
  });

  it('is derived anew once they have changed, and kept again', () => {
    const derived = counted();
    const bytes = Uint8Array.of(1, 2);
    derived(bytes);
    bytes[1] = 3;
    expect([derived(bytes), derived(bytes)]).toEqual(['1,3 derived 2', '1,3 derived 2']);
  });

  it('is not kept where deriving it fails', () => {
    let fails = true;
    const derived = keptWith((bytes) => {
      if (fails) throw new Error('not yet');
      return bytes.length;
    });
    const bytes = Uint8Array.of(1);
    expect(() => derived(bytes)).toThrow('not yet');
    fails = false;
    expect(derived(bytes)).toBe(1);
  });
});

describe.each([
  ['accelerated', withNativeMlKem768(createAcceleratedProvider())],
  ['portable', withMlKem768(createPortableProvider())],
] as const)('keys whose bytes a caller changes, %s', (_, { x25519, mlKem768 }) => {
  it('X25519: the bytes as they are count, of both keys', () => {
    const [alice, bob, carol] = [
      x25519.generateKeyPair(),
      x25519.generateKeyPair(),
      x25519.generateKeyPair(),
    ];
    const expected = x25519.ecdh(bob.privateKey, carol.publicKey);
    const [mine, theirs] = [alice.privateKey as Uint8Array, Uint8Array.from(bob.publicKey)];
    expect(x25519.ecdh(mine, theirs)).toEqual(x25519.ecdh(bob.privateKey, alice.publicKey));
    mine.set(bob.privateKey);
    theirs.set(carol.publicKey);
    expect(x25519.ecdh(mine, theirs)).toEqual(expected);
  });

  it('ML-KEM-768: the seed as it is counts', () => {
    const [alice, bob] = [mlKem768.generateKeyPair(), mlKem768.generateKeyPair()];
    const { ciphertext, sharedSecret } = mlKem768.encapsulate(bob.encapsulationKey);
    const seed = alice.seed as Uint8Array;
    expect(mlKem768.decapsulate(seed, ciphertext)).not.toEqual(sharedSecret);
    seed.set(bob.seed);
    expect(mlKem768.decapsulate(seed, ciphertext)).toEqual(sharedSecret);
    expect(mlKem768.keyPairFromSeed(seed).encapsulationKey).toEqual(bob.encapsulationKey);
  });
});
