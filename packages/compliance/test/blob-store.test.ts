import { describe, expect, it } from 'vitest';
import { blobStoreCases } from '../src/blob-store.js';
import { brokenBlobStores, shelfFixture } from './broken-blob-stores.js';

const cases = blobStoreCases({ interruptible: true });

describe('a store of blobs that keeps every promise', () => {
  it.each(cases)('$name', ({ run }) => run(shelfFixture()));
});

describe('a store of blobs broken on purpose', () => {
  const catches = brokenBlobStores.flatMap(({ fault, caughtBy, Store }) =>
    caughtBy.map((name) => ({ fault, name, Store })),
  );
  it.each(catches)('that $fault is caught by "$name"', async ({ name, Store }) => {
    const caught = cases.find((one) => one.name === name);
    expect(caught).toBeDefined();
    await expect(caught?.run(shelfFixture(Store))).rejects.toThrow(/./);
  });

  it('exists for every case', () => {
    const needed = new Set(brokenBlobStores.flatMap(({ caughtBy }) => caughtBy));
    expect(cases.map(({ name }) => name).filter((name) => !needed.has(name))).toEqual([]);
    expect(new Set(cases.map(({ name }) => name)).size).toBe(cases.length);
  });
});
