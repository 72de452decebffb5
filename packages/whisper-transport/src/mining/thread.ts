/** The messages between a miner and its threads, and the program of a thread. */
import { createKeccak } from './keccak.js';
import { createNonceSearch, createWebAssemblySearch, type Found } from './nonce-search.js';

/** Nonces between two checks for messages: about 10 ms. */
const PIECE = 4_000;

/** A message to a thread, which has one order at a time. */
export type Order =
  | { readonly kind: 'search'; readonly prefix: Uint8Array; readonly bits: number }
  /** Answer with the best nonce so far. */
  | { readonly kind: 'stop' };

/** How a thread communicates with its miner. */
export interface ThreadPort {
  postMessage(found: Found): void;
  onOrder(listener: (order: Order) => void): void;
}

/** Serves orders one after the other, as long as the thread runs. */
export function serveOrders(port: ThreadPort): void {
  // Imported, not loaded on request as elsewhere: bundlers make one file of a worker, and Vite's refuses to split it.
  const searches = createWebAssemblySearch(createKeccak).catch(() => createNonceSearch);
  let stopped = true;
  port.onOrder(async (order) => {
    if (order.kind === 'stop') {
      stopped = true;
      return;
    }
    stopped = false;
    const { find } = (await searches)(order.prefix);
    let best = find(order.bits, 0, 1);
    for (let from = 1; best.bits < order.bits && !stopped; from += PIECE) {
      const found = find(order.bits, from, PIECE);
      if (found.bits > best.bits) best = found;
      await nextTurn();
    }
    port.postMessage(best);
  });
}

const channel = new MessageChannel();

/** Yields to incoming messages, without the delay of a timer. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    channel.port1.onmessage = () => resolve();
    channel.port2.postMessage(null);
  });
}
