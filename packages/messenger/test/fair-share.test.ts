import fc from 'fast-check';
import { expect, it } from 'vitest';
import { beyondLimit, type Kept } from '../src/groups/fair-share.js';

/** "g/a:3" is of sender a in group g, of size 3. */
const kept = (...names: readonly string[]): readonly Kept[] =>
  names.map((name) => {
    const [, groupId = '', sender = '', size] = /^(.)\/(.):(\d+)$/.exec(name) ?? [];
    return { of: [groupId, sender] as const, size: Number(size) };
  });
const namesOf = (gone: readonly Kept[]) => gone.map(({ of, size }) => `${of.join('/')}:${size}`);

it('keeps all that fits, to the last byte', () => {
  expect(beyondLimit(kept('g/a:3', 'g/b:4'), 7)).toEqual([]);
  expect(beyondLimit([], 0)).toEqual([]);
});

it('lets the oldest go of the sender who has most, in the group that has most', () => {
  const all = kept('g/a:2', 'h/c:3', 'g/b:1', 'g/a:2', 'g/b:2');
  expect(namesOf(beyondLimit(all, 9))).toEqual(['g/a:2']);
  // Then both have as much in it: the one who was first.
  expect(namesOf(beyondLimit(all, 7))).toEqual(['g/a:2', 'g/b:1']);
  // And then the other group has as much as this one.
  expect(namesOf(beyondLimit(all, 6))).toEqual(['g/a:2', 'g/b:1', 'g/a:2']);
  expect(namesOf(beyondLimit(all, 4))).toEqual(['g/a:2', 'g/b:1', 'g/a:2', 'h/c:3']);
});

it('lets everything go, and no more, when nothing may be kept', () => {
  const all = kept('g/a:2', 'h/c:3');
  expect(new Set(beyondLimit(all, 0))).toEqual(new Set(all));
  expect(new Set(beyondLimit(all, -1))).toEqual(new Set(all));
  expect(beyondLimit([], -1)).toEqual([]);
});

it('never takes from a group that has less than the one that grows, nor more than it must', () => {
  const one = fc.record({
    of: fc.tuple(fc.constantFrom('g', 'h', 'i'), fc.constantFrom('a', 'b', 'c')),
    size: fc.integer({ min: 1, max: 50 }),
  });
  fc.assert(
    fc.property(fc.array(one, { maxLength: 40 }), fc.nat(600), (all, most) => {
      const gone = beyondLimit(all, most);
      const sum = (some: readonly Kept[]) => some.reduce((bytes, { size }) => bytes + size, 0);
      const left = all.filter((each) => !gone.includes(each));
      expect(new Set(gone).size).toBe(gone.length);
      expect(sum(left)).toBeLessThanOrEqual(most);
      const last = gone.at(-1);
      if (last === undefined) return;
      expect(sum(left) + last.size).toBeGreaterThan(most);
      const ofGroup = ([group]: Kept['of']) => sum([...left, last].filter(({ of }) => of[0] === group));
      for (const { of } of left) expect(ofGroup(last.of)).toBeGreaterThanOrEqual(ofGroup(of));
      // Of one sender in a group the oldest go.
      for (const each of left) {
        const later = gone.filter(({ of }) => `${of}` === `${each.of}`);
        for (const other of later) expect(all.indexOf(other)).toBeLessThan(all.indexOf(each));
      }
    }),
  );
});
