import { carrierCases } from '@sotto/compliance/carrier';
import { transportCases } from '@sotto/compliance/transport';
import { defaultProvider } from '@sotto/crypto';
import { describe, it } from 'vitest';
import { createSealedTransport } from '../src/index.js';
import { createMemoryNetwork } from '../src/memory.js';

const crypto = defaultProvider();
const identity = () => crypto.secp256k1.generateKeyPair();
/** Where so much is sealed and worked for in one thread, on a machine that may be busy. */
const SLOW = 120_000;

describe('the memory network', () => {
  it.each(transportCases({ pseudonyms: 'both', history: true }))('$name', async ({ run }) => {
    const network = createMemoryNetwork();
    await run({ transport: () => network.transport(), identity });
  });
});

describe("the memory network's carrier", () => {
  it.each(carrierCases({ history: true }))('$name', async ({ run }) => {
    const network = createMemoryNetwork();
    await run({ carrier: () => network.carrier() });
  });
});

describe("the memory network's carrier, in bad conditions", () => {
  it.each(carrierCases({ history: false, loses: true, repeats: true, reorders: true, timeout: 100 }))(
    '$name',
    async ({ run }) => {
      const conditions = { loss: 0.3, duplication: 0.3, reordering: 0.3 };
      const network = createMemoryNetwork({ seed: 7, conditions });
      await run({ carrier: () => network.carrier() });
    },
  );
});

describe('a sealed transport over it', () => {
  it.each(transportCases({ pseudonyms: 'both', history: true, timeout: SLOW }))(
    '$name',
    async ({ run }) => {
      const network = createMemoryNetwork();
      await run({ transport: () => createSealedTransport(network.carrier(), { crypto }), identity });
    },
    SLOW,
  );
});
