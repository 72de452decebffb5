import type { Clock } from '@sotto/core';

/** A clock that stands until it is moved; timers run when it passes them. */
export function manualClock(start = Date.parse('2026-11-23T12:00:00Z')) {
  let now = start;
  const timers = new Set<{ readonly at: number; readonly run: () => void }>();
  const clock: Clock = {
    now: () => now,
    after(milliseconds, run) {
      const timer = { at: now + milliseconds, run };
      timers.add(timer);
      return () => timers.delete(timer);
    },
  };
  return {
    ...clock,
    /** Milliseconds until the next timer runs; `undefined` when there is none. */
    next: () => (timers.size === 0 ? undefined : Math.min(...[...timers].map(({ at }) => at)) - now),
    /** Moves on, and lets what the timers began come to rest in between. */
    async advance(milliseconds: number) {
      const until = now + milliseconds;
      for (;;) {
        await rest();
        const due = [...timers].filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)[0];
        if (due === undefined) break;
        timers.delete(due);
        now = due.at;
        due.run();
      }
      now = until;
    },
  };
}

/** Resolves when everything has run that waits for nothing but its turn. */
export async function rest(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
}
