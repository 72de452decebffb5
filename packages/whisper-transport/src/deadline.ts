import type { Clock } from '@sotto/core';

/**
 * A span of time that has begun. A timer keeps it, which goes on evenly when the clock is set: a deadline that was a time of day
 * would be over at once, or never.
 */
export class Deadline {
  #isOver = false;
  readonly #waiting = new Set<() => void>();
  readonly #cancel: () => void;

  constructor(clock: Clock, milliseconds: number) {
    this.#cancel = clock.after(Math.max(0, milliseconds), () => {
      this.#isOver = true;
      for (const run of [...this.#waiting]) run();
      this.#waiting.clear();
    });
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Runs it when the time is over, at once if it is; the function given back stops that. */
  onOver(run: () => void): () => void {
    if (this.#isOver) run();
    else this.#waiting.add(run);
    return () => this.#waiting.delete(run);
  }

  /** Nobody waits for it any more. */
  cancel(): void {
    this.#cancel();
    this.#waiting.clear();
  }
}
