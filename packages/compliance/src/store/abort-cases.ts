import { isSottoError } from '@sotto/core';
import { expectRejection, expectSame, expectThat } from '../support/expectations.js';
import { onStore, type StoreCase } from './store-case.js';
import { contents, digits, listKeys, put } from './writes.js';

/** What an AbortSignal stops, and in which state it leaves the store. */
export function abortCases(): readonly StoreCase[] {
  return [
    onStore('abort: a signal that has fired stops a commit before it stores anything', async (store) => {
      const first = await store.commit([put('a', '1')]);
      const signal = AbortSignal.abort();
      await expectRejection(store.commit([put('a', '2')], { signal }), 'ABORTED', 'commit');
      expectSame(await contents(store), [`a=1@${first}`], 'after the aborted commit');
    }),

    onStore('abort: a signal that has fired stops a listing', async (store) => {
      await store.commit([put('a', '1')]);
      const signal = AbortSignal.abort();
      await expectRejection(listKeys(store, '', { signal }), 'ABORTED', 'list');
      await expectRejection(listKeys(store, 'nothing here', { signal }), 'ABORTED', 'list of nothing');
    }),

    onStore('abort: a signal that fires stops a listing where it is', async (store) => {
      await store.commit(Array.from({ length: 300 }, (_, i) => put(digits(i), 'x')));
      for (const at of [1, 17, 299, 300]) {
        const controller = new AbortController();
        let seen = 0;
        const listing = (async () => {
          for await (const _ of store.list('', { signal: controller.signal })) {
            if (++seen === at) controller.abort();
          }
        })();
        await expectRejection(listing, 'ABORTED', `list aborted at entry ${at}`);
        expectSame(seen, at, 'entries seen before the abort showed');
      }
      expectSame((await listKeys(store, '')).length, 300, 'records listed afterwards');
    }),

    onStore('abort: a commit aborted meanwhile is atomic', async (store) => {
      const controllers = Array.from({ length: 20 }, () => new AbortController());
      const outcomes = controllers.map(({ signal }, i) =>
        store.commit([put(`a${digits(i)}`, 'x'), put(`b${digits(i)}`, 'x')], { signal }).then(
          () => true,
          (error: unknown) => {
            expectThat(isSottoError(error, 'ABORTED'), `commit ${i} resolves or rejects with ABORTED`);
            return false;
          },
        ),
      );
      for (const controller of controllers.slice(10)) controller.abort();
      await Promise.resolve();
      for (const controller of controllers.slice(0, 10)) controller.abort();
      const stored = (await Promise.all(outcomes)).flatMap((resolved, i) => (resolved ? [digits(i)] : []));
      for (const half of ['a', 'b']) {
        const keys = await listKeys(store, half);
        expectSame(
          keys,
          stored.map((i) => half + i),
          `records "${half}" of the commits that resolved`,
        );
      }
      await store.commit([put('a', 'goes on')]);
    }),
  ];
}
