import { type Clock, evictOldest, TokenBucket } from '@sotto/core';

/** About how many clients are remembered: 2 MB. A forgotten one starts with a full bucket. */
const REMEMBERED = 10_000;

/** A rate limit for each client, across its connections. */
export class Rates {
  readonly #clock: Clock;
  readonly #perSecond: number;
  readonly #most: number;
  /** The least recently used first. */
  readonly #buckets = new Map<string, TokenBucket>();

  /** @param most largest burst, after a pause; the debt may be as large */
  constructor(clock: Clock, perSecond: number, most: number) {
    this.#clock = clock;
    this.#perSecond = perSecond;
    this.#most = most;
  }

  /** As {@link TokenBucket.tryTake}. */
  take(client: string, amount: number): number | undefined {
    return this.#bucketOf(client).tryTake(amount);
  }

  /** Takes what something has cost that was begun already, however large the debt is. */
  charge(client: string, amount: number): void {
    this.#bucketOf(client).take(amount);
  }

  #bucketOf(client: string): TokenBucket {
    const bucket = this.#buckets.get(client) ?? new TokenBucket(this.#clock, this.#perSecond, this.#most);
    this.#buckets.delete(client);
    this.#buckets.set(client, bucket);
    evictOldest(this.#buckets, REMEMBERED);
    return bucket;
  }
}
