import type { RandomSource } from '@sotto/core';

/** Waits between attempts to connect. */
export interface BackOff {
  /** Milliseconds before the first retry. Default 250. */
  readonly first: number;
  /** Longest wait between two attempts, in milliseconds. Default 30,000. */
  readonly most: number;
}

/** The waits where none are given: from 250 ms to 30 s. */
export const DEFAULT_BACK_OFF: BackOff = { first: 250, most: 30_000 };

/**
 * Milliseconds to wait before the next attempt: doubled after each failure up to the maximum, then reduced by a random share of up
 * to a half, so that the clients of a restarted server don't all return at once.
 *
 * @param failures consecutive failures, at least 1
 */
export function backOffDelay(failures: number, { first, most }: BackOff, random: RandomSource): number {
  const longest = Math.min(most, first * 2 ** Math.min(failures - 1, 30));
  const [high = 0, low = 0] = random(2);
  return Math.round(longest * (0.5 + (high * 256 + low) / 65_536 / 2));
}
