import { describe, expect, it } from 'vitest';
import { TokenBucket } from '../src/index.js';

/** A clock that stands at whatever it is set to. */
function settableClock() {
  return { time: 10_000, now: () => clock.time, after: () => () => {} };
}
let clock = settableClock();
const newBucket = (perSecond: number, capacity?: number) => {
  clock = settableClock();
  return new TokenBucket(clock, perSecond, capacity);
};

describe('a token bucket', () => {
  it('allows a burst of one second, and then so many tokens a second', () => {
    const bucket = newBucket(10);
    expect(bucket.take(10)).toBe(0);
    expect(bucket.take(5)).toBe(500);
  });

  it('adds no tokens when the clock is set back', () => {
    const bucket = newBucket(10);
    bucket.take(10);
    clock.time -= 10_000;
    expect(bucket.take(1)).toBe(100);
    clock.time += 1_000;
    expect(bucket.take(0)).toBe(0);
  });

  it('refuses a debt beyond its capacity, and takes nothing then', () => {
    const bucket = newBucket(10, 20);
    expect(bucket.tryTake(30)).toBe(1_000);
    expect(bucket.tryTake(11)).toBeUndefined();
    expect(bucket.tryTake(10)).toBe(2_000);
  });

  it('takes only what is available, where no debt is allowed', () => {
    const bucket = newBucket(10, 2);
    expect([1, 1, 1].map((tokens) => bucket.takeIfAvailable(tokens))).toEqual([true, true, false]);
    clock.time += 100;
    expect(bucket.takeIfAvailable(1)).toBe(true);
  });

  it.each([
    ['ahead', 365 * 86_400_000],
    ['back', -365 * 86_400_000],
  ])('a clock that is set a year %s: the rate is what it was, apart from one rest', (_, jump) => {
    const bucket = newBucket(10);
    bucket.take(10);
    clock.time += jump;
    bucket.take(10);
    expect(bucket.take(10)).toBeGreaterThanOrEqual(jump > 0 ? 1_000 : 2_000);
    clock.time += 2_000;
    expect(bucket.take(0)).toBe(0);
  });
});
