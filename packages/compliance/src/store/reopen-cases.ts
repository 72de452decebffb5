import { expectBytes, expectRejection, expectSame, expectThat } from '../support/expectations.js';
import { type StoreCase, withStore } from './store-case.js';
import { contents, listKeys, patternBytes, put, remove } from './writes.js';

/** What survives closing and reopening a store. */
export function reopenCases(): readonly StoreCase[] {
  return [
    {
      name: 'reopen: records, values and revisions are as they were',
      async run(fixture) {
        const before = await withStore(fixture, async (store) => {
          await store.commit([put('a', '1'), put('b', '1'), put('c', '')]);
          await store.commit([put('a', '2'), remove('b')]);
          return contents(store);
        });
        for (let round = 0; round < 3; round++) {
          await withStore(fixture, async (store) =>
            expectSame(await contents(store), before, 'after reopening'),
          );
        }
      },
    },
    {
      name: 'reopen: 64 KiB values are as they were',
      async run(fixture) {
        await withStore(fixture, (store) =>
          store.commit(
            [0, 1, 2, 3].map((i) => ({ type: 'put', key: `k${i}`, value: patternBytes(65_536, i) })),
          ),
        );
        await withStore(fixture, async (store) => {
          for (const i of [0, 1, 2, 3]) {
            expectBytes((await store.get(`k${i}`))?.value, patternBytes(65_536, i), `value ${i}`);
          }
        });
      },
    },
    {
      name: 'reopen: revisions go on growing, also when what had the last one is gone',
      async run(fixture) {
        let last = 0;
        const dead: number[] = [];
        for (let round = 0; round < 5; round++) {
          await withStore(fixture, async (store) => {
            const made = await store.commit([put('a', 'x', 'absent')]);
            expectThat(made > last, `revision ${made} is greater than ${last}, used before reopening`);
            for (const old of dead) {
              await expectRejection(
                store.commit([remove('a', old)]),
                'STORE_CONFLICT',
                'a revision of a former life',
              );
            }
            dead.push(made);
            last = await store.commit([remove('a', made)]);
          });
        }
      },
    },
    {
      name: 'reopen: what was expected before still is, what was refused stays out',
      async run(fixture) {
        const first = await withStore(fixture, async (store) => {
          const revision = await store.commit([put('a', '1')]);
          await expectRejection(
            store.commit([put('b', 'x'), put('a', 'x', 'absent')]),
            'STORE_CONFLICT',
            'a stale put',
          );
          return revision;
        });
        await withStore(fixture, async (store) => {
          expectSame(await listKeys(store, ''), ['a'], 'keys after reopening');
          await expectRejection(
            store.commit([put('a', 'x', first + 1)]),
            'STORE_CONFLICT',
            'another revision',
          );
          await store.commit([put('a', '2', first)]);
        });
      },
    },
  ];
}

/** One writer at a time. */
export function lockCases(): readonly StoreCase[] {
  return [
    {
      name: 'lock: the second is refused with STORE_LOCKED, and the first is unaffected',
      async run(fixture) {
        const first = await withStore(fixture, async (store) => {
          const revision = await store.commit([put('a', '1')]);
          for (let attempt = 0; attempt < 3; attempt++) {
            await expectRejection(fixture.open(), 'STORE_LOCKED', 'opening what is open');
          }
          expectSame(await contents(store), [`a=1@${revision}`], 'what the first one sees');
          return store.commit([put('a', '2', revision)]);
        });
        await withStore(fixture, async (store) => {
          expectSame(await contents(store), [`a=2@${first}`], 'what the next one sees after closing');
        });
      },
    },
    {
      name: 'lock: of many that open concurrently, one succeeds',
      async run(fixture) {
        const attempts = await Promise.allSettled(Array.from({ length: 8 }, () => fixture.open()));
        const opened = attempts.flatMap((attempt) => (attempt.status === 'fulfilled' ? [attempt.value] : []));
        await Promise.all(opened.map((store) => store.close()));
        expectSame(opened.length, 1, 'stores opened');
        for (const attempt of attempts) {
          if (attempt.status === 'rejected') {
            await expectRejection(Promise.reject(attempt.reason), 'STORE_LOCKED', 'opening at once');
          }
        }
      },
    },
  ];
}
