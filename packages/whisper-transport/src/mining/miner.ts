import { SottoError } from '@sotto/core';
import { abortedError } from '../support/transport-errors.js';

/** Does proof of work: on this thread, on others, or elsewhere. */
export interface Miner {
  /**
   * Finds a nonce such that KECCAK-256 over prefix and nonce begins with this many zero bits.
   *
   * @param prefix RLP of the envelope without its nonce; borrowed until the promise settles
   * @param options.timeLimit milliseconds until TIMEOUT. Default: none
   * @throws ABORTED, CLOSED, TIMEOUT
   */
  mine(prefix: Uint8Array, bits: number, options?: MineOptions): Promise<bigint>;
  /**
   * Finds the nonce with the most leading zero bits within a number of milliseconds.
   * @throws ABORTED, CLOSED
   */
  mineFor(prefix: Uint8Array, milliseconds: number, options?: Pick<MineOptions, 'signal'>): Promise<bigint>;
  /** Pending searches fail with CLOSED. Closing twice is fine. */
  close(): Promise<void>;
}

/** Options of {@link Miner.mine}. */
export interface MineOptions {
  /** Stops mining: `mine` rejects with ABORTED. */
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds until `mine` rejects with TIMEOUT. Default: none. */
  readonly timeLimit?: number | undefined;
}

/**
 * Leading zero bits that a hash needs for a proof of work. Wire profile, section 7.
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
