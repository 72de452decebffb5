import { describe, expect, it } from 'vitest';
import { createFaultyStore, type FaultPlan } from '../src/faulty-store.js';
import { contents, listKeys, put } from '../src/store/writes.js';
import { storeCases } from '../src/store.js';
import { createFixture, Disk, ReferenceStore } from './reference-store.js';

/** Whether a promise has settled once everything that was ready to run has run. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  const pending = Symbol('pending');
  const ready = new Promise((resolve) => setImmediate(() => resolve(pending)));
  return (
    (await Promise.race([
      promise.then(
        () => true,
        () => true,
      ),
      ready,
    ])) !== pending
  );
}

describe('without a plan', () => {
  it.each(storeCases({ records: 1000 }))('is as good as the store underneath: $name', ({ run }) => {
    const place = createFixture(ReferenceStore);
    return run({ open: async () => createFaultyStore(await place.open()) });
  });

  it('counts commits, refused ones too', async () => {
    const store = createFaultyStore(new ReferenceStore(new Disk()));
    await store.commit([put('a', '1')]);
    await expect(store.commit([put('a', '1', 'absent')])).rejects.toMatchObject({ code: 'STORE_CONFLICT' });
    expect(store.commits).toBe(2);
  });
});

describe('a commit that fails', () => {
  it.each([
    { moment: 'before', expected: ['a', 'c'] },
    { moment: 'after', expected: ['a', 'b', 'c'] },
  ] as const)('$moment it took effect', async ({ moment, expected }) => {
    const store = createFaultyStore(new ReferenceStore(new Disk()), { commit: 2, moment, effect: 'fail' });
    await store.commit([put('a', '1')]);
    await expect(store.commit([put('b', '2')])).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    await store.commit([put('c', '3')]);
    expect(await listKeys(store, '')).toEqual(expected);
  });
});

describe('a process killed in a commit', () => {
  it.each([
    { moment: 'before', expected: ['a=1@1'] },
    { moment: 'after', expected: ['a=1@1', 'b=2@2'] },
  ] as const)('$moment it took effect', async ({ moment, expected }) => {
    const disk = new Disk();
    const underneath = new ReferenceStore(disk);
    const struck: string[] = [];
    const plan: FaultPlan = { commit: 2, moment, effect: 'kill', onKill: () => struck.push('killed') };
    const store = createFaultyStore(underneath, plan);
    await store.commit([put('a', '1')]);
    const listing = store.list('')[Symbol.asyncIterator]();
    const fatal = store.commit([put('b', '2')]);
    const atOnce = store.commit([put('c', '3')]);
    await store.killed;
    const later = [store.get('a'), store.commit([put('d', '4')]), store.close(), listing.next(), fatal];
    expect(await Promise.all(later.map(isSettled))).toEqual([false, false, false, false, false]);
    expect(await isSettled(atOnce)).toBe(false);
    expect(struck).toEqual(['killed']);
    const survived = await contents(createFaultyStore(underneath));
    expect(survived.filter((entry) => !entry.startsWith('c='))).toEqual(expected);
  });
});
