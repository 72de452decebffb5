import { SottoError } from '@sotto/core';
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

/** How badly a network treats each copy of a message. Probabilities are from 0, never, to 1, always. */
export interface NetworkConditions {
  /** A copy is lost. The copies are one for each who listens, and one for history. Default 0. */
  readonly loss: number;
  /** A copy arrives twice. Default 0. */
  readonly duplication: number;
  /**
   * A copy is held back until others have overtaken it, or nothing else is on its way. No time passes for it, so
   * only messages that are on their way together change places. Default 0.
   */
  readonly reordering: number;
  /** Milliseconds that a copy takes, evenly distributed, by the clock of the network. Default 0 to 0. */
  readonly latency: { readonly min: number; readonly max: number };
}

export const FAIR_CONDITIONS: NetworkConditions = {
  loss: 0,
  duplication: 0,
  reordering: 0,
  latency: { min: 0, max: 0 },
};

/** Lays changes over conditions. @throws INVALID_ARGUMENT */
export function changeConditions(
  conditions: NetworkConditions,
  changes: Partial<NetworkConditions>,
): NetworkConditions {
  const next = { ...conditions, ...changes };
  for (const what of ['loss', 'duplication', 'reordering'] as const) {
    if (!(next[what] >= 0 && next[what] <= 1)) throw outside(what, 'a probability is from 0 to 1');
  }
  const { min, max } = next.latency;
  if (!(min >= 0 && max >= min && Number.isFinite(max))) throw outside('latency', 'not 0 <= min <= max');
  return next;
}

function outside(what: string, reason: string): SottoError {
  return new SottoError('INVALID_ARGUMENT', `These are no conditions for a network: ${what}.`, {
    what,
    reason,
  });
}

/** The chances of a network: the same for the same seed. Not for secrets. */
export class Dice {
  readonly #generator;

  /** @throws INVALID_ARGUMENT when the seed isn't an integer */
  constructor(seed: number) {
    if (!Number.isSafeInteger(seed)) throw outside('seed', 'not an integer');
    this.#generator = xoroshiro128plus(seed);
  }

  /** From 0 up to and without 1. */
  next(): number {
    return uniformFloat64(this.#generator);
  }

  /** An integer from 0 up to and without `end`. */
  below(end: number): number {
    return Math.floor(this.next() * end);
  }
}
