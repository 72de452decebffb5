import { systemClock } from '@sotto/core';

/** Starts at random, in case another process uses the same network. */
let next = systemClock.now();

/** A different number for each case, so that its topics and channels are its own. */
export function caseNumber(): number {
  return next++;
}
