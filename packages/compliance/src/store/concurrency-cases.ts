import { decodeUtf8, isSottoError, type Store } from '@sotto/core';
import { expectSame, expectThat } from '../support/expectations.js';
import { onStore, type StoreCase } from './store-case.js';
import { digits, listKeys, put, remove } from './writes.js';

/** Concurrent calls: commits are serialised, and no update gets lost. */
export function concurrencyCases(): readonly StoreCase[] {
  return [
    onStore(
      'at once: commits of different records all succeed, each with its own revision',
      async (store) => {
        const revisions = await Promise.all(
          Array.from({ length: 200 }, (_, i) => store.commit([put(digits(i), String(i))])),
        );
        expectSame(new Set(revisions).size, 200, 'different revisions');
        const records = await Promise.all(revisions.map((_, i) => store.get(digits(i))));
        expectSame(
          records.map((record) => record?.revision),
          revisions,
          'revisions of the records',
        );
        expectSame((await listKeys(store, '')).length, 200, 'records listed');
      },
    ),

    onStore('at once: of many commits that expect the same, one succeeds', async (store) => {
      for (const expect of ['absent', await store.commit([put('b', 'start')])] as const) {
        const key = expect === 'absent' ? 'a' : 'b';
        const outcomes = await Promise.all(
          Array.from({ length: 50 }, (_, i) => succeeds(store.commit([put(key, String(i), expect)]))),
        );
        expectSame(outcomes.filter(Boolean).length, 1, `commits that found "${key}" at ${expect}`);
        const value = (await store.get(key))?.value ?? new Uint8Array();
        expectSame(
          decodeUtf8(value),
          String(outcomes.indexOf(true)),
          'value, which is the one of the commit that succeeded',
        );
      }
    }),

    onStore('at once: no update gets lost', async (store) => {
      const [writers, rounds] = [8, 20];
      await store.commit([put('counter', '0')]);
      await Promise.all(Array.from({ length: writers }, () => increment(store, 'counter', rounds)));
      const value = (await store.get('counter'))?.value ?? new Uint8Array();
      expectSame(decodeUtf8(value), String(writers * rounds), 'counter after all increments');
    }),

    onStore('at once: of a put and a delete that expect the same, one succeeds', async (store) => {
      for (let round = 0; round < 20; round++) {
        const revision = await store.commit([put('a', 'x')]);
        const outcomes = await Promise.all([
          succeeds(store.commit([remove('a', revision)])),
          succeeds(store.commit([put('a', 'y', revision)])),
        ]);
        expectSame(outcomes.filter(Boolean).length, 1, 'commits that succeeded');
        expectSame((await store.get('a')) === undefined, outcomes[0], 'whether the record is gone');
      }
    }),

    onStore('at once: the commit with the greatest revision is the one that stays', async (store) => {
      const commits = Array.from({ length: 50 }, (_, i) =>
        store.commit([put('a', String(i)), put('b', String(i))]),
      );
      const revisions = await Promise.all(commits);
      const last = Math.max(...revisions);
      for (const key of ['a', 'b']) {
        const record = await store.get(key);
        expectSame(record?.revision, last, `revision of "${key}"`);
        const text = decodeUtf8(record?.value ?? new Uint8Array());
        expectSame(text, String(revisions.indexOf(last)), `value of "${key}"`);
      }
    }),
  ];
}

async function increment(store: Store, key: string, times: number): Promise<void> {
  for (let done = 0; done < times; ) {
    const record = await store.get(key);
    expectThat(record !== undefined, 'the counter is there');
    const next = Number(decodeUtf8(record.value)) + 1;
    if (await succeeds(store.commit([put(key, String(next), record.revision)]))) done++;
  }
}

/** Whether a commit succeeds rather than being refused as stale. */
async function succeeds(commit: Promise<unknown>): Promise<boolean> {
  try {
    await commit;
    return true;
  } catch (error) {
    if (isSottoError(error, 'STORE_CONFLICT')) return false;
    throw error;
  }
}
