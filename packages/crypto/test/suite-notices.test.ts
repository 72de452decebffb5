import {
  type CreateProvider,
  compareProviders,
  type ProviderCase,
  providerCases,
  randomSourceCases,
} from '@sotto/compliance/crypto-provider';
import { describe, expect, test } from 'vitest';
import { createPortableProvider } from '../src/portable.js';
import { brokenProviders } from './broken-providers.js';

/** What the case says about the provider; `undefined` when it is content. */
function complaint(run: () => void): Error | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    return error as Error;
  }
}

describe('the suite notices when', () => {
  const cases = providerCases();

  for (const { fault, provider, noticedBy } of brokenProviders) {
    test(fault, () => {
      const relevant = cases.filter(({ name }) => noticedBy.test(name));
      const complaints = relevant.map(({ run }: ProviderCase) => complaint(() => run(provider)));
      expect(complaints.filter((error) => error !== undefined)).not.toEqual([]);
    });
  }

  test('names are unique', () => {
    expect(new Set(cases.map(({ name }) => name)).size).toBe(cases.length);
  });

  test('complaints are plain Errors that say what was expected', () => {
    const [{ provider }] = brokenProviders as [(typeof brokenProviders)[0]];
    const known = cases.find(({ name }) => name === 'keccak256: known answers');
    const error = complaint(() => known?.run(provider));
    expect(error?.name).toBe('Error');
    expect(error?.message).toMatch(/expected c5d24601.*, got a7ffc6f8/);
  });
});

describe('a comparison notices when', () => {
  for (const { fault, provider, showsInResults } of brokenProviders) {
    if (!showsInResults) continue;
    test(fault, () => {
      const [operation] = fault.split(' ');
      const options = { seed: 1, rounds: 400, only: new RegExp(`^${operation}$`) };
      expect(() => compareProviders(createPortableProvider(), provider, options)).toThrow(/broken/);
    });
  }
});

describe('the suite notices when a random source', () => {
  const sound = createPortableProvider;
  const faults: readonly (readonly [fault: string, create: CreateProvider, noticedBy: RegExp])[] = [
    ['is not used', () => sound(), /the first candidate|the first 32 bytes/],
    [
      'hands out its own memory',
      ({ random }) => ({ ...sound({ random }), randomBytes: random }),
      /in memory of its own/,
    ],
    [
      'gives 48 bytes that are reduced',
      ({ random }) => {
        const provider = sound({ random });
        return {
          ...provider,
          secp256k1: {
            ...provider.secp256k1,
            generateKeyPair: () => provider.secp256k1.keyPairFromPrivateKey(provider.sha256(random(48))),
          },
        };
      },
      /the first candidate/,
    ],
    [
      'is drawn from to sign',
      ({ random }) => {
        const provider = sound({ random });
        return {
          ...provider,
          secp256k1: {
            ...provider.secp256k1,
            signRecoverable: (digest, privateKey) => {
              random(32);
              return provider.secp256k1.signRecoverable(digest, privateKey);
            },
          },
        };
      },
      /Nothing else draws/,
    ],
  ];
  for (const [fault, create, noticedBy] of faults) {
    test(fault, () => {
      const relevant = randomSourceCases().filter(({ name }) => noticedBy.test(name));
      expect(relevant.map(({ run }) => complaint(() => run(create)))).not.toContain(undefined);
    });
  }
});
