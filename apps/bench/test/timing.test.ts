import { createPortableProvider } from '@sotto/crypto';
import { dice } from '@sotto/testing/fuzz';
import { expect, it } from 'vitest';
import { measureLeakage } from '../src/timing/leakage.js';
import { operationsOf } from '../src/timing/operations.js';
import { Moments, welch } from '../src/timing/welch.js';

function momentsOf(...values: readonly number[]): Moments {
  const moments = new Moments();
  for (const value of values) moments.add(value);
  return moments;
}

it('computes mean, variance and Welch’s t', () => {
  const one = momentsOf(27.5, 21, 19, 23.6, 17, 17.9, 16.9, 20.1, 21.9, 22.6, 23.1, 19.6, 19, 21.7, 21.4);
  const other = momentsOf(
    27.1,
    22,
    20.8,
    23.4,
    23.4,
    23.5,
    25.8,
    22,
    24.8,
    20.2,
    21.9,
    22.1,
    22.9,
    30.5,
    24.6,
  );
  expect(one.mean).toBeCloseTo(20.82, 2);
  expect(one.variance).toBeCloseTo(7.866, 2);
  expect(welch(one, other)).toBeCloseTo(-2.864, 2);
  expect(welch(momentsOf(1), other)).toBe(0);
});

it('finds a class that takes longer, and only that', () => {
  const roll = dice(1);
  const differenceOf = (longer: number) => {
    let now = 0n;
    const operation = {
      what: 'a double',
      classes: 'one, the other',
      prepare: (isSecond: boolean) => () => {
        now += BigInt(1_000 + roll(100) + (isSecond ? longer : 0));
      },
    };
    const random = () => roll(2 ** 20) / 2 ** 20;
    return measureLeakage(operation, { milliseconds: 5, random, now: () => now });
  };
  expect(differenceOf(0).t).toBeLessThan(4.5);
  expect(differenceOf(20).t).toBeGreaterThan(10);
  expect(differenceOf(20).difference).toBeCloseTo(0.02, 2);
});

it('has operations that run', () => {
  for (const operation of operationsOf(createPortableProvider()))
    for (const isSecond of [false, true]) expect(operation.prepare(isSecond)()).toBeDefined();
});
