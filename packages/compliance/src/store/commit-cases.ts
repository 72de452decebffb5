import type { Write } from '@sotto/core';
import { expectRejection, expectSame, expectThat } from '../support/expectations.js';
import { onStore, type StoreCase } from './store-case.js';
import { check, contents, put, remove } from './writes.js';

/** The atomic commit with expected revisions. */
export function commitCases(): readonly StoreCase[] {
  return [
    onStore('commit: what is expected and found is stored', async (store) => {
      const first = await store.commit([put('a', '1', 'absent'), put('b', '1')]);
      const second = await store.commit([put('a', '2', first), remove('b', first), check('c', 'absent')]);
      expectSame(await contents(store), [`a=2@${second}`], 'after a put, a delete and a check that all fit');
      await store.commit([check('a', second), put('c', '3')]);
      expectSame((await store.get('a'))?.revision, second, 'revision of a record that was only checked');
    }),

    onStore('commit: a stale revision is refused, for every kind of write', async (store) => {
      const first = await store.commit([put('a', '1'), put('b', '1')]);
      const second = await store.commit([put('a', '2')]);
      const before = await contents(store);
      const stale: Write[] = [
        put('a', 'x', first),
        remove('a', first),
        check('a', first),
        put('a', 'x', 'absent'),
        remove('a', 'absent'),
        check('a', 'absent'),
        put('c', 'x', first),
        remove('c', first),
        check('c', first),
        put('a', 'x', second + 1),
      ];
      for (const write of stale) {
        const what = `${write.type} of "${write.key}" expecting ${write.expect}`;
        const refusal = await store.commit([write]).then(
          () => undefined,
          (error) => error,
        );
        await expectRejection(
          refusal === undefined ? Promise.resolve() : Promise.reject(refusal),
          'STORE_CONFLICT',
          what,
        );
        expectSame(refusal.details, { key: write.key }, `details of the refused ${what}`);
      }
      expectSame(await contents(store), before, 'after the refusals');
    }),

    onStore('commit: one stale write among many, wherever it stands, refuses them all', async (store) => {
      const first = await store.commit(['a', 'b', 'c', 'd'].map((key) => put(key, '1')));
      await store.commit([put('d', '2')]);
      const before = await contents(store);
      const good = [
        put('a', 'x'),
        put('new', 'x', 'absent'),
        remove('b', first),
        remove('c'),
        check('a2', 'absent'),
      ];
      for (const stale of [put('d', 'x', first), remove('d', first), check('d', first)]) {
        for (let at = 0; at <= good.length; at++) {
          const commit = store.commit(good.toSpliced(at, 0, stale));
          await expectRejection(commit, 'STORE_CONFLICT', `a stale ${stale.type} as write ${at + 1}`);
          expectSame(await contents(store), before, `after a stale ${stale.type} as write ${at + 1}`);
        }
      }
    }),

    onStore('commit: a refused commit leaves the next one as it would be', async (store) => {
      const first = await store.commit([put('a', '1')]);
      await expectRejection(
        store.commit([put('a', 'x', 'absent')]),
        'STORE_CONFLICT',
        'a put of what is there',
      );
      const second = await store.commit([put('a', '2', first)]);
      expectSame(await contents(store), [`a=2@${second}`], 'after the commit that fits');
    }),

    onStore('commit: a key that occurs twice is refused, whatever the writes', async (store) => {
      const first = await store.commit([put('a', '1')]);
      const before = await contents(store);
      const kinds = [put('a', 'x'), remove('a'), check('a', first)];
      for (const one of kinds) {
        for (const other of kinds) {
          const commit = store.commit([put('b', 'x'), one, put('c', 'x'), other]);
          await expectRejection(commit, 'INVALID_ARGUMENT', `a ${one.type} and a ${other.type} of one key`);
        }
      }
      expectSame(await contents(store), before, 'after the refusals');
    }),

    onStore('commit: nonsense is refused before anything is stored', async (store) => {
      const nonsense: unknown[] = [
        { type: 'put', key: 'a', value: 'text' },
        { type: 'put', key: 'a', value: [1, 2, 3] },
        { type: 'put', key: 'a', value: undefined },
        { type: 'put', key: 7, value: new Uint8Array(1) },
        { type: 'move', key: 'a' },
        { type: 'check', key: 'a' },
        { type: 'put', key: 'a', value: new Uint8Array(1), expect: 0 },
        { type: 'put', key: 'a', value: new Uint8Array(1), expect: -1 },
        { type: 'put', key: 'a', value: new Uint8Array(1), expect: 1.5 },
        { type: 'put', key: 'a', value: new Uint8Array(1), expect: Number.NaN },
        { type: 'delete', key: 'a', expect: 'present' },
        { type: 'delete', key: 'a', expect: null },
      ];
      for (const write of nonsense) {
        const commit = store.commit([put('good', 'x'), write as Write]);
        await expectRejection(commit, 'INVALID_ARGUMENT', `the write ${JSON.stringify(write)}`);
      }
      expectSame(await contents(store), [], 'after the refusals');
    }),

    onStore('revisions: a record made again has another one than before', async (store) => {
      const seen = new Set<number>();
      let last = 0;
      for (let round = 0; round < 20; round++) {
        const revision = await store.commit([put('a', 'the same', 'absent')]);
        expectThat(revision > last, `revision ${revision} is greater than ${last}`);
        expectThat(!seen.has(revision), `revision ${revision} is not used again`);
        for (const old of seen) {
          await expectRejection(
            store.commit([put('a', 'x', old)]),
            'STORE_CONFLICT',
            'a revision of a former life',
          );
        }
        seen.add(revision);
        last = await store.commit([remove('a', revision)]);
        expectThat(last > revision, 'deleting has a greater revision than what was deleted');
      }
    }),
  ];
}
