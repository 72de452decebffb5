import { describe, expect, it } from 'vitest';
import { storeCases } from '../src/store.js';
import { brokenStores } from './broken-stores.js';
import { createFixture, ReferenceStore } from './reference-store.js';

const cases = storeCases();

describe('a store that keeps every promise', () => {
  it.each(cases)('$name', ({ run }) => run(createFixture(ReferenceStore)), 60_000);

  it('has fewer cases to pass when it is volatile and shared', () => {
    const names = storeCases({ durable: false }).map(({ name }) => name);
    expect(names.length).toBeGreaterThan(30);
    expect(names.filter((name) => /^(reopen|lock):/.test(name))).toEqual([]);
    expect(storeCases({ durable: false, exclusive: true }).length).toBe(names.length + 2);
  });
});

describe('a store broken on purpose', () => {
  it.each(
    brokenStores.flatMap(({ fault, caughtBy, ...store }) =>
      caughtBy.map((name) => ({ fault, name, ...store })),
    ),
  )(
    'that $fault is caught by "$name"',
    async ({ name, createFixture }) => {
      const caught = cases.find((one) => one.name === name);
      await expect(caught?.run(createFixture())).rejects.toThrow();
    },
    60_000,
  );

  it('exists for every case', () => {
    const needed = new Set(brokenStores.flatMap(({ caughtBy }) => caughtBy));
    expect(cases.map(({ name }) => name).filter((name) => !needed.has(name))).toEqual([]);
    expect(new Set(cases.map(({ name }) => name)).size).toBe(cases.length);
  });
});
