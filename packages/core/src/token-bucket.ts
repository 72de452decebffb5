import type { Clock } from './environment.js';

/** A rate limit: so many tokens a second on average, with bursts of up to `capacity`. */
export class TokenBucket {
  readonly #clock: Clock;
  readonly #perSecond: number;
  readonly #capacity: number;
  /** Negative while tokens are owed. */
  #tokens: number;
  #filledAt: number;

  /** @param capacity largest burst, available after a pause. Default: the tokens of one second */
  constructor(clock: Clock, perSecond: number, capacity = perSecond) {
    this.#clock = clock;
    this.#perSecond = perSecond;
    this.#capacity = capacity;
    this.#tokens = capacity;
    this.#filledAt = clock.now();
  }

  /** Takes tokens, going into debt if there are too few. @returns milliseconds until the debt is paid; 0 without one */
  take(tokens: number): number {
    this.#fill();
    this.#tokens -= tokens;
    return this.#tokens >= 0 ? 0 : (-this.#tokens / this.#perSecond) * 1000;
  }

  /** As {@link take}, but takes nothing and returns `undefined` when more than the capacity would be owed. */
  tryTake(tokens: number): number | undefined {
    this.#fill();
    return this.#tokens - tokens < -this.#capacity ? undefined : this.take(tokens);
  }

  /** Takes tokens if there are enough, without going into debt. @returns whether it did */
  takeIfAvailable(tokens: number): boolean {
    this.#fill();
    if (this.#tokens < tokens) return false;
    this.#tokens -= tokens;
    return true;
  }

  #fill(): void {
    const now = this.#clock.now();
    // A clock that is set back adds no tokens.
    const passed = Math.max(0, now - this.#filledAt);
    this.#filledAt = now;
    this.#tokens = Math.min(this.#capacity, this.#tokens + (passed / 1000) * this.#perSecond);
  }
}
