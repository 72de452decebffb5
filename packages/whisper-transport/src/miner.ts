/** Proof of work in Web Workers. */
import type { Miner } from './mining/miner.js';
import type { Found } from './mining/nonce-search.js';
import { ThreadedMiner, type WorkerMinerOptions } from './mining/threaded-miner.js';

export type { MineOptions, Miner } from './mining/miner.js';
export type { WorkerMinerOptions } from './mining/threaded-miner.js';

/**
 * Does proof of work off this thread: in Web Workers, or in Node.js in worker threads. Where they are unavailable (not in this runtime, or
 * forbidden by the page's policy) it works on this thread, in short slices. Close it when it is no longer needed; several transports can
 * share one.
 */
export function createWorkerMiner(options: WorkerMinerOptions = {}): Miner {
  const { threads = Math.max(1, (globalThis.navigator?.hardwareConcurrency ?? 2) - 1) } = options;
  return new ThreadedMiner(
    (onFound, onFailure) => {
      const worker = new Worker(new URL('./mining/worker.js', import.meta.url), { type: 'module' });
      worker.onmessage = ({ data }: MessageEvent<Found>) => onFound(data);
      worker.onerror = (event) => {
        event.preventDefault();
        onFailure(event.message || 'the worker could not be loaded');
      };
      return {
        order: (order) => worker.postMessage(order),
        hold: () => {},
        terminate: () => worker.terminate(),
      };
    },
    { ...options, threads },
  );
}
