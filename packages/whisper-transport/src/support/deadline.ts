import type { Clock } from '@sotto/core';

/**
 * A moment some milliseconds from now. It is kept by a timer, so setting the system clock does not affect it: a deadline stored as a
 * time of day would pass immediately, or never.
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

  /** Whether the deadline has passed. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Calls `run` when the deadline passes, or immediately if it has; the returned function cancels that. */
  onOver(run: () => void): () => void {
    if (this.#isOver) run();
    else this.#waiting.add(run);
    return () => this.#waiting.delete(run);
  }

  /** Stops the timer; nothing is called any more. */
  cancel(): void {
    this.#cancel();
    this.#waiting.clear();
  }
}
