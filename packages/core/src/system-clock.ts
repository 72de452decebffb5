import type { Clock } from './environment.js';

/** Longest delay that a runtime's timer takes: 2^31 - 1 ms, about 24 days. */
const LONGEST_TIMER = 0x7fff_ffff;

/** The clock of the machine. The one place in the packages that reads it. */
export const systemClock: Clock = {
  // biome-ignore lint/plugin: this is the injected clock itself
  now: () => Date.now(),
  after(milliseconds, run) {
    // biome-ignore lint/style/noRestrictedGlobals: this is the injected clock itself
    const timer = setTimeout(run, Math.min(Math.max(0, milliseconds), LONGEST_TIMER));
    return () => clearTimeout(timer);
  },
};
