import { type Clock, systemClock } from '@sotto/core';

/** A clock that is the machine's until it is set; from then on it stands still, and timers run when it is set past them. */
export class SteppedClock implements Clock {
  #fixed: number | undefined;
  readonly #timers = new Set<{ readonly at: number; readonly run: () => void }>();

  /** @param fixed milliseconds since the epoch */
  constructor(fixed: number | undefined) {
    this.#fixed = fixed;
  }

  now(): number {
    return this.#fixed ?? systemClock.now();
  }

  after(milliseconds: number, run: () => void): () => void {
    if (this.#fixed === undefined) return systemClock.after(milliseconds, run);
    const timer = { at: this.#fixed + milliseconds, run };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** From now on it is this time. Each timer that is due runs once; those that they set wait for the next call. */
  set(now: number): void {
    this.#fixed = now;
    const due = [...this.#timers].filter(({ at }) => at <= now).sort((a, b) => a.at - b.at);
    for (const timer of due) if (this.#timers.delete(timer)) timer.run();
  }
}
