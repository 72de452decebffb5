import { describe, expect, it } from 'vitest';
import { BanList } from '../src/host/ban-list.js';
import { manualClock } from './manual-clock.js';

const YEAR = 365 * 86_400_000;

/** A clock whose timers go on evenly while what it says is set. */
function jumpingClock() {
  const clock = manualClock();
  let off = 0;
  return {
    ...clock,
    now: () => clock.now() + off,
    jump(milliseconds: number) {
      off += milliseconds;
    },
  };
}

describe.each([
  ['ahead', YEAR],
  ['back', -YEAR],
])('a clock that is set a year %s', (_, jump) => {
  it('a ban lasts no longer than was said', async () => {
    const clock = jumpingClock();
    const bans = new BanList(clock);
    bans.ban('a', 600_000);
    clock.jump(jump);
    expect(bans.remaining('a')).toBeLessThanOrEqual(600_000);
    await clock.advance(600_000);
    expect(bans.remaining('a')).toBe(0);
    bans.ban('b', 1_000);
    expect(bans.remaining('b')).toBe(1_000);
  });
});
