import { settableClock } from '@sotto/testing/clock';
import { describe, expect, it } from 'vitest';
import { BanList } from '../src/host/ban-list.js';

const YEAR = 365 * 86_400_000;

describe.each([
  ['ahead', YEAR],
  ['back', -YEAR],
])('a clock that is set a year %s', (_, jump) => {
  it('a ban lasts no longer than was said', async () => {
    const clock = settableClock();
    const bans = new BanList(clock);
    bans.ban('a', 600_000);
    clock.jump(jump);
    expect(bans.remaining('a')).toBeLessThanOrEqual(600_000);
    await clock.advanceAndRest(600_000);
    expect(bans.remaining('a')).toBe(0);
    bans.ban('b', 1_000);
    expect(bans.remaining('b')).toBe(1_000);
  });
});
