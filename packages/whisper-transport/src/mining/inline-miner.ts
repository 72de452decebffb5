import type { Clock } from '@sotto/core';
import { Deadline } from '../support/deadline.js';
import { loadFastNonceSearch } from './fast-nonce-search.js';
import { type MineOptions, type Miner, minerAborted, minerClosed, minerTimedOut } from './miner.js';
import { createNonceSearch, type Found } from './nonce-search.js';

/** Milliseconds, and nonces, after which the thread is yielded. */
const TURN_MS = 10;
const TURN_NONCES = 8_192;
/** Nonces between two readings of the clock. */
const PIECE = 256;

/** Options of {@link createInlineMiner}. */
export interface InlineMinerOptions {
  /** `auto`, the default: WebAssembly where it may run, else @noble/hashes. `noble`: always @noble/hashes. */
  readonly keccak256?: 'auto' | 'noble' | undefined;
}

/** A miner on the calling thread. It works in short slices and yields between them. */
export function createInlineMiner(clock: Clock, { keccak256 = 'auto' }: InlineMinerOptions = {}): Miner {
  const loading = keccak256 === 'noble' ? createNonceSearch : loadFastNonceSearch();
  let closed = false;

  async function search(
    prefix: Uint8Array,
    bits: number,
    { signal, timeLimit = Number.POSITIVE_INFINITY }: MineOptions,
  ): Promise<Found> {
    const pieces = (await loading)(prefix);
    const deadline = Number.isFinite(timeLimit) ? new Deadline(clock, timeLimit) : undefined;
    try {
      return await searchUntil(pieces, bits, deadline, signal);
    } finally {
      deadline?.cancel();
    }
  }

  async function searchUntil(
    pieces: ReturnType<typeof createNonceSearch>,
    bits: number,
    deadline: Deadline | undefined,
    signal: AbortSignal | undefined,
  ): Promise<Found> {
    let best: Found | undefined;
    for (let from = 0; ; ) {
      if (signal?.aborted) throw minerAborted();
      if (closed) throw minerClosed();
      const turnEnds = { at: clock.now() + TURN_MS, nonce: from + TURN_NONCES };
      do {
        const found = pieces.find(bits, from, PIECE);
        from += PIECE;
        if (best === undefined || found.bits > best.bits) best = found;
        if (best.bits >= bits || deadline?.isOver) return best;
      } while (from < turnEnds.nonce && clock.now() < turnEnds.at);
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
