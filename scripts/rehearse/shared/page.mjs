// What each bundled page does: a message from one messenger to another, over IndexedDB, and proof of work in a worker.
import { createIndexedDbStore } from '@sotto/store-adapters/indexeddb';
import { createWorkerMiner } from '@sotto/whisper-transport/miner';
import { talk } from './talk.mjs';

/** @param query `worker=needed`: that the bundler has brought the worker's program */
export async function runPage(query) {
  const stores = await Promise.all(['alice', 'bob'].map((name) => createIndexedDbStore({ name })));
  await talk({ stores });
  let threads = true;
  const quiet = () => {};
  const warn = () => {
    threads = false;
  };
  const miner = createWorkerMiner({ logger: { debug: quiet, info: quiet, warn, error: quiet } });
  await miner.mine(new Uint8Array(600), 14, { timeLimit: 60_000 });
  await miner.close();
  if (query.includes('worker=needed') && !threads) throw new Error('the worker was not bundled');
  return `a message, IndexedDB, proof of work ${threads ? 'in a worker' : 'in the page'}`;
}

/** Writes on the page what became of it, and tells its server. */
export function report(work) {
  const say = (outcome) => {
    document.body.setAttribute('data-outcome', outcome);
    fetch('/', { method: 'POST', body: outcome }).catch(() => {});
  };
  work.then(say, (error) => say(`failed: ${error.stack ?? error}`));
}
