import { manualClock, settableClock } from '@sotto/testing/clock';
import { describe, expect, it } from 'vitest';
import { certainTime, happenedWithin, storedNow, timeSince } from '../src/own-clock.js';
import { TransactionManager } from '../src/storage/transaction-manager.js';
import { crypto, DAY, HOUR, keptStore, MINUTE, START } from './world.js';

describe('how long ago a stored time was', () => {
  const at = (now: number, maxClockAheadMs = 10 * MINUTE) => ({
    clock: manualClock(now),
    limits: { maxClockAheadMs },
  });

  it('is nothing for what our clock, set back a little, has yet to reach, and unknown beyond that', () => {
    expect(timeSince(START - 5, at(START))).toBe(5);
    expect(timeSince(START, at(START))).toBe(0);
    expect(timeSince(START + 1, at(START))).toBe(0);
    expect(timeSince(START + 10 * MINUTE, at(START))).toBe(0);
    expect(timeSince(START + 10 * MINUTE + 1, at(START))).toBeUndefined();
  });

  it('is within an interval until it ends; a time of 0 is none, and one of the future neither', () => {
    const within = (ago: number) => happenedWithin(BigInt(START - ago), HOUR, at(START));
    expect([within(0), within(HOUR - 1), within(HOUR)]).toEqual([true, true, false]);
    expect([within(-10 * MINUTE), within(-10 * MINUTE - 1)]).toEqual([true, false]);
    expect(happenedWithin(0n, HOUR, at(0))).toBe(false);
  });

  it('is stored in whole milliseconds', () => {
    expect(storedNow(manualClock(1234.9))).toBe(1234n);
  });
});

describe('the time that is certain', () => {
  async function clockRecord() {
    const clock = settableClock(START);
    const manager = new TransactionManager(keptStore().store, crypto);
    const at = (time: number) => {
      clock.set(time);
      return manager.transaction((tx) => certainTime(tx, { clock }));
    };
    return { at };
  }

  it('is none before a clock has run for a day, then what it showed a day ago', async () => {
    const { at } = await clockRecord();
    expect(await at(START)).toBeUndefined();
    expect(await at(START + DAY - 1)).toBeUndefined();
    expect(await at(START + DAY)).toBe(START);
    expect(await at(START + 2 * DAY - 1)).toBe(START);
    expect(await at(START + 2 * DAY)).toBe(START + DAY);
  });

  it('stays when the clock is set back to after it, and a day from then moves on', async () => {
    const { at } = await clockRecord();
    await at(START);
    await at(START + 3 * DAY);
    // Certain is the start, and observed three days after it.
    expect(await at(START + 2 * DAY)).toBe(START);
    expect(await at(START + 3 * DAY - 1)).toBe(START);
    expect(await at(START + 3 * DAY)).toBe(START + 2 * DAY);
  });

  it('is none again when the clock is set back to before it; at its very moment it stays', async () => {
    const { at } = await clockRecord();
    await at(START);
    await at(START + DAY);
    expect(await at(START)).toBe(START);
    expect(await at(START - 1)).toBeUndefined();
    expect(await at(START)).toBeUndefined();
    expect(await at(START + DAY - 1)).toBe(START - 1);
  });

  it('is taken in whole milliseconds', async () => {
    const { at } = await clockRecord();
    await at(START + 0.7);
    expect(await at(START + DAY)).toBe(START);
  });
});
