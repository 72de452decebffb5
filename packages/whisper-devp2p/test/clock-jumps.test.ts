import { describe, expect, it } from 'vitest';
import { BanList } from '../src/host/ban-list.js';
import { TokenBucket } from '../src/host/token-bucket.js';
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

  it('a rate is what it was, apart from one rest', async () => {
    const clock = jumpingClock();
    const bucket = new TokenBucket(clock, 10);
    bucket.take(10);
    clock.jump(jump);
    bucket.take(10);
    expect(bucket.take(10)).toBeGreaterThanOrEqual(jump > 0 ? 1_000 : 2_000);
    await clock.advance(2_000);
    expect(bucket.take(0)).toBe(0);
  });
});
