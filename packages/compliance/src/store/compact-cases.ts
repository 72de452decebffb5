import { expectRejection, expectSame } from '../support/expectations.js';
import { onStore, type StoreCase } from './store-case.js';
import { contents, digits, put, remove } from './writes.js';

/** Compacting, where a store offers it: nothing that can be read changes. */
export function compactCases(): readonly StoreCase[] {
  return [
    onStore('compact: nothing that can be read changes', async (store) => {
      if (!store.compact) return;
      await store.compact();
      const revision = await store.commit(Array.from({ length: 100 }, (_, i) => put(digits(i), 'x')));
      await store.commit(Array.from({ length: 90 }, (_, i) => remove(digits(i))));
      const changed = await store.commit([put(digits(95), 'y')]);
      const before = await contents(store);
      await store.compact();
      await store.compact();
      expectSame(await contents(store), before, 'after compacting');
      await store.commit([put(digits(96), 'z', revision), put(digits(95), 'z', changed)]);
      expectSame((await contents(store)).length, 10, 'records after a commit that expects old revisions');
    }),

    onStore('compact: while others read and write', async (store) => {
      if (!store.compact) return;
      await store.commit(Array.from({ length: 100 }, (_, i) => put(digits(i), 'x')));
      const before = await contents(store);
      const [listed] = await Promise.all([
        contents(store),
        store.compact(),
        store.commit([remove(digits(0))]),
        store.compact(),
        store.get(digits(1)),
      ]);
      expectSame(listed, before, 'a listing that began before');
      expectSame((await contents(store)).length, 99, 'records afterwards');
    }),

    onStore('compact: after closing it is refused with CLOSED', async (store) => {
      if (!store.compact) return;
      await store.close();
      await expectRejection(store.compact(), 'CLOSED', 'compact');
    }),
  ];
}
