import { type Clock, systemClock } from '@sotto/core';

/** The clock of one device: the machine's, until it is fixed. */
export class DeviceClock implements Clock {
  #fixed: number | undefined;

  /** @param fixed milliseconds since the epoch */
  constructor(fixed: number | undefined) {
    this.#fixed = fixed;
  }

  now(): number {
    return this.#fixed ?? systemClock.now();
  }

  after(milliseconds: number, run: () => void): () => void {
    return systemClock.after(milliseconds, run);
  }

  /** From now on it is this time, until the next call. */
  set(now: number): void {
    this.#fixed = now;
  }

  get isFixed(): boolean {
    return this.#fixed !== undefined;
  }
}
