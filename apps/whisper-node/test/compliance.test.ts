import { carrierCases } from '@sotto/compliance/carrier';
import { transportCases } from '@sotto/compliance/transport';
import { defaultProvider } from '@sotto/crypto';
import { createSealedTransport } from '@sotto/whisper-transport';
import { createRelayCarrier } from '@sotto/whisper-transport/relay';
import { afterAll, afterEach, beforeAll, describe, it } from 'vitest';
import { sealEnvelope } from './envelopes.js';
import { type NodeProcess, startNode } from './node-process.js';

const crypto = defaultProvider();
const identity = () => crypto.secp256k1.generateKeyPair();
/** Where so much is sealed and worked for in one thread, on a machine that may be busy. */
const SLOW = 120_000;
/** What is still alive comes to who subscribes later; the rest is in the archive. */
const traits = { retains: true, history: true, interruptible: true, timeout: SLOW };

const flags = ['--relay-rate', '1000', '--relay-topics', '2000'];

/** A process that the cases share. Those that kill one get their own. */
let shared: NodeProcess;
let own: NodeProcess | undefined;
beforeAll(async () => {
  shared = await startNode(flags);
});
afterEach(async () => {
  await own?.close();
  own = undefined;
});
afterAll(() => shared?.close());

/** The relay of a node. */
function place(node: NodeProcess) {
  const carrier = () =>
    createRelayCarrier({ url: node.relay, random: crypto.randomBytes, backOff: { first: 20, most: 200 } });
  return {
    carrier,
    transport: () => createSealedTransport(carrier(), { crypto }),
    identity,
    wrap: (topic: Uint8Array, data: Uint8Array) => sealEnvelope({ topic, data }),
    async interrupt() {
      await node.kill();
      await node.start();
    },
  };
}

async function placeFor(name: string) {
  if (!name.startsWith('interruption:')) return place(shared);
  own = await startNode(flags);
  return place(own);
}

describe('the relay of the node', () => {
  it.each(carrierCases(traits))('$name', async ({ name, run }) => run(await placeFor(name)), SLOW);
});

describe('a sealed transport over it', () => {
  it.each(transportCases({ ...traits, pseudonyms: 'both' }))(
    '$name',
    async ({ name, run }) => run(await placeFor(name)),
    SLOW,
  );
});
