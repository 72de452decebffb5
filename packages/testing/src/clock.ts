import type { Clock } from '@sotto/core';

/** Where a manual clock starts by default: a time that no rule of the protocol depends on. */
const START = Date.parse('2026-11-23T12:00:00Z');

/** A clock that stands still until a test moves it. */
export interface ManualClock extends Clock {
  /** Milliseconds until the next timer runs; `undefined` when there is none. */
  next(): number | undefined;
  /** Advances the clock. Timers run in the order of their times as the clock passes them, one directly after the other. */
  advance(milliseconds: number): void;
  /** As {@link advance}, but waits for what a timer started to settle before the next timer runs. */
  advanceAndRest(milliseconds: number): Promise<void>;
}

/**
 * A clock that stands still until it is moved; timers run when it passes them.
 * @param start milliseconds since the epoch
 */
export function manualClock(start = START): ManualClock {
  let now = start;
  const timers = new Set<{ readonly at: number; readonly run: () => void }>();

  /** Runs the first timer that is due by then, if there is one. */
  function runFirst(until: number): boolean {
    const due = [...timers].filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)[0];
    if (due === undefined) return false;
    timers.delete(due);
    now = Math.max(now, due.at);
    due.run();
    return true;
  }

  return {
    now: () => now,
    after(milliseconds, run) {
      const timer = { at: now + milliseconds, run };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    next: () => (timers.size === 0 ? undefined : Math.min(...[...timers].map(({ at }) => at)) - now),
    advance(milliseconds) {
      const until = now + milliseconds;
      while (runFirst(until));
      now = until;
    },
    async advanceAndRest(milliseconds) {
      const until = now + milliseconds;
      do await rest();
      while (runFirst(until));
      now = until;
    },
  };
}

/** A manual clock that can also be set, as users do: timers still take as long as they would have. */
export interface SettableClock extends ManualClock {
  /** Sets the clock by so many milliseconds, forward or back. No timer runs. */
  jump(milliseconds: number): void;
  /** Sets the clock to a time, in milliseconds since the epoch. No timer runs. */
  set(time: number): void;
}

/** A {@link manualClock} that can also be set. */
export function settableClock(start = START): SettableClock {
  const steady = manualClock(0);
  let offset = start;
  return {
    ...steady,
    now: () => steady.now() + offset,
    jump(milliseconds) {
      offset += milliseconds;
    },
    set(time) {
      offset = time - steady.now();
    },
  };
}

/** Resolves when every task that is only waiting for the event loop has run. */
export async function rest(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
}
