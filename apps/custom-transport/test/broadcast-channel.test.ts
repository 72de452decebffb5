import { carrierCases } from '@sotto/compliance/carrier';
import { transportCases } from '@sotto/compliance/transport';
import { defaultProvider } from '@sotto/crypto';
import { createSealedTransport } from '@sotto/whisper-transport';
import { describe, it } from 'vitest';
import { createBroadcastChannelCarrier } from '../src/broadcast-channel.js';

/** Where so much is sealed and worked for in one thread, on a machine that may be busy. */
const SLOW = 120_000;
const identity = () => defaultProvider().secp256k1.generateKeyPair();
let networks = 0;

describe('BroadcastChannel as a carrier', () => {
  it.each(carrierCases())('$name', async ({ run }) => {
    const carrier = createBroadcastChannelCarrier(`carrier-${networks++}`);
    await run({ carrier: () => carrier });
  });
});

describe('BroadcastChannel, sealed', () => {
  it.each(transportCases({ pseudonyms: 'both', timeout: SLOW }))(
    '$name',
    async ({ run }) => {
      const transport = createSealedTransport(createBroadcastChannelCarrier(`transport-${networks++}`));
      await run({ transport: () => transport, identity });
    },
    SLOW,
  );
});
