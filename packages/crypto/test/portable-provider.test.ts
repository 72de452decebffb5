import { providerCases, randomSourceCases } from '@sotto/compliance/crypto-provider';
import { describe, test } from 'vitest';
import { createPortableProvider } from '../src/portable.js';

describe('the portable provider meets the suite', () => {
  const provider = createPortableProvider();
  for (const { name, run } of providerCases()) test(name, () => run(provider));
});

describe('the portable provider with a random source of its own', () => {
  for (const { name, run } of randomSourceCases()) test(name, () => run(createPortableProvider));
});
