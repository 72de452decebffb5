/** Runs a limited number of asynchronous tasks at once; the others wait, in the order in which they came. */
export class TaskLimit {
  readonly #waiting: (() => void)[] = [];
  #free: number;

  /** @param most tasks at once */
  constructor(most: number) {
    this.#free = most;
  }

  /** Settles as the task does. */
  async run<T>(task: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await task();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free++;
      else next();
    }
  }
}
