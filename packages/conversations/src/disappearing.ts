import type { Clock } from '@sotto/core';
import type { Timer } from './conversation-message.js';
import type { History } from './history.js';
import { DISAPPEARING_MAX_SECONDS } from './limits.js';
import type { SteadyTime } from './steady-time.js';

/** How far ahead of our clock a setting may have been made, in milliseconds: later ones don't count, since none could replace them. */
const MAX_AHEAD_MS = 24 * 60 * 60 * 1_000;
/** Longest wait for the next message to disappear, in milliseconds: timers stand still while a computer sleeps. */
const MAX_WAIT_MS = 60_000;

/** Whether a setting that arrives replaces the one that is there. */
export function replaces(next: Timer, before: Timer | undefined, now: number): boolean {
  if (next.changedAt * 1_000 > now + MAX_AHEAD_MS) return false;
  const { seconds, changedAt } = before ?? { seconds: 0, changedAt: 0 };
  return (
    next.changedAt > changedAt || (next.changedAt === changedAt && orderOf(next.seconds) < orderOf(seconds))
  );
}

function orderOf(seconds: number): number {
  return seconds === 0 ? DISAPPEARING_MAX_SECONDS + 1 : seconds;
}

/** The setting that a user makes after another. */
export function timerAfter(before: Timer | undefined, seconds: number, now: number): Timer {
  return { seconds, changedAt: Math.max(Math.floor(now / 1_000), (before?.changedAt ?? 0) + 1) };
}

/** Waits for messages to disappear. */
export class Expiry {
  readonly #history: History;
  readonly #clock: Clock;
  readonly #time: SteadyTime;
  readonly #run: () => void;
  #cancel = () => {};
  #dueAt = Number.POSITIVE_INFINITY;
  #closed = false;

  /** @param run is to delete what has expired and then call {@link plan} */
  constructor(history: History, clock: Clock, time: SteadyTime, run: () => void) {
    this.#history = history;
    this.#clock = clock;
    this.#time = time;
    this.#run = run;
  }

  /** Plans for the next message. */
  async plan(): Promise<void> {
    this.#dueAt = Number.POSITIVE_INFINITY;
    this.#cancel();
    const next = await this.#history.nextExpiry();
    if (next !== undefined) this.note(next);
  }

  /** Notes that a message disappears at a time. */
  note(expiresAt: number | undefined): void {
    if (expiresAt === undefined || this.#closed || expiresAt >= this.#dueAt) return;
    this.#cancel();
    this.#dueAt = expiresAt;
    const now = this.#time.now();
    const wait = Math.max(0, Math.min(expiresAt - now, MAX_WAIT_MS));
    this.#cancel = this.#clock.after(wait, () => {
      // Our clock may have been set back meanwhile.
      this.#time.reached(now + wait);
      this.#run();
    });
  }

  close(): void {
    this.#closed = true;
    this.#cancel();
  }
}
