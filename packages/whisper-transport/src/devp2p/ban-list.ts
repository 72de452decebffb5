import { type Clock, forgetOldest } from '@sotto/core';

/** Ids remembered, and some more: what is banned first is forgiven first. */
const MOST = 10_000;

/** Who is not to be talked to, for a time. */
export class BanList {
  readonly #clock: Clock;
  readonly #until = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  ban(id: string, milliseconds: number): void {
    this.#until.delete(id);
    this.#until.set(id, this.#clock.now() + milliseconds);
    forgetOldest(this.#until, MOST);
  }

  /** Milliseconds for which it is still banned; 0 when it is not. */
  remaining(id: string): number {
    const until = this.#until.get(id);
    if (until === undefined) return 0;
    const remaining = until - this.#clock.now();
    if (remaining > 0) return remaining;
    this.#until.delete(id);
    return 0;
  }
}
