import type { Clock } from '@sotto/core';
import { type MineOptions, type Miner, minerAborted, minerClosed, minerTimedOut } from './miner.js';
import { createNonceSearch, type Found } from './nonce-search.js';

/** Nonces tried before others get their turn: some 10 ms. */
const PIECE = 1_000;

/** A miner on the thread that it is called from: works in short pieces, between which others get their turn. */
export function createInlineMiner(clock: Clock): Miner {
  let closed = false;

  async function search(
    prefix: Uint8Array,
    bits: number,
    { signal, timeLimit = Number.POSITIVE_INFINITY }: MineOptions,
  ): Promise<Found> {
    const pieces = createNonceSearch(prefix);
    const end = clock.now() + timeLimit;
    let best: Found | undefined;
    for (let from = 0; ; from += PIECE) {
      if (signal?.aborted) throw minerAborted();
      if (closed) throw minerClosed();
      const found = pieces.find(bits, from, PIECE);
      if (best === undefined || found.bits > best.bits) best = found;
      if (best.bits >= bits || clock.now() >= end) return best;
      await new Promise<void>((resolve) => clock.after(0, resolve));
    }
  }

  return {
    async mine(prefix, bits, options = {}) {
      const found = await search(prefix, bits, options);
      if (found.bits < bits) throw minerTimedOut(options.timeLimit ?? 0);
      return found.nonce;
    },
    async mineFor(prefix, milliseconds, options = {}) {
      const found = await search(prefix, Number.POSITIVE_INFINITY, { ...options, timeLimit: milliseconds });
      return found.nonce;
    },
    async close() {
      closed = true;
    },
  };
}
