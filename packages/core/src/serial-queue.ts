/** Runs asynchronous tasks one after another, in the order in which they were added. A task that fails doesn't stop the next. */
export class SerialQueue {
  #last: Promise<unknown> = Promise.resolve();

  /** Runs the task when all earlier ones have settled; settles as the task does. */
  run<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#last.then(task);
    this.#last = result.catch(() => {});
    return result;
  }

  /** Resolves when every task so far has settled. */
  async settled(): Promise<void> {
    await this.#last;
  }
}
