import { encodeUtf8 } from '@sotto/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { answerTo, askAll } from '../src/anti-entropy.js';
import { BUCKETS, MAX_CLOCK, MAX_KEY_BYTES, MAX_TIME, MAX_VALUE_BYTES } from '../src/limits.js';
import { decodePosition, encodePosition } from '../src/read-position.js';
import { compareEntries, type Entry, KIND, nameOf, Registers, STANDING, TRUST } from '../src/registers.js';
import {
  decodeSyncMessage,
  encodeSyncMessage,
  fits,
  inMessages,
  type SyncMessage,
} from '../src/sync-message.js';

const entry: fc.Arbitrary<Entry> = fc.record({
  kind: fc.integer({ min: 1, max: 9 }),
  key: fc.stringMatching(/^[a-zé]{1,20}$/u),
  time: fc.oneof(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: MAX_TIME })),
  device: fc.stringMatching(/^[abc]$/),
  value: fc.option(fc.uint8Array({ maxLength: 40 }), { nil: undefined }),
});
const of = (kind: number, value: readonly number[] | undefined, device = 'a', time = 5): Entry => ({
  kind,
  key: 'x',
  time,
  device,
  value: value && Uint8Array.from(value),
});
const counts = (a: Entry, b: Entry) => (compareEntries(a, b) > 0 ? a : b);

describe('of two entries', () => {
  it('the later one counts, and all devices choose alike', () => {
    fc.assert(
      fc.property(entry, entry, entry, (a, b, c) => {
        expect(Math.sign(compareEntries(a, b))).toBe(0 - Math.sign(compareEntries(b, a)));
        if (compareEntries(a, b) > 0 && compareEntries(b, c) > 0)
          expect(compareEntries(a, c)).toBeGreaterThan(0);
        if (a.time > b.time) expect(counts(a, b)).toBe(a);
      }),
    );
  });

  it('of the same moment, a block counts before its absence and an acceptance, whoever has set it', () => {
    const blocked = of(KIND.standing, [STANDING.blocked], 'a');
    const accepted = of(KIND.standing, [STANDING.accepted], 'z');
    const neither = of(KIND.standing, undefined, 'z');
    expect(counts(blocked, accepted)).toBe(blocked);
    expect(counts(blocked, neither)).toBe(blocked);
    expect(counts({ ...neither, device: 'a' }, accepted)).toMatchObject({ value: undefined });
  });

  it('of the same moment, different safety numbers count before a verification', () => {
    const mismatch = of(KIND.trust, [TRUST.mismatch], 'a');
    const verified = of(KIND.trust, [TRUST.verified], 'z');
    expect(counts(mismatch, verified)).toBe(mismatch);
  });
});

describe('the clock of entries', () => {
  it('follows ours, and never falls behind what was seen', () => {
    const registers = new Registers('a', 0);
    expect(registers.stamp(1, 'x', undefined, 100).time).toBe(100);
    expect(registers.stamp(1, 'x', undefined, 50).time).toBe(101);
    registers.set(of(1, [], 'b', 5_000));
    expect(registers.stamp(1, 'x', undefined, 200).time).toBe(5_001);
  });

  it('of a device that is far ahead does not keep others from changing things', () => {
    const ahead = new Registers('a', 0);
    const other = new Registers('b', 0);
    const theirs = ahead.stamp(1, 'x', encodeUtf8('theirs'), Number.MAX_VALUE);
    expect(theirs.time).toBe(MAX_CLOCK);
    other.set(theirs);
    const ours = other.stamp(1, 'x', encodeUtf8('ours'), 100);
    expect(counts(ours, theirs)).toBe(ours);
    expect(decodeSyncMessage(encodeSyncMessage({ kind: 'changes', entries: [ours], more: false }))).toEqual({
      kind: 'changes',
      entries: [ours],
      more: false,
    });
  });
});

describe('a digest', () => {
  it('is equal for equal entries, in whatever order they came, and different otherwise', () => {
    fc.assert(
      fc.property(fc.uniqueArray(entry, { selector: nameOf }), entry, (entries, another) => {
        const [a, b] = [new Registers('a', 0), new Registers('b', 0)];
        for (const one of entries) a.set(one);
        b.set({ ...another, time: 1 });
        for (const one of entries.toReversed()) b.set(one);
        if (!entries.some((one) => nameOf(one) === nameOf(another))) {
          expect(b.digest()).not.toEqual(a.digest());
          b.delete(nameOf(another));
        }
        expect(b.digest()).toEqual(a.digest());
      }),
    );
  });

  it('is answered with nothing by a device that has the same, or was not asked', () => {
    const [a, b] = [new Registers('a', 0), new Registers('b', 0)];
    a.set(of(1, []));
    b.set(of(1, []));
    const question = askAll(a) as Extract<SyncMessage, { kind: 'digest' }>;
    expect(answerTo(b, question, 'a', 'b')).toEqual([]);
    b.set(of(2, []));
    expect(answerTo(b, { ...question, to: 'c' }, 'a', 'b')).toEqual([]);
    expect(answerTo(b, { ...question, isAnswer: true }, 'a', 'b').map(({ kind }) => kind)).toEqual([
      'changes',
    ]);
    expect(answerTo(b, question, 'a', 'b')).toMatchObject([
      { kind: 'changes', entries: [of(2, [])], more: false },
      { kind: 'digest', to: 'a', isAnswer: true },
    ]);
  });

  it('is answered with the entries of the buckets that differ, some at a time', () => {
    const [a, b] = [new Registers('a', 0), new Registers('b', 0)];
    const all = Array.from({ length: 2_000 }, (_, i) => ({
      ...of(1, [1, 2, 3]),
      key: `key ${i}`,
    }));
    for (const one of all) a.set(one);
    for (const one of all.slice(1)) b.set(one);
    const question = askAll(b) as Extract<SyncMessage, { kind: 'digest' }>;
    const [changes] = answerTo(a, question, 'b', 'a');
    expect(changes?.kind === 'changes' && changes.entries.length).toBeLessThan((3 * 2_000) / BUCKETS);
    const empty = askAll(new Registers('c', 0)) as Extract<SyncMessage, { kind: 'digest' }>;
    const some = answerTo(a, empty, 'c', 'a', 2);
    expect(some.map((one) => one.kind === 'changes' && one.more)).toEqual([false, true, false]);
    expect(answerTo(a, empty, 'c', 'a').every((one) => one.kind === 'digest' || !one.more)).toBe(true);
  });

  it('that is asked again and again is answered until there is no difference', () => {
    const [a, b] = [new Registers('a', 0), new Registers('b', 0)];
    for (let i = 0; i < 10_000; i++) a.set({ ...of(1, [1, 2, 3]), key: `key ${i}` });
    for (let round = 0; round < 20; round++) {
      const question = askAll(b) as Extract<SyncMessage, { kind: 'digest' }>;
      for (const answer of answerTo(a, question, 'b', 'a', 4))
        if (answer.kind === 'changes') for (const entry of answer.entries) b.set(entry);
    }
    expect(b.size).toBe(10_000);
    expect(b.digest()).toEqual(a.digest());
  });
});

describe('when there are as many entries as fit', () => {
  it('the oldest removed one goes, and what is new has no place when there is none', () => {
    const registers = new Registers('a', 0, 3);
    for (const [i, value] of [[1], undefined, undefined].entries())
      registers.set({ ...of(1, value, 'a', 10 - i), key: `${i}` });
    const roomFor = (entry: Entry) => registers.roomFor(entry, new Set([nameOf(entry)]));
    expect(roomFor({ ...of(1, [1]), key: '0' })).toEqual([]);
    expect(roomFor({ ...of(1, [1]), key: '3' })).toEqual(['1 2']);
    // One that was removed later, but not earlier.
    expect(roomFor({ ...of(1, undefined, 'a', 9), key: '3' })).toEqual(['1 2']);
    expect(roomFor({ ...of(1, undefined, 'a', 7), key: '3' })).toBeUndefined();
    registers.delete('1 2');
    registers.delete('1 1');
    for (const key of ['3', '4']) registers.set({ ...of(1, [1]), key });
    expect(roomFor({ ...of(1, [1]), key: '5' })).toBeUndefined();
  });

  it('two devices that have no room for what the other one has removed stop to send it', () => {
    const most = 500;
    const [a, b] = [new Registers('a', 0, most), new Registers('b', 0, most)];
    for (let i = 0; i < most; i++) {
      a.set({ ...of(1, undefined, 'a', 2 * i + 1), key: `${'long '.repeat(20)}a ${i}` });
      b.set({ ...of(1, undefined, 'b', 2 * i + 2), key: `${'long '.repeat(20)}b ${i}` });
    }
    const take = (to: Registers, entries: readonly Entry[]) => {
      let news = 0;
      for (const entry of entries.filter((one) => to.isNews(one))) {
        const room = to.roomFor(entry, new Set([nameOf(entry)]));
        for (const name of room ?? []) to.delete(name);
        if (room !== undefined) to.set(entry);
        news += Number(room !== undefined);
      }
      return news;
    };
    const ask = (from: Registers, to: Registers) => {
      const question = askAll(from) as Extract<SyncMessage, { kind: 'digest' }>;
      return answerTo(to, question, '', 'x', 1).flatMap((one) =>
        one.kind === 'changes' ? take(from, one.entries) : [],
      );
    };
    let rounds = 0;
    while (rounds < 15 && [...ask(a, b), ...ask(b, a)].some((news) => news > 0)) rounds++;
    expect(rounds).toBeLessThan(15);
  });
});

describe('a message', () => {
  it('says what was put into it, and fits into the limit', () => {
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 60 }), fc.boolean(), (entries, more) => {
        const message = { kind: 'changes', entries, more } as const;
        expect(decodeSyncMessage(encodeSyncMessage(message))).toEqual(message);
      }),
    );
    const long = Array.from({ length: 50 }, () => ({
      ...of(6, undefined),
      key: 'k'.repeat(MAX_KEY_BYTES),
      device: 'd'.repeat(256),
      value: new Uint8Array(MAX_VALUE_BYTES),
    }));
    expect(long.every(fits)).toBe(true);
    const parts = inMessages(long);
    expect(parts.flat()).toEqual(long);
    for (const entries of parts) {
      const encoded = encodeSyncMessage({ kind: 'changes', entries, more: true });
      expect(encoded.length).toBeLessThanOrEqual(16_384);
      expect(decodeSyncMessage(encoded)).toMatchObject({ more: true });
    }
    const digest = askAll(new Registers('a', 0));
    expect(decodeSyncMessage(encodeSyncMessage(digest))).toEqual(digest);
  });

  it('of a read position is read, and of anything else nothing, whatever bytes it has', () => {
    const position = { id: 'a1'.repeat(16), sentAt: 7 };
    const bytes = encodePosition(position);
    expect(decodePosition(bytes)).toEqual(position);
    for (const at of bytes.keys()) {
      const damaged = bytes.slice();
      damaged[at] = 255;
      expect(decodePosition(damaged)).toBeUndefined();
    }
    const longest = encodePosition({ id: 'a1'.repeat(32), sentAt: Number.MAX_SAFE_INTEGER });
    expect(decodePosition(longest)).toEqual({ id: 'a1'.repeat(32), sentAt: Number.MAX_SAFE_INTEGER });
    expect(decodePosition(Uint8Array.of(...longest, 48))).toBeUndefined();
    expect(decodePosition(new Uint8Array(4096))).toBeUndefined();
  });

  it('of any bytes, or damaged, is read or refused, without another error', () => {
    const read = (bytes: Uint8Array) => {
      try {
        decodeSyncMessage(bytes);
      } catch (error) {
        expect(error).toMatchObject({ code: expect.stringMatching(/^(MALFORMED_MESSAGE|LIMIT_EXCEEDED)$/) });
      }
    };
    fc.assert(fc.property(fc.uint8Array({ maxLength: 80 }), read));
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 5 }), fc.nat(), fc.nat(255), (entries, at, value) => {
        const damaged = encodeSyncMessage({ kind: 'changes', entries, more: false });
        damaged[at % Math.max(1, damaged.length)] = value;
        read(damaged);
        read(damaged.subarray(0, at % Math.max(1, damaged.length)));
      }),
    );
  });

  it.each<readonly [string, SyncMessage]>([
    ['without a device', { kind: 'changes', entries: [of(1, [], '')], more: false }],
    ['without a kind', { kind: 'changes', entries: [of(0, [])], more: false }],
    ['without a time', { kind: 'changes', entries: [of(1, [], 'a', 0)], more: false }],
    [
      'of a time to which nothing is later',
      { kind: 'changes', entries: [of(1, [], 'a', 2 ** 53)], more: false },
    ],
    [
      'of a long value',
      { kind: 'changes', entries: [of(1, Array(MAX_VALUE_BYTES + 1).fill(0))], more: false },
    ],
    ['of a short digest', { kind: 'digest', buckets: new Uint8Array(8), to: '', isAnswer: false }],
  ])('%s is refused', (_, message) => {
    expect(() => decodeSyncMessage(encodeSyncMessage(message))).toThrow(
      expect.objectContaining({ code: expect.stringMatching(/^(MALFORMED_MESSAGE|LIMIT_EXCEEDED)$/) }),
    );
  });
});
