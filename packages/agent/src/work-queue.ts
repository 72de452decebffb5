import { SerialQueue } from '@sotto/core';

/** Runs tasks: those under one key one after another, so many at a time in all. */
export class WorkQueue {
  readonly #concurrent: number;
  readonly #limit: number;
  readonly #byKey = new Map<string, { readonly queue: SerialQueue; tasks: number }>();
  readonly #waiting: (() => void)[] = [];
  #queued = 0;
  #running = 0;
  readonly #idle: (() => void)[] = [];
  #closed = false;

  /**
   * @param concurrent tasks that run at a time
   * @param limit tasks that wait
   */
  constructor(concurrent: number, limit: number) {
    this.#concurrent = concurrent;
    this.#limit = limit;
  }

  /** Adds a task, which may not reject. @returns false when too many wait already: then it is not run */
  add(key: string, task: () => Promise<void>): boolean {
    if (this.#queued - this.#running >= this.#limit) return false;
    this.#queued += 1;
    const lane = this.#byKey.get(key) ?? { queue: new SerialQueue(), tasks: 0 };
    this.#byKey.set(key, lane);
    lane.tasks += 1;
    void lane.queue.run(async () => {
      await this.#enter();
      try {
        if (!this.#closed) await task();
      } finally {
        this.#leave();
        lane.tasks -= 1;
        if (lane.tasks === 0) this.#byKey.delete(key);
      }
    });
    return true;
  }

  /** Drops the tasks that wait. */
  close(): void {
    this.#closed = true;
  }

  /** Resolves when no task runs or waits. */
  async settled(): Promise<void> {
    if (this.#queued > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  async #enter(): Promise<void> {
    if (this.#running >= this.#concurrent) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#running += 1;
  }

  #leave(): void {
    this.#queued -= 1;
    // Its place goes to the next one.
    const next = this.#waiting.shift();
    if (next === undefined) this.#running -= 1;
    else next();
    if (this.#queued > 0) return;
    for (const resolve of this.#idle.splice(0)) resolve();
  }
}
