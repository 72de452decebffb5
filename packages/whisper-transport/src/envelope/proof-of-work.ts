import { keccak_256 } from '@noble/hashes/sha3.js';
import { type Clock, SottoError } from '@sotto/core';
import { bigEndian64, leadingZeroBits } from './envelope.js';

/** Nonces tried before others get their turn: a few milliseconds. */
const CHUNK = 2_000;

/**
 * Bits of zero that a hash needs for a proof of work.
 *
 * @param target proof of work to reach
 * @param size bytes of the envelope without its nonce
 * @param ttl seconds
 */
export function powBits(target: number, size: number, ttl: number): number {
  if (!(target > 0)) return 0;
  let bits = Math.max(0, Math.floor(Math.log2(target * size * ttl)));
  while (2 ** bits / size / ttl < target) bits++;
  return bits;
}

/**
 * Tries nonces one after the other: the first whose KECCAK-256 over prefix and nonce has so many bits of zero.
 * The prefix is hashed once.
 *
 * @returns `undefined` when none of them has
 */
export function findNonce(prefix: Uint8Array, bits: number, from: bigint, count: number): bigint | undefined {
  const begun = keccak_256.create().update(prefix);
  const attempt = begun.clone();
  const hash = new Uint8Array(32);
  for (let i = 0n; i < BigInt(count); i++) {
    begun._cloneInto(attempt);
    attempt.update(bigEndian64(from + i)).digestInto(hash);
    if (leadingZeroBits(hash) >= bits) return from + i;
  }
  return undefined;
}

/** Somebody who does the work: on this thread, on another, or elsewhere. */
export interface Miner {
  /**
   * The first nonce whose hash over the prefix has so many bits of zero.
   * @throws ABORTED, CLOSED
   */
  mine(prefix: Uint8Array, bits: number, options?: { readonly signal?: AbortSignal }): Promise<bigint>;
  close(): Promise<void>;
}

/** A miner on the thread that it is called from: works in short pieces, between which others get their turn. */
export function createInlineMiner(clock: Clock): Miner {
  let closed = false;
  return {
    async mine(prefix, bits, { signal } = {}) {
      for (let from = 0n; ; from += BigInt(CHUNK)) {
        if (signal?.aborted)
          throw new SottoError('ABORTED', 'The caller gave up.', { what: 'proof of work' });
        if (closed) throw new SottoError('CLOSED', 'The miner was closed.', { what: 'miner' });
        const nonce = findNonce(prefix, bits, from, CHUNK);
        if (nonce !== undefined) return nonce;
        await new Promise<void>((resolve) => clock.after(0, resolve));
      }
    },
    async close() {
      closed = true;
    },
  };
}
