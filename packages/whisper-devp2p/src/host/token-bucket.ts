import type { Clock } from '@sotto/core';

/** So many a second, on average; a second's worth at once. */
export class TokenBucket {
  readonly #clock: Clock;
  readonly #perSecond: number;
  readonly #capacity: number;
  #tokens: number;
  #filledAt: number;

  /** @param capacity how many at once, when nothing was taken for long. Default: a second's worth */
  constructor(clock: Clock, perSecond: number, capacity = perSecond) {
    this.#clock = clock;
    this.#perSecond = perSecond;
    this.#capacity = capacity;
    this.#tokens = capacity;
    this.#filledAt = clock.now();
  }

  /** Takes them, although they may not be there yet; milliseconds until they will be. */
  take(tokens: number): number {
    const now = this.#clock.now();
    // A clock that is set back gives nothing.
    const passed = Math.max(0, now - this.#filledAt);
    this.#filledAt = now;
    this.#tokens = Math.min(this.#capacity, this.#tokens + (passed / 1000) * this.#perSecond) - tokens;
    return this.#tokens >= 0 ? 0 : (-this.#tokens / this.#perSecond) * 1000;
  }
}
