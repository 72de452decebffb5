import type { Clock } from '@sotto/core';

/**
 * The time by which messages disappear: that of our clock, but it never runs backwards. While a clock that was set back is behind the
 * latest time that was seen, time goes on from there.
 */
export class SteadyTime {
  readonly #clock: Clock;
  /** What is added to our clock, in milliseconds. */
  #offset = 0;
  #latest = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Milliseconds since the epoch, a whole number. */
  now(): number {
    this.reached(Math.trunc(this.#clock.now()) + this.#offset);
    return this.#latest;
  }

  /** Notes that it is that late at least: an earlier run has seen it, or a timer says so. */
  reached(time: number): void {
    this.#latest = Math.max(this.#latest, time);
    this.#offset = this.#latest - Math.trunc(this.#clock.now());
    if (this.#offset < 0) this.#offset = 0;
  }
}
