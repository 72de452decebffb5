import { manualClock } from '@sotto/testing/clock';
import { describe, expect, it } from 'vitest';
import type { DeviceLimits } from '../src/index.js';
import { forgetSeen, refuseRepeated, type SeenMessage } from '../src/seen-messages.js';
import { TransactionManager } from '../src/storage/transaction-manager.js';
import { contextOf, countRecords, crypto, DAY, keptStore, MINUTE, START } from './world.js';

/** What is remembered of messages, in a store of its own. */
function memory(limits: Partial<DeviceLimits> = {}) {
  const { store } = keptStore();
  const clock = manualClock(START);
  const manager = new TransactionManager(store, crypto);
  const context = contextOf({ clock, limits });
  return {
    clock,
    records: () => countRecords(store, 'seen'),
    /** The code of the error; `taken` when there was none. */
    take: (number: number, times: Omit<SeenMessage, 'messageId'>) =>
      manager
        .transaction((tx) =>
          refuseRepeated(tx, context, { messageId: new Uint8Array(32).fill(number), ...times }),
        )
        .then(
          () => 'taken',
          (error: { readonly code: string; readonly details: unknown }) => ({
            code: error.code,
            details: error.details,
          }),
        ),
    forget: (time: number) => manager.transaction((tx) => forgetSeen(tx, context, time)),
  };
}

const id = (number: number) => number.toString(16).padStart(2, '0').repeat(32);
const duplicate = (number: number) => ({ code: 'DUPLICATE_MESSAGE', details: { messageId: id(number) } });
const tooOld = (number: number) => ({ code: 'MESSAGE_TOO_OLD', details: { messageId: id(number) } });
const signed = (signedAt: number) => ({ signedAt, sentAt: undefined });
const undated = { signedAt: undefined, sentAt: undefined };

describe('what is remembered of messages', () => {
  it('finds each again by the day that its sender signed, whenever it comes', async () => {
    const { take, clock, records } = memory();
    expect(await take(1, signed(START - 20 * DAY))).toBe('taken');
    expect(await take(2, signed(START))).toBe('taken');
    clock.advance(10 * DAY);
    expect(await take(1, signed(START - 20 * DAY))).toEqual(duplicate(1));
    expect(await take(2, signed(START))).toEqual(duplicate(2));
    expect(await take(3, signed(START))).toBe('taken');
    expect(await records()).toBe(3);
  });

  it('finds one without a time by the day of its arrival, for as long as that is remembered', async () => {
    const { take, clock } = memory();
    expect(await take(1, undated)).toBe('taken');
    clock.advance(3 * DAY);
    expect(await take(2, undated)).toBe('taken');
    expect(await take(1, undated)).toEqual(duplicate(1));
    // With a time that somebody made up for it, neither.
    expect(await take(1, signed(START))).toEqual(duplicate(1));
  });

  it('keeps one that is dated ahead of our clock under the day of its arrival', async () => {
    const { take, forget } = memory();
    expect(await take(1, signed(START + 10 * MINUTE))).toBe('taken');
    expect(await take(2, signed(START + 400 * DAY))).toBe('taken');
    expect(await take(2, signed(START + 400 * DAY))).toEqual(duplicate(2));
    // One day at a time: that of the first message, which is remembered by its own date.
    await forget(START + 46 * DAY);
    expect(await take(2, signed(START + 400 * DAY))).toEqual(duplicate(2));
    await forget(START + 46 * DAY);
    expect(await take(2, signed(START + 400 * DAY))).toBe('taken');
  });

  it('forgets days one by one when they are over their retention, and refuses what is from before', async () => {
    const { take, forget, records, clock } = memory();
    for (let day = 0; day < 3; day++) expect(await take(day, signed(START + day * DAY))).toBe('taken');
    clock.advance(45 * DAY);
    await forget(START + 45 * DAY);
    expect(await records()).toBe(3);
    expect(await take(0, signed(START))).toEqual(duplicate(0));
    expect(await take(9, signed(START - DAY))).toEqual(tooOld(9));
    clock.advance(2 * DAY);
    await forget(START + 47 * DAY);
    expect(await records()).toBe(2);
    expect(await take(0, signed(START))).toEqual(tooOld(0));
    expect(await take(2, signed(START + 2 * DAY))).toEqual(duplicate(2));
    // The time at which it was sent counts as well, and the earlier one of both.
    expect(await take(9, { signedAt: undefined, sentAt: START })).toEqual(tooOld(9));
    expect(await take(9, { signedAt: START + 47 * DAY, sentAt: START })).toEqual(tooOld(9));
    expect(await take(9, { signedAt: START, sentAt: START + 47 * DAY })).toEqual(tooOld(9));
    expect(await take(9, { signedAt: undefined, sentAt: START + 2 * DAY })).toBe('taken');
  });

  it('refuses what is from before also when nothing was remembered of those days', async () => {
    const { take, forget, clock } = memory();
    await forget(START);
    expect(await take(1, signed(START))).toBe('taken');
    clock.advance(10 * DAY);
    await forget(START + 10 * DAY);
    expect(await take(2, signed(START - 35 * DAY))).toBe('taken');
    expect(await take(3, signed(START - 36 * DAY))).toEqual(tooOld(3));
  });

  it('never goes back with the day before which all is refused, but for a clock that was ahead', async () => {
    const { take, forget } = memory();
    await take(1, signed(START));
    await forget(START);
    await forget(START - 100 * DAY);
    expect(await take(2, signed(START - 46 * DAY))).toEqual(tooOld(2));
    await forget(START + 300 * DAY);
    expect(await take(3, signed(START))).toEqual(tooOld(3));
    // Our clock shows the start: from that day on, messages are taken once time is certain again.
    await forget(START);
    expect(await take(3, signed(START))).toBe('taken');
  });

  it('forgets the oldest day when there are too many, and never the one of the message', async () => {
    const { take, records } = memory({ maxSeenMessages: 4 });
    for (const [number, day] of [
      [1, 3],
      [2, 1],
      [3, 2],
      [4, 1],
    ] as const) {
      expect(await take(number, signed(START - day * DAY))).toBe('taken');
    }
    expect(await records()).toBe(4);
    expect(await take(5, signed(START - 2 * DAY))).toBe('taken');
    expect(await records()).toBe(4);
    expect(await take(1, signed(START - 3 * DAY))).toEqual(tooOld(1));
    expect(await take(2, signed(START - DAY))).toEqual(duplicate(2));
    expect(await take(6, signed(START - 2 * DAY))).toBe('taken');
    // Their day has gone, since it was the older one.
    expect(await records()).toBe(3);
  });

  it('takes no more messages in one day than are remembered', async () => {
    const { take, records } = memory({ maxSeenMessages: 2 });
    expect(await take(1, signed(START))).toBe('taken');
    expect(await take(2, signed(START))).toBe('taken');
    expect(await take(3, signed(START))).toEqual({
      code: 'LIMIT_EXCEEDED',
      details: { what: 'messages outside of sessions in a day', limit: 2, actual: 3 },
    });
    expect(await records()).toBe(2);
  });

  it('a message from before the epoch counts as one of its first day', async () => {
    const { take } = memory();
    expect(await take(1, signed(-5 * DAY))).toBe('taken');
    expect(await take(1, signed(0))).toEqual(duplicate(1));
  });

  it('is of at most 200 days', async () => {
    const { take, records } = memory();
    for (let day = 0; day < 200; day++) expect(await take(day, signed(START - day * DAY))).toBe('taken');
    expect(await records()).toBe(200);
    expect(await take(200, signed(START - 200 * DAY))).toBe('taken');
    expect(await records()).toBe(200);
    expect(await take(199, signed(START - 199 * DAY))).toEqual(tooOld(199));
  });
});
