import { isSottoError } from '@sotto/core';
import { expectRejection, expectSame, expectThat } from '../support/expectations.js';
import { onStore, type StoreCase, type StoreFixture, withStore } from './store-case.js';
import { digits, listKeys, put } from './writes.js';

/** Closing, also with calls in progress. */
export function closeCases(durable: boolean): readonly StoreCase[] {
  return [
    onStore('close: every call afterwards is refused with CLOSED', async (store) => {
      await store.commit([put('a', '1')]);
      await store.close();
      await expectRejection(store.get('a'), 'CLOSED', 'get');
      await expectRejection(store.commit([put('b', '2')]), 'CLOSED', 'commit');
      await expectRejection(store.commit([]), 'CLOSED', 'empty commit');
      await expectRejection(listKeys(store, ''), 'CLOSED', 'list');
      await expectRejection(listKeys(store, 'nothing here'), 'CLOSED', 'list of nothing');
    }),

    onStore('close: twice, sequentially and concurrently', async (store) => {
      await Promise.all([store.close(), store.close()]);
      await store.close();
    }),

    {
      name: 'close: calls in progress either succeed or are refused with CLOSED',
      async run(fixture: StoreFixture) {
        const store = await fixture.open();
        const outcomes = Promise.all(
          Array.from({ length: 50 }, (_, i) =>
            doneOrClosed(store.commit([put(`a${digits(i)}`, 'x'), put(`b${digits(i)}`, 'x')])),
          ),
        );
        const reads = Promise.all(Array.from({ length: 20 }, () => doneOrClosed(store.get('a'))));
        const listing = doneOrClosed(listKeys(store, ''));
        const [done] = await Promise.all([outcomes, reads, listing, store.close()]);
        const stored = done.flatMap((resolved, i) => (resolved ? [digits(i)] : []));
        if (!durable) return;
        await withStore(fixture, async (reopened) => {
          for (const half of ['a', 'b']) {
            const keys = await listKeys(reopened, half);
            expectSame(
              keys,
              stored.map((i) => half + i),
              `records "${half}" of the commits that resolved`,
            );
          }
        });
      },
    },

    onStore('close: does not wait for an unread listing, and ends it', async (store) => {
      await store.commit(Array.from({ length: 300 }, (_, i) => put(digits(i), 'x')));
      const iteration = store.list('')[Symbol.asyncIterator]();
      expectSame((await iteration.next()).value?.key, digits(0), 'first key');
      await store.close();
      const rest = (async () => {
        let step = await iteration.next();
        while (!step.done) step = await iteration.next();
      })();
      await expectRejection(rest, 'CLOSED', 'the rest of the listing');
    }),
  ];
}

async function doneOrClosed(call: Promise<unknown>): Promise<boolean> {
  try {
    await call;
    return true;
  } catch (error) {
    expectThat(
      isSottoError(error, 'CLOSED'),
      'a call under way while closing resolves or rejects with CLOSED',
    );
    return false;
  }
}
