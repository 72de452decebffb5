import { type Clock, forgetOldest } from '@sotto/core';

/** Ids remembered, and some more: what is banned first is forgiven first. */
const MOST = 10_000;

/** Who is not to be talked to, for a time. */
export class BanList {
  readonly #clock: Clock;
  /** By the clock of {@link #now}. */
  readonly #until = new Map<string, number>();
  #lastNow = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  ban(id: string, milliseconds: number): void {
    this.#until.delete(id);
    this.#until.set(id, this.#now() + milliseconds);
    forgetOldest(this.#until, MOST);
  }

  /** Milliseconds for which it is still banned; 0 when it is not. */
  remaining(id: string): number {
    // First, as it may move what is noted.
    const now = this.#now();
    if (!this.#until.has(id)) return 0;
    const remaining = (this.#until.get(id) as number) - now;
    if (remaining > 0) return remaining;
    this.#until.delete(id);
    return 0;
  }

  /** A clock that was set back makes no ban longer: all of them are moved with it. */
  #now(): number {
    const now = this.#clock.now();
    const back = this.#lastNow - now;
    if (back > 0) for (const [id, until] of this.#until) this.#until.set(id, until - back);
    this.#lastNow = now;
    return now;
  }
}
