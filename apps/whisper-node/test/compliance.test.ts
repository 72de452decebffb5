import { carrierCases } from '@sotto/compliance/carrier';
import { transportCases } from '@sotto/compliance/transport';
import { createPortableProvider } from '@sotto/crypto';
import { sealedTransport } from '@sotto/whisper-transport';
import { relay } from '@sotto/whisper-transport/node';
import { afterEach, describe, it } from 'vitest';
import { sealEnvelope } from './envelopes.js';
import { NodeProcess } from './node-process.js';

const crypto = createPortableProvider();
const identity = () => crypto.secp256k1.generateKeyPair();
/** Where so much is sealed and worked for in one thread, on a machine that may be busy. */
const SLOW = 120_000;
/** What is still alive comes to who subscribes later; the rest is in the archive. */
const traits = { retains: true, history: true, interruptible: true, patience: SLOW };

let node: NodeProcess | undefined;
afterEach(() => node?.close());

/** The relay of a node that has seen nothing yet, a process of its own. */
async function place() {
  const started = await NodeProcess.start(['--relay-rate', '1000', '--relay-topics', '2000']);
  node = started;
  const carrier = () => relay({ url: started.relay, crypto, backOff: { first: 20, most: 200 } });
  return {
    carrier,
    transport: () => sealedTransport(carrier(), { crypto }),
    identity,
    wrap: (topic: Uint8Array, data: Uint8Array) => sealEnvelope({ topic, data }),
    async interrupt() {
      await started.kill();
      await started.start();
    },
  };
}

describe('the relay of the node', () => {
  it.each(carrierCases(traits))('$name', async ({ run }) => run(await place()), SLOW);
});

describe('a sealed transport over it', () => {
  it.each(transportCases(traits))('$name', async ({ run }) => run(await place()), SLOW);
});
