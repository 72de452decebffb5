export interface FairQueueLimits {
  /** Most jobs that run at once. */
  readonly atOnce: number;
  /** Most waiting jobs of one client. */
  readonly waitingPerClient: number;
  /** Most waiting jobs in all. */
  readonly waiting: number;
}

/** Runs expensive jobs, few at once. Clients take turns, so that a job waits for at most one job of each other client. */
export class FairQueue {
  readonly #limits: FairQueueLimits;
  /** Waiting jobs by client, in the order of their turns. */
  readonly #waiting = new Map<string, (() => Promise<void>)[]>();
  #running = 0;
  #count = 0;

  constructor(limits: FairQueueLimits) {
    this.#limits = limits;
  }

  /**
   * Runs a job when its turn comes.
   * @param tooMany creates the error for when too many are waiting
   */
  run<T>(client: string, job: () => Promise<T>, tooMany: () => Error): Promise<T> {
    const own = this.#waiting.get(client) ?? [];
    const { waiting, waitingPerClient } = this.#limits;
    if (own.length >= waitingPerClient || this.#count >= waiting) return Promise.reject(tooMany());
    return new Promise((resolve, reject) => {
      own.push(() => job().then(resolve, reject));
      this.#waiting.set(client, own);
      this.#count++;
      this.#next();
    });
  }

  #next(): void {
    if (this.#running >= this.#limits.atOnce) return;
    for (const [client, jobs] of this.#waiting) {
      const job = jobs.shift();
      // To the end of the queue.
      this.#waiting.delete(client);
      if (jobs.length > 0) this.#waiting.set(client, jobs);
      if (job === undefined) continue;
      this.#running++;
      this.#count--;
      void job().finally(() => {
        this.#running--;
        this.#next();
      });
      return;
    }
  }
}
