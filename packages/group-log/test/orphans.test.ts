import { describe, expect, it } from 'vitest';
import type { ParsedChange } from '../src/change.js';
import { type Orphan, Orphans } from '../src/orphans.js';

/** A change that waits, of some bytes, from a sender. */
const orphan = (id: string, sender = 'ann', bytes = 10): Orphan => ({
  sender,
  change: { id, encoded: new Uint8Array(bytes) } as ParsedChange,
});
const limits = { orphansOfSender: 3, orphanBytesOfSender: 100, orphans: 5, orphanBytes: 200 };
const show = (orphans: Orphans) => orphans.all.map(({ change, sender }) => `${change.id} ${sender}`);
const from = (...list: readonly Orphan[]) =>
  list.reduce(
    (all, one) =>
      all.with([one], {
        ...limits,
        orphansOfSender: 99,
        orphans: 99,
        orphanBytes: 9999,
        orphanBytesOfSender: 9999,
      }).orphans,
    Orphans.none,
  );

describe('changes that wait for their ancestors', () => {
  it('are kept in order of arrival, each once of a sender', () => {
    const { orphans, kept } = Orphans.none.with([orphan('a'), orphan('b'), orphan('a')], limits);
    expect(show(orphans)).toEqual(['a ann', 'b ann']);
    expect([...kept]).toEqual(['a', 'b']);
    const again = orphans.with([orphan('b'), orphan('b', 'bob')], limits);
    expect(show(again.orphans)).toEqual(['a ann', 'b ann', 'b bob']);
    expect([...again.kept]).toEqual(['b']);
    expect(orphans.size).toBe(2);
    expect(Orphans.none.size).toBe(0);
  });

  it('of one sender are so many, and of so many bytes', () => {
    const many = Orphans.none.with(
      ['a', 'b', 'c', 'd'].map((id) => orphan(id)),
      limits,
    );
    expect([show(many.orphans), [...many.kept]]).toEqual([
      ['a ann', 'b ann', 'c ann'],
      ['a', 'b', 'c'],
    ]);
    // What is there already needs no room.
    expect([...many.orphans.with([orphan('c'), orphan('e')], limits).kept]).toEqual(['c']);
    const large = Orphans.none.with(
      [orphan('a', 'ann', 60), orphan('b', 'ann', 41), orphan('c', 'ann', 40)],
      limits,
    );
    expect([show(large.orphans), [...large.kept]]).toEqual([
      ['a ann', 'c ann'],
      ['a', 'c'],
    ]);
    expect(show(large.orphans.with([orphan('d', 'bob', 100)], limits).orphans)).toEqual([
      'a ann',
      'c ann',
      'd bob',
    ]);
  });

  it('of all senders are so many: the oldest go', () => {
    const before = from(orphan('a'), orphan('b', 'bob'), orphan('c', 'bob'), orphan('d', 'cid'));
    const one = before.with([orphan('e', 'dan')], limits);
    expect(show(one.orphans)).toHaveLength(5);
    const two = one.orphans.with([orphan('f', 'dan'), orphan('g', 'dan')], limits);
    expect(show(two.orphans)).toEqual(['c bob', 'd cid', 'e dan', 'f dan', 'g dan']);
    expect([...two.kept]).toEqual(['f', 'g']);
  });

  it('of all senders have so many bytes: the oldest go', () => {
    const before = from(orphan('a', 'ann', 90), orphan('b', 'bob', 60));
    const fits = before.with([orphan('c', 'cid', 50)], limits);
    expect(show(fits.orphans)).toEqual(['a ann', 'b bob', 'c cid']);
    const over = before.with([orphan('c', 'cid', 51)], limits);
    expect(show(over.orphans)).toEqual(['b bob', 'c cid']);
    expect([...over.kept]).toEqual(['c']);
  });

  it('that go to make room for others of their sender are not said to be kept', () => {
    const own = from(
      orphan('a', 'dan'),
      orphan('b', 'cid'),
      orphan('c', 'cid'),
      orphan('d', 'cid'),
      orphan('e', 'bob'),
    );
    const { orphans, kept } = own.with([orphan('a', 'dan'), orphan('f', 'dan')], limits);
    expect(show(orphans)).toEqual(['b cid', 'c cid', 'd cid', 'e bob', 'f dan']);
    expect([...kept]).toEqual(['f']);
  });

  it('are taken out by id, of whatever sender, or one by one', () => {
    const all = from(orphan('a'), orphan('a', 'bob'), orphan('b'));
    expect(show(all.without(new Set(['a', 'x'])))).toEqual(['b ann']);
    expect(all.without(new Set())).toBe(all);
    expect(Orphans.none.without(new Set(['a']))).toBe(Orphans.none);
    expect(show(all.except(all.all[1]!))).toEqual(['a ann', 'b ann']);
    expect(all.except(orphan('a'))).toBe(all);
  });
});
