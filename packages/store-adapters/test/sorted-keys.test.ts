import fc from 'fast-check';
import { expect, it } from 'vitest';
import { SortedKeys } from '../src/sorted-keys.js';

it('returns every range in order, whatever was added and removed', () => {
  const key = fc.integer({ min: 0, max: 3000 }).map((n) => `k${n}`);
  const step = fc.record({
    first: fc.integer({ min: 0, max: 3000 }),
    count: fc.integer({ min: 1, max: 900 }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12 }), key, key, (steps, from, below) => {
      const keys = new SortedKeys();
      const model = new Set<string>();
      // Each step flips a run of keys, so that blocks fill, halve and empty.
      for (const { first, count } of steps) {
        for (let n = first; n < first + count; n++) {
          const flipped = `k${(n * 7919) % 3001}`;
          if (model.delete(flipped)) keys.remove(flipped);
          else {
            model.add(flipped);
            keys.add(flipped);
          }
        }
      }
      const sorted = [...model].sort();
      expect([...keys.range('', '\x7f')]).toEqual(sorted);
      expect([...keys.range(from, below)]).toEqual(sorted.filter((one) => one >= from && one < below));
    }),
    { numRuns: 60 },
  );
});
