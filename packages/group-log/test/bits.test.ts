import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  addBits,
  allBits,
  clearBit,
  copyBits,
  differing,
  eachBit,
  hasBit,
  newBits,
  setBit,
} from '../src/bits.js';

const numbers = fc.uniqueArray(fc.nat(200), { maxLength: 60 });
const sorted = (list: Iterable<number>) => [...list].sort((a, b) => a - b);

function bitsOf(list: readonly number[], length = 201) {
  const bits = newBits(length);
  for (const one of list) setBit(bits, one);
  return bits;
}

describe('a set of numbers as bits', () => {
  it('has what was put in and not taken out, in ascending order', () => {
    fc.assert(
      fc.property(numbers, numbers, (some, gone) => {
        const bits = bitsOf(some);
        for (const one of gone) clearBit(bits, one);
        const expected = some.filter((one) => !gone.includes(one));
        expect([...eachBit(bits)]).toEqual(sorted(expected));
        expect(Array.from({ length: 201 }, (_, one) => one).filter((one) => hasBit(bits, one))).toEqual(
          sorted(expected),
        );
      }),
    );
  });

  it('is joined with another one, and compared with it', () => {
    fc.assert(
      fc.property(numbers, numbers, (some, others) => {
        const bits = bitsOf(some);
        addBits(bits, bitsOf(others, Math.max(0, ...others) + 1));
        expect([...eachBit(bits)]).toEqual(sorted(new Set([...some, ...others])));
        const [a, b] = [bitsOf(some), bitsOf(others, Math.max(0, ...others) + 1)];
        const odd = sorted([...some, ...others].filter((one) => some.includes(one) !== others.includes(one)));
        expect([...eachBit(differing(a, b))]).toEqual(odd);
        expect([...eachBit(differing(b, a))]).toEqual(odd);
      }),
    );
  });

  it('is copied with more room or less', () => {
    const bits = bitsOf([0, 31, 32, 63, 64], 65);
    const larger = copyBits(bits, 200);
    setBit(larger, 199);
    expect([...eachBit(larger)]).toEqual([0, 31, 32, 63, 64, 199]);
    expect([...eachBit(copyBits(bits, 64))]).toEqual([0, 31, 32, 63]);
    expect([...eachBit(bits)]).toEqual([0, 31, 32, 63, 64]);
  });

  it.each([0, 1, 31, 32, 33, 64, 65])('of all numbers below %i has exactly these', (length) => {
    expect([...eachBit(allBits(length))]).toEqual(Array.from({ length }, (_, i) => i));
    expect(newBits(length).length).toBe(Math.ceil(length / 32));
  });

  it('has nothing beyond its room', () => {
    expect(hasBit(newBits(5), 500)).toBe(false);
  });
});
