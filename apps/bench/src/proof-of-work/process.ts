// The process of a proof-of-work contestant: measures hashes per second.
import { randomFillSync } from 'node:crypto';
import { systemClock, type Topic } from '@sotto/core';
import { createInlineMiner, type Miner } from '@sotto/whisper-transport';
import { createWorkerMiner } from '@sotto/whisper-transport/miner';
import { encodeWithoutNonce } from '@sotto/whisper-transport/whisper';
import { type Measured, serveMeasurements } from '../measuring.js';
import { GO_NODE, POW_SIZES, type PowScenarioId } from './contestants.js';
import { GoNode } from './go-node.js';

/** Leading zero bits searched for: about 16,000 hashes, so that start and end hardly matter. */
const BITS = 14;

const [, , id = ''] = process.argv;

function createMiner(): Miner {
  switch (id) {
    case 'webassembly':
      return createInlineMiner(systemClock);
    case 'noble':
      return createInlineMiner(systemClock, { keccak256: 'noble' });
    case 'worker':
      return createWorkerMiner({ threads: 1 });
    default:
      throw new Error(`no such miner: ${id}`);
  }
}

function measureMiner(size: number): Measured {
  const miner = createMiner();
  return {
    operations: 0,
    async run() {
      const topic = randomFillSync(new Uint8Array(4)) as Topic;
      const data = randomFillSync(new Uint8Array(size));
      const prefix = encodeWithoutNonce({ expiry: 1_700_000_000, ttl: 15, topic, data });
      // Nonces are tried in order from 0.
      return Number(await miner.mine(prefix, BITS)) + 1;
    },
  };
}

const node = id === GO_NODE.id ? new GoNode() : undefined;

serveMeasurements(
  async (scenario) => {
    const size = POW_SIZES[scenario as PowScenarioId];
    return node === undefined ? measureMiner(size) : { operations: 0, run: () => node.work(size, BITS) };
  },
  () => node?.close(),
);
