import type { Clock } from '@sotto/core';

/**
 * The end of a span of time. It is kept by a timer, which a clock that is set does not affect: a deadline stored as a time of day
 * would pass at once, or never.
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

  /** Calls `run` when the deadline passes, at once if it has; the returned function cancels that. */
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
