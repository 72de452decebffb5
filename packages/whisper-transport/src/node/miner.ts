/** The entry `./miner` in Node.js, by the export condition `node`. The same names as in `../miner.ts`. */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { Miner } from '../mining/miner.js';
import type { Found } from '../mining/nonce-search.js';
import { ThreadedMiner, type WorkerMinerOptions } from '../mining/threaded-miner.js';

export function createWorkerMiner(options: WorkerMinerOptions = {}): Miner {
  const { threads = Math.max(1, availableParallelism() - 1) } = options;
  return new ThreadedMiner(
    (onFound, onFailure) => {
      const worker = new Worker(new URL('./mining-worker.js', import.meta.url));
      worker.on('message', (found: Found) => onFound(found));
      worker.on('error', (error) => onFailure(error.message));
      return {
        order: (order) => worker.postMessage(order),
        hold: (busy) => (busy ? worker.ref() : worker.unref()),
        terminate: () => void worker.terminate(),
      };
    },
    { ...options, threads },
  );
}
