import { expectRejection, expectSame, expectThat } from '../support/expectations.js';
import { onStore, type StoreCase, withStore } from './store-case.js';
import { contents, put, remove } from './writes.js';

/**
 * Relaxed commits, which a store without `sync` may make strictly. That no power cut undoes a strict one is not for a test: no case
 * can cut the power.
 */
export function durabilityCases(durable: boolean): readonly StoreCase[] {
  const relaxed = { durability: 'relaxed' } as const;
  const cases = [
    onStore(
      'durability: a relaxed commit is there at once, whole, and refused as a strict one is',
      async (store) => {
        const first = await store.commit([put('a', '1'), put('b', '1')], relaxed);
        const second = await store.commit([put('a', '2', first), remove('b', first)], relaxed);
        expectThat(second > first, `revision ${second} is greater than ${first}`);
        expectSame(await contents(store), [`a=2@${second}`], 'after two relaxed commits');
        const stale = store.commit([put('c', 'x'), put('a', 'x', first)], relaxed);
        await expectRejection(stale, 'STORE_CONFLICT', 'a stale relaxed commit');
        expectSame(await contents(store), [`a=2@${second}`], 'after the refusal');
      },
    ),

    onStore(
      'durability: relaxed and strict commits follow one another, and sync changes nothing',
      async (store) => {
        let last = 0;
        for (const durability of ['relaxed', 'strict', 'relaxed', 'relaxed', 'strict'] as const) {
          last = await store.commit([put('a', String(last)), put(`after ${last}`, durability)], {
            durability,
          });
          const before = await contents(store);
          await store.sync?.();
          expectSame(await contents(store), before, 'after sync');
        }
      },
    ),

    onStore('durability: sync of a closed store is CLOSED', async (store) => {
      if (store.sync === undefined) return;
      await store.close();
      await expectRejection(store.sync(), 'CLOSED', 'sync');
    }),
  ];
  if (!durable) return cases;
  return [
    ...cases,
    {
      name: 'durability: what was committed relaxed is there when the store was closed',
      async run(fixture) {
        const before = await withStore(fixture, async (store) => {
          await store.commit([put('a', '1'), put('b', '1')]);
          await store.commit([put('a', '2'), remove('b'), put('c', '2')], relaxed);
          return contents(store);
        });
        await withStore(fixture, async (store) =>
          expectSame(await contents(store), before, 'after reopening'),
        );
      },
    },
  ];
}
