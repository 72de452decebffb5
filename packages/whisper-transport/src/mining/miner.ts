import { SottoError } from '@sotto/core';
import { abortedError } from '../transport-errors.js';

/** Somebody who does the proof of work: on this thread, on another, or elsewhere. */
export interface Miner {
  /**
   * A nonce whose KECCAK-256 over prefix and nonce begins with so many bits of zero.
   *
   * @param prefix RLP of the envelope without its nonce; borrowed until the promise settles
   * @param options.timeLimit milliseconds after which it is given up. Default: never
   * @throws ABORTED, CLOSED, TIMEOUT
   */
  mine(prefix: Uint8Array, bits: number, options?: MineOptions): Promise<bigint>;
  /**
   * The nonce with the most bits of zero that is found within so many milliseconds.
   * @throws ABORTED, CLOSED
   */
  mineFor(prefix: Uint8Array, milliseconds: number, options?: Pick<MineOptions, 'signal'>): Promise<bigint>;
  /** Gives up what is under way, with CLOSED. Closing twice is fine. */
  close(): Promise<void>;
}

export interface MineOptions {
  readonly signal?: AbortSignal;
  readonly timeLimit?: number;
}

/**
 * Bits of zero that a hash needs for a proof of work. Wire profile, section 7.
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

export const minerAborted = () => abortedError('proof of work');

export const minerClosed = () => new SottoError('CLOSED', 'The miner was closed.', { what: 'miner' });

export const minerTimedOut = (milliseconds: number) =>
  new SottoError('TIMEOUT', 'The proof of work was not done in time.', {
    what: 'proof of work',
    milliseconds,
  });
