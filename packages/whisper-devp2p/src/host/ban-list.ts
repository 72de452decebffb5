import { type Clock, evictOldest } from '@sotto/core';

/** About how many bans are kept; the oldest are dropped first. */
const MOST = 10_000;

/** Peers that are banned for a time. */
export class BanList {
  readonly #clock: Clock;
  /** Ends of bans by id, by the clock of {@link #now}. */
  readonly #until = new Map<string, number>();
  #lastNow = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  ban(id: string, milliseconds: number): void {
    this.#until.delete(id);
    this.#until.set(id, this.#now() + milliseconds);
    evictOldest(this.#until, MOST);
  }

  /** Milliseconds for which a peer is still banned; 0 when it isn't. */
  remaining(id: string): number {
    // First, as it may shift the bans.
    const now = this.#now();
    if (!this.#until.has(id)) return 0;
    const remaining = (this.#until.get(id) as number) - now;
    if (remaining > 0) return remaining;
    this.#until.delete(id);
    return 0;
  }

  /** When the clock was set back, all bans are shifted with it, so that none lasts longer. */
  #now(): number {
    const now = this.#clock.now();
    const back = this.#lastNow - now;
    if (back > 0) for (const [id, until] of this.#until) this.#until.set(id, until - back);
    this.#lastNow = now;
    return now;
  }
}
