import { type Clock, isSottoError, systemClock } from '@sotto/core';

/** Bounds every wait of a suite, so that a failure names what hangs. */
export class TimeLimit {
  readonly milliseconds: number;
  readonly #clock: Clock;

  constructor(milliseconds: number, clock: Clock = systemClock) {
    this.milliseconds = milliseconds;
    this.#clock = clock;
  }

  /** @throws a plain Error when the promise has not settled in time */
  async wait<T>(promise: Promise<T>, what: string): Promise<T> {
    let cancel = () => {};
    const late = new Promise<never>((_, reject) => {
      cancel = this.#clock.after(this.milliseconds, () =>
        reject(new Error(`Expected that ${what} within ${this.milliseconds} ms.`)),
      );
    });
    try {
      return await Promise.race([promise, late]);
    } finally {
      cancel();
    }
  }
}

/** What has arrived, and waits for more. */
export class Arrivals<T> {
  readonly all: T[] = [];
  readonly #waiting = new Set<() => void>();

  add(item: T): void {
    this.all.push(item);
    for (const look of [...this.#waiting]) look();
  }

  count(fits: (item: T) => boolean): number {
    return this.all.filter(fits).length;
  }

  /** Resolves once enough items that match have arrived. */
  until(fits: (item: T) => boolean, times = 1): Promise<void> {
    return new Promise((resolve) => {
      const look = () => {
        if (this.count(fits) < times) return;
        this.#waiting.delete(look);
        resolve();
      };
      this.#waiting.add(look);
      look();
    });
  }
}

/** The code with which it was rejected; `resolved` otherwise. */
export async function outcomeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return 'resolved';
  } catch (error) {
    return isSottoError(error) ? error.code : `the error ${String(error)}`;
  }
}

/** Waits until a connection has reported its loss and its return. */
export async function untilMended(statuses: Arrivals<string>, timeLimit: TimeLimit): Promise<void> {
  await timeLimit.wait(
    statuses.until((status) => status === 'reconnecting'),
    'the loss is reported',
  );
  await timeLimit.wait(
    statuses.until(() => statuses.all.at(-1) === 'connected'),
    'the return is reported',
  );
}
