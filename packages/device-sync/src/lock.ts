/** Lets one at a time proceed, in order. */
export class Lock {
  #tail: Promise<void> = Promise.resolve();

  /** Resolves when it is our turn, which ends when the returned function is called. */
  async acquire(): Promise<() => void> {
    const before = this.#tail;
    let release = () => {};
    const ours = new Promise<void>((resolve) => {
      release = resolve;
    });
    this.#tail = before.then(() => ours);
    await before;
    return release;
  }

  async run<T>(run: () => Promise<T>): Promise<T> {
    const release = await this.acquire();
    try {
      return await run();
    } finally {
      release();
    }
  }
}
