import type { RandomSource } from '@sotto/core';

export interface BackOff {
  /** Milliseconds before the first new try. Default 250. */
  readonly first: number;
  /** Milliseconds between tries at most. Default 30,000. */
  readonly most: number;
}

export const DEFAULT_BACK_OFF: BackOff = { first: 250, most: 30_000 };

/**
 * Milliseconds to wait before a new try: doubles up to the ceiling, and a random half of it is left out, so that the
 * clients of a node that comes back do not all come at once.
 *
 * @param failures tries that failed in a row, 1 at least
 */
export function backOffDelay(failures: number, { first, most }: BackOff, random: RandomSource): number {
  const longest = Math.min(most, first * 2 ** Math.min(failures - 1, 30));
  const [high = 0, low = 0] = random(2);
  return Math.round(longest * (0.5 + (high * 256 + low) / 65_536 / 2));
}
