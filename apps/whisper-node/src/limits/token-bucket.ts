import type { Clock } from '@sotto/core';

/** So much a second, and so much at once after a rest. As much again may be owed. */
export class TokenBucket {
  readonly #clock: Clock;
  readonly #perSecond: number;
  readonly #most: number;
  #left: number;
  #at: number;

  constructor(clock: Clock, perSecond: number, most: number) {
    this.#clock = clock;
    this.#perSecond = perSecond;
    this.#most = most;
    this.#left = most;
    this.#at = clock.now();
  }

  /** Takes it; milliseconds until it is there, or `undefined` when too much would be owed, and nothing is taken. */
  take(amount: number): number | undefined {
    const now = this.#clock.now();
    const gained = (Math.max(0, now - this.#at) / 1000) * this.#perSecond;
    this.#left = Math.min(this.#most, this.#left + gained);
    this.#at = now;
    if (this.#left - amount < -this.#most) return undefined;
    this.#left -= amount;
    return this.#left >= 0 ? 0 : (-this.#left / this.#perSecond) * 1000;
  }
}
