import { manualClock as sharedManualClock } from '@sotto/testing/clock';

export { rest } from '@sotto/testing/clock';

/** The shared clock, whose `advance` lets what the timers began come to rest in between. */
export function manualClock(start?: number) {
  const clock = sharedManualClock(start);
  return { ...clock, advance: clock.advanceAndRest };
}
