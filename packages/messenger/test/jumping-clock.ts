import { manualClock } from './support.js';

/** A clock that can be set: what waits for a time waits as long as it would have. */
export function jumpingClock(start: number): ReturnType<typeof manualClock> & { jump(by: number): void } {
  const steady = manualClock(0);
  let offset = start;
  return {
    now: () => steady.now() + offset,
    after: (milliseconds, run) => steady.after(milliseconds, run),
    advance: (milliseconds) => steady.advance(milliseconds),
    jump(by) {
      offset += by;
    },
  };
}
