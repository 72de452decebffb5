import { systemClock } from '@sotto/core';

/** Not where another process began, in case it uses the same network. */
let next = systemClock.now();

/** Another one for each case, whose topics and channels are then its own. */
export function caseNumber(): number {
  return next++;
}
