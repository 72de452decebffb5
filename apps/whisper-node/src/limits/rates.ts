import { type Clock, forgetOldest, TokenBucket } from '@sotto/core';

/** Addresses whose rate is remembered, and some more: 2 MB. Who is forgotten begins with a full bucket. */
const REMEMBERED = 10_000;

/** A rate for each client, remembered over its connections. */
export class Rates {
  readonly #clock: Clock;
  readonly #perSecond: number;
  readonly #most: number;
  /** In the order of their use. */
  readonly #buckets = new Map<string, TokenBucket>();

  /** @param most at once after a rest; as much again may be owed */
  constructor(clock: Clock, perSecond: number, most: number) {
    this.#clock = clock;
    this.#perSecond = perSecond;
    this.#most = most;
  }

  /** As {@link TokenBucket.tryTake}. */
  take(client: string, amount: number): number | undefined {
    const bucket = this.#buckets.get(client) ?? new TokenBucket(this.#clock, this.#perSecond, this.#most);
    this.#buckets.delete(client);
    this.#buckets.set(client, bucket);
    forgetOldest(this.#buckets, REMEMBERED);
    return bucket.tryTake(amount);
  }
}
