import { compareMlKem768, mlKem768Cases } from '@sotto/compliance/crypto-provider';
import { describe, expect, test } from 'vitest';
import { createPortableProvider } from '../src/index.js';
import { withMlKem768 } from '../src/ml-kem.js';
import { brokenMlKem } from './broken-ml-kem.js';

describe('the suite for ML-KEM-768 notices when', () => {
  for (const { fault, provider, noticedBy } of brokenMlKem) {
    test(fault, () => {
      const relevant = mlKem768Cases().filter(({ name }) => noticedBy.test(name));
      expect(relevant).not.toEqual([]);
      expect(() => {
        for (const { run } of relevant) run(provider);
      }).toThrow();
    });
  }

  test('names are unique', () => {
    const names = mlKem768Cases().map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
  });
});

test.each(['reads the seed as z', 'reduces coefficients', 'forgets z'])(
  'a comparison notices a provider that %s',
  (fault) => {
    const broken = brokenMlKem.find((one) => one.fault.includes(fault));
    const sound = withMlKem768(createPortableProvider());
    expect(() => compareMlKem768(sound, broken?.provider ?? sound, { seed: 1, rounds: 20 })).toThrow(
      /broken/,
    );
  },
);
