import { carrierCases } from '@sotto/compliance/carrier';
import { transportCases } from '@sotto/compliance/transport';
import { createSealedTransport } from '@sotto/whisper-transport';
import { describe, it } from 'vitest';
import { createDevp2pCarrier } from '../src/index.js';
import { crypto, envelope } from './envelopes.js';
import { testHost, urlOf } from './hosts.js';

/** Where so much is sealed and worked for in one thread, on a machine that may be busy. */
const SLOW = 120_000;

/** Light clients of one node that hands on, which can be taken away for a moment. */
async function network() {
  const nodeKey = crypto.randomBytes(32);
  let node = await testHost({ nodeKey });
  const url = urlOf(node);
  const carrier = () =>
    createDevp2pCarrier({ peers: [url], crypto, offlineTimeout: 60_000, backOff: { first: 20, most: 200 } });
  return {
    carrier,
    transport: () => createSealedTransport(carrier(), { crypto }),
    identity: () => crypto.secp256k1.generateKeyPair(),
    wrap: (topic: Uint8Array, data: Uint8Array) => envelope({ topic, data, pow: 0.002 }),
    async interrupt() {
      await node.close();
      node = await testHost({ nodeKey, listen: { port: Number(new URL(url).port) } });
    },
  };
}

describe('a devp2p peer', () => {
  it.each(carrierCases({ interruptible: true, timeout: SLOW }))(
    '$name',
    async ({ run }) => run(await network()),
    SLOW,
  );
});

describe('a sealed transport over it', () => {
  it.each(transportCases({ pseudonyms: 'both', interruptible: true, timeout: SLOW }))(
    '$name',
    async ({ run }) => run(await network()),
    SLOW,
  );
});
