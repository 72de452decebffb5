import { ml_kem768 } from '@noble/post-quantum/ml-kem.js';
import { compareMlKem768, mlKem768Cases, mlKem768RandomSourceCases } from '@sotto/compliance/crypto-provider';
import { concatBytes, decodeHex, encodeHex, type RandomSource } from '@sotto/core';
import { MlKem768 as SecondImplementation } from 'mlkem';
import { describe, expect, test } from 'vitest';
import { createPortableProvider, describeProvider } from '../src/index.js';
import * as elsewhere from '../src/ml-kem.js';
import { withMlKem768 } from '../src/ml-kem.js';
import { createAcceleratedProvider } from '../src/node/accelerated.js';
import { chooseMlKem768 } from '../src/node/choose-ml-kem-768.js';
import * as inNode from '../src/node/ml-kem.js';
import { createMlKem768 } from '../src/node/ml-kem-768.js';
import { isNative, nativeOrStandIn } from './ml-kem-native.js';
import { loadMlKem768Vectors } from './ml-kem-vectors.js';

const portable = withMlKem768(createPortableProvider());
const accelerated = inNode.withMlKem768(createAcceleratedProvider());
/** As in Node.js 24.7 and later, whatever this one is. */
const native = {
  ...accelerated,
  name: 'native',
  mlKem768: createMlKem768(nativeOrStandIn(), accelerated.randomBytes),
};
const vectors = loadMlKem768Vectors();

const scripted = (...bytes: readonly Uint8Array[]): RandomSource => {
  const left = [...bytes];
  return (length) => left.shift() ?? new Uint8Array(length);
};

for (const provider of [portable, accelerated, native]) {
  describe(`ML-KEM-768 of the ${provider.name} provider`, () => {
    for (const { name, run } of mlKem768Cases()) test(name, () => run(provider));

    test("keys are NIST's", () => {
      for (const { d, z, ek } of vectors.keyGen) {
        const pair = provider.mlKem768.keyPairFromSeed(decodeHex(d + z));
        expect(encodeHex(pair.encapsulationKey)).toBe(ek);
      }
    });

    test('returns the same bytes and throws the same errors as the portable one', () => {
      compareMlKem768(portable, provider, { seed: 'ml-kem', rounds: 25 });
    });
  });
}

const creators = [
  ['in JavaScript', (options) => withMlKem768(createPortableProvider(options))],
  [
    'in Node.js, with the randomness of the provider',
    (options) => inNode.withMlKem768(createAcceleratedProvider(options), { randomness: 'provider' }),
  ],
  [
    'where node:crypto has it, with the randomness of the provider',
    (options) => {
      const provider = withMlKem768(createPortableProvider(options));
      const chosen = chooseMlKem768(provider.randomBytes, { randomness: 'provider' }, nativeOrStandIn());
      return { ...provider, mlKem768: chosen.part };
    },
  ],
] as const satisfies readonly (readonly [
  string,
  (options: { readonly random: RandomSource }) => typeof portable,
])[];

for (const [name, create] of creators) {
  describe(`ML-KEM-768 ${name}`, () => {
    for (const { name: requirement, run } of mlKem768RandomSourceCases())
      test(requirement, () => run(create));

    test("encapsulations are NIST's", () => {
      for (const { ek, m, c, k } of vectors.encapsulation) {
        const { mlKem768 } = create({ random: scripted(decodeHex(m)) });
        const { ciphertext, sharedSecret } = mlKem768.encapsulate(decodeHex(ek));
        expect(encodeHex(ciphertext)).toBe(c);
        expect(encodeHex(sharedSecret)).toBe(k);
      }
    });
  });
}

test("the library expands and decapsulates as NIST's cases do, also where a ciphertext is refused implicitly", () => {
  for (const { d, z, dk } of vectors.keyGen) {
    expect(encodeHex(ml_kem768.keygen(decodeHex(d + z)).secretKey)).toBe(dk);
  }
  const { dk, tests } = vectors.decapsulation;
  for (const { c, k } of tests) {
    expect(encodeHex(ml_kem768.decapsulate(decodeHex(c), decodeHex(dk)))).toBe(k);
  }
});

describe('beside a second implementation, npm mlkem', () => {
  test('both derive the same keys and open what the other made', async () => {
    for (let round = 0; round < 10; round++) {
      const other = new SecondImplementation();
      const pair = portable.mlKem768.generateKeyPair();
      const [publicKey, privateKey] = await other.deriveKeyPair(pair.seed);
      expect(encodeHex(pair.encapsulationKey)).toBe(encodeHex(publicKey));

      const fromThem = await other.encap(pair.encapsulationKey);
      expect(encodeHex(portable.mlKem768.decapsulate(pair.seed, fromThem[0]))).toBe(encodeHex(fromThem[1]));

      const fromUs = portable.mlKem768.encapsulate(publicKey);
      expect(encodeHex(await other.decap(fromUs.ciphertext, privateKey))).toBe(
        encodeHex(fromUs.sharedSecret),
      );

      const message = portable.randomBytes(32);
      const again = withMlKem768(createPortableProvider({ random: scripted(message) }));
      const [ciphertext, secret] = await other.encap(publicKey, message);
      const { ciphertext: ours, sharedSecret } = again.mlKem768.encapsulate(publicKey);
      expect(encodeHex(ours)).toBe(encodeHex(ciphertext));
      expect(encodeHex(sharedSecret)).toBe(encodeHex(secret));
    }
  });

  test('both reject implicitly alike', async () => {
    const pair = portable.mlKem768.generateKeyPair();
    const other = new SecondImplementation();
    const [, privateKey] = await other.deriveKeyPair(pair.seed);
    for (let round = 0; round < 10; round++) {
      const ciphertext = concatBytes(portable.randomBytes(1088));
      const secret = portable.mlKem768.decapsulate(pair.seed, ciphertext);
      expect(encodeHex(secret)).toBe(encodeHex(await other.decap(ciphertext, privateKey)));
    }
  });
});

describe('what ML-KEM-768 runs on', () => {
  test('is said, beside the other parts of the provider', () => {
    expect(describeProvider(portable)).toBe(
      'portable\n  everything: @noble, in JavaScript\n  ML-KEM-768: @noble/post-quantum, in JavaScript',
    );
    const library = isNative
      ? 'node:crypto'
      : '@noble/post-quantum: node:crypto has no ML-KEM before Node.js 24.7';
    expect(describeProvider(accelerated)).toContain(`\n  ML-KEM-768: ${library}`);
    expect(describeProvider(accelerated)).toContain('\n  x25519: node:crypto');
  });

  test('is node:crypto where it has ML-KEM, and encapsulation as asked', () => {
    const { randomBytes } = portable;
    expect(chooseMlKem768(randomBytes, {}, nativeOrStandIn()).library).toBe('node:crypto');
    expect(chooseMlKem768(randomBytes, { randomness: 'provider' }, nativeOrStandIn()).library).toBe(
      'node:crypto; encapsulation on @noble/post-quantum, with the randomness of the provider',
    );
  });

  test.each(['encapsulate', 'decapsulate'])('is JavaScript where node:crypto has no %s', (missing) => {
    const { part, library } = chooseMlKem768(
      portable.randomBytes,
      {},
      { ...nativeOrStandIn(), [missing]: undefined },
    );
    expect(library).toBe('@noble/post-quantum: node:crypto has no ML-KEM before Node.js 24.7');
    compareMlKem768(portable, { ...portable, mlKem768: part }, { seed: 1, rounds: 2 });
  });

  test('is JavaScript where OpenSSL has no ML-KEM-768', () => {
    const { part, library } = chooseMlKem768(
      portable.randomBytes,
      {},
      {
        ...nativeOrStandIn(),
        createPrivateKey: () => {
          throw new Error('unsupported');
        },
      },
    );
    expect(library).toBe('@noble/post-quantum: node:crypto has no ML-KEM-768 here');
    compareMlKem768(portable, { ...portable, mlKem768: part }, { seed: 1, rounds: 2 });
  });
});

test('the entry for Node has the same exports as elsewhere, and its name leads to it', async () => {
  expect(Object.keys(inNode).sort()).toEqual(Object.keys(elsewhere).sort());
  const byName: typeof inNode = await import('@sotto/crypto/ml-kem');
  expect(describeProvider(byName.withMlKem768(createPortableProvider()))).toContain('node:crypto');
});
