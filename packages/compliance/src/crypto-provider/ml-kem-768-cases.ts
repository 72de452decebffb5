import { sha256 } from '@noble/hashes/sha2.js';
import { shake256 } from '@noble/hashes/sha3.js';
import { concatBytes, decodeBase64, encodeHex, type MlKem768Provider, type RandomSource } from '@sotto/core';
import { expectBytes, expectRefusal, expectThat, hex, sameBytes } from '../support/expectations.js';
import { repeated, withBitFlipped } from './bytes.js';
import { type CompareOptions, compareOperations } from './compare-providers.js';
import { createDraw } from './draw.js';
import { expectRedacted } from './expect-redacted.js';
import { CIPHERTEXT, ENCAPSULATION_KEY_HASH, MESSAGE, SEED, SHARED_SECRET } from './ml-kem-768-answers.js';
import { MODULUS, mlKem768Operations, withCoefficient } from './ml-kem-768-operations.js';
import { expectFresh, ownershipCasesOf } from './ownership-cases.js';
import type { ProviderCase } from './provider-case.js';

/** One requirement on the ML-KEM-768 of a provider. */
export type MlKem768Case = ProviderCase<MlKem768Provider>;

/** The requirements on the ML-KEM-768 of a provider, for those that have it. */
export function mlKem768Cases(): readonly MlKem768Case[] {
  return [...knownAnswers(), ...agreement(), ...refusals(), ...ownershipCasesOf(mlKem768Operations())];
}

/** As `compareProviders`, for ML-KEM-768 alone. */
export function compareMlKem768(a: MlKem768Provider, b: MlKem768Provider, options: CompareOptions): void {
  compareOperations(mlKem768Operations(), a, b, options);
  for (let round = 0; round < options.rounds; round++) {
    for (const [owner, sender] of [
      [a, b],
      [b, a],
    ] as const) {
      const { encapsulationKey, seed } = owner.mlKem768.generateKeyPair();
      const { ciphertext, sharedSecret } = sender.mlKem768.encapsulate(encapsulationKey);
      const what = `the secret that ${sender.name} sent to ${owner.name}`;
      expectBytes(owner.mlKem768.decapsulate(seed, ciphertext), sharedSecret, what);
    }
  }
}

/** One requirement on the ML-KEM-768 of providers whose random source is given. */
export interface MlKem768RandomSourceCase {
  /** Unique; begins with the operation. */
  readonly name: string;
  /** Throws a plain Error that says what was expected. */
  run(create: (options: { readonly random: RandomSource }) => MlKem768Provider): void;
}

/** What is drawn from a given random source, and how it is used. */
export function mlKem768RandomSourceCases(): readonly MlKem768RandomSourceCase[] {
  return [
    {
      name: 'mlKem768.generateKeyPair: the first 64 bytes are the seed, as they are',
      run(create) {
        const { random, draws } = scripted(SEED);
        const pair = create({ random }).mlKem768.generateKeyPair();
        expectBytes(pair.seed, SEED, 'seed');
        expectBytes(sha256(pair.encapsulationKey), ENCAPSULATION_KEY_HASH, 'hash of the encapsulation key');
        expectThat(draws.join() === '64', '64 bytes are drawn');
      },
    },
    {
      name: 'mlKem768.encapsulate: 32 bytes decide ciphertext and secret',
      run(create) {
        const { random, draws } = scripted(MESSAGE);
        const { mlKem768 } = create({ random });
        const { ciphertext, sharedSecret } = mlKem768.encapsulate(
          mlKem768.keyPairFromSeed(hex(SEED)).encapsulationKey,
        );
        expectBytes(ciphertext, decodeBase64(CIPHERTEXT), 'ciphertext');
        expectBytes(sharedSecret, SHARED_SECRET, 'secret');
        expectThat(draws.join() === '32', '32 bytes are drawn');
      },
    },
    {
      name: 'mlKem768.decapsulate: draws nothing',
      run(create) {
        const { random, draws } = scripted();
        const { mlKem768 } = create({ random });
        mlKem768.decapsulate(hex(SEED), decodeBase64(CIPHERTEXT));
        expectThat(draws.length === 0, 'nothing is drawn');
      },
    },
  ];
}

function knownAnswers(): readonly MlKem768Case[] {
  return [
    {
      name: 'mlKem768.keyPairFromSeed: a known answer',
      run({ mlKem768 }) {
        const pair = mlKem768.keyPairFromSeed(hex(SEED));
        expectThat(pair.encapsulationKey.length === 1184, 'an encapsulation key has 1184 bytes');
        expectBytes(sha256(pair.encapsulationKey), ENCAPSULATION_KEY_HASH, 'hash of the encapsulation key');
        expectBytes(pair.seed, SEED, 'seed');
      },
    },
    {
      name: 'mlKem768.decapsulate: a known answer',
      run({ mlKem768 }) {
        expectBytes(mlKem768.decapsulate(hex(SEED), decodeBase64(CIPHERTEXT)), SHARED_SECRET, 'secret');
      },
    },
    {
      name: 'mlKem768.decapsulate: what was not made for the key gives another secret, and no error',
      run({ mlKem768 }) {
        const ciphertext = decodeBase64(CIPHERTEXT);
        for (const other of [
          ...[0, 4000, 8703].map((bit) => withBitFlipped(ciphertext, bit)),
          new Uint8Array(1088),
          repeated(0xff, 1088),
          createDraw('a ciphertext').bytes(1088),
        ]) {
          const rejection = shake256(concatBytes(hex(SEED).subarray(32), other), { dkLen: 32 });
          expectBytes(mlKem768.decapsulate(hex(SEED), other), rejection, 'SHAKE256(z || ciphertext)');
        }
      },
    },
  ];
}

function agreement(): readonly MlKem768Case[] {
  return [
    {
      name: 'mlKem768: both sides have the same secret, another each time',
      run({ mlKem768 }) {
        const pair = mlKem768.generateKeyPair();
        const other = mlKem768.generateKeyPair();
        expectThat(!sameBytes(pair.seed, other.seed), 'two pairs have two seeds');
        const again = mlKem768.keyPairFromSeed(pair.seed);
        expectBytes(again.encapsulationKey, pair.encapsulationKey, 'encapsulation key');
        const [first, second] = [0, 1].map(() => mlKem768.encapsulate(pair.encapsulationKey)) as [
          ReturnType<typeof mlKem768.encapsulate>,
          ReturnType<typeof mlKem768.encapsulate>,
        ];
        for (const { ciphertext, sharedSecret } of [first, second]) {
          expectBytes(mlKem768.decapsulate(pair.seed, ciphertext), sharedSecret, 'secret');
        }
        expectThat(!sameBytes(first.ciphertext, second.ciphertext), 'two ciphertexts differ');
        expectThat(!sameBytes(first.sharedSecret, second.sharedSecret), 'two secrets differ');
      },
    },
    {
      name: 'mlKem768.encapsulate: ciphertext and secret are fresh, plain bytes',
      run({ mlKem768 }) {
        const { encapsulationKey } = mlKem768.keyPairFromSeed(hex(SEED));
        const { ciphertext, sharedSecret } = mlKem768.encapsulate(encapsulationKey);
        expectFresh([ciphertext, sharedSecret], [encapsulationKey]);
      },
    },
    {
      name: 'mlKem768: pairs and encapsulations print redacted',
      run({ mlKem768 }) {
        const pair = mlKem768.keyPairFromSeed(hex(SEED));
        expectRedacted(pair, SEED);
        const encapsulation = mlKem768.encapsulate(pair.encapsulationKey);
        expectRedacted(encapsulation, encodeHex(encapsulation.sharedSecret));
      },
    },
  ];
}

function refusals(): readonly MlKem768Case[] {
  return [
    {
      name: 'mlKem768.encapsulate: a coefficient that is not below the modulus is refused',
      run({ mlKem768 }) {
        const { encapsulationKey } = mlKem768.keyPairFromSeed(hex(SEED));
        for (const index of [0, 1, 400, 767]) {
          for (const value of [MODULUS, MODULUS + 1, 4095]) {
            expectRefusal(
              () => mlKem768.encapsulate(withCoefficient(encapsulationKey, index, value)),
              'INVALID_PUBLIC_KEY',
              `coefficient ${index} with the value ${value}`,
            );
          }
          mlKem768.encapsulate(withCoefficient(encapsulationKey, index, MODULUS - 1));
        }
      },
    },
    {
      name: 'mlKem768: other lengths are refused',
      run({ mlKem768 }) {
        const { encapsulationKey } = mlKem768.keyPairFromSeed(hex(SEED));
        const ciphertext = decodeBase64(CIPHERTEXT);
        for (const seed of [hex(''), hex(SEED).subarray(1), repeated(1, 65), repeated(1, 2400)]) {
          const what = `seed of ${seed.length} bytes`;
          expectRefusal(() => mlKem768.keyPairFromSeed(seed), 'INVALID_LENGTH', what);
          expectRefusal(() => mlKem768.decapsulate(seed, ciphertext), 'INVALID_LENGTH', what);
        }
        for (const key of [hex(''), encapsulationKey.subarray(1), repeated(0, 1185), repeated(0, 800)]) {
          const what = `encapsulation key of ${key.length} bytes`;
          expectRefusal(() => mlKem768.encapsulate(key), 'INVALID_LENGTH', what);
        }
        for (const other of [hex(''), ciphertext.subarray(1), repeated(0, 1089), repeated(0, 768)]) {
          const what = `ciphertext of ${other.length} bytes`;
          expectRefusal(() => mlKem768.decapsulate(hex(SEED), other), 'INVALID_LENGTH', what);
        }
      },
    },
  ];
}

/** A source that returns the bytes of the texts in turn, and the lengths requested from it. */
function scripted(...texts: readonly string[]) {
  const draws: number[] = [];
  const random: RandomSource = (length) => {
    draws.push(length);
    return hex(texts[draws.length - 1] ?? '');
  };
  return { random, draws };
}
