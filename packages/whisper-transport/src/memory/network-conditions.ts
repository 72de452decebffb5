import { invalidArgument } from '@sotto/core';

/** What happens to each copy of a message. Probabilities are from 0, never, to 1, always. */
export interface NetworkConditions {
  /** A copy is lost. There is one copy for each subscriber, and one for history. Default 0. */
  readonly loss: number;
  /** A copy arrives twice. Default 0. */
  readonly duplication: number;
  /**
   * A copy is held back until others have overtaken it, or nothing else is in transit. This takes no time, so only messages that are in
   * transit together change places. Default 0.
   */
  readonly reordering: number;
  /** Milliseconds of transit, evenly distributed, by the network's clock. Default 0 to 0. */
  readonly latency: { readonly min: number; readonly max: number };
}

export const FAIR_CONDITIONS: NetworkConditions = {
  loss: 0,
  duplication: 0,
  reordering: 0,
  latency: { min: 0, max: 0 },
};

/** Conditions with changes. @throws INVALID_ARGUMENT */
export function changeConditions(
  conditions: NetworkConditions,
  changes: Partial<NetworkConditions>,
): NetworkConditions {
  const next = { ...conditions, ...changes };
  for (const what of ['loss', 'duplication', 'reordering'] as const) {
    if (!(next[what] >= 0 && next[what] <= 1)) throw invalidArgument(what, 'not a probability from 0 to 1');
  }
  const { min, max } = next.latency;
  if (!(min >= 0 && max >= min && Number.isFinite(max)))
    throw invalidArgument('latency', 'not 0 <= min <= max');
  return next;
}

/** Random numbers, the same for the same seed: Mulberry32. Not for secrets. */
export class Dice {
  #state: number;

  /** @throws INVALID_ARGUMENT when the seed isn't an integer */
  constructor(seed: number) {
    if (!Number.isSafeInteger(seed)) throw invalidArgument('seed', 'not an integer');
    this.#state = seed | 0;
  }

  /** From 0 to below 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** An integer from 0 to below `end`. */
  below(end: number): number {
    return Math.floor(this.next() * end);
  }
}
