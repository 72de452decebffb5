/** What is said between a miner and its threads, and what a thread does. */
import { type Found, loadFastNonceSearch } from './nonce-search.js';

/** Nonces tried between two looks at the messages: some 10 ms. */
const PIECE = 4_000;

/** To a thread. It has one order at a time. */
export type Order =
  | { readonly kind: 'search'; readonly prefix: Uint8Array; readonly bits: number }
  /** Answer with the best so far. */
  | { readonly kind: 'stop' };

/** A thread's end of the line. */
export interface ThreadPort {
  postMessage(found: Found): void;
  onOrder(listener: (order: Order) => void): void;
}

/** Serves one order after the other; runs in a thread of its own, as long as the thread does. */
export function serveOrders(port: ThreadPort): void {
  const searches = loadFastNonceSearch();
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

const line = new MessageChannel();

/** Lets messages in; unlike a timer it does not wait. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    line.port1.onmessage = () => resolve();
    line.port2.postMessage(null);
  });
}
