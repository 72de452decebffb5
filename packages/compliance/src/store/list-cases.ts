import { expectBytes, expectRejection, expectSame, expectThat } from '../support/expectations.js';
import { onStore, type StoreCase } from './store-case.js';
import { collect, contents, digits, listKeys, patternBytes, printEntry, put, remove } from './writes.js';

/** Ordered listings by prefix. */
export function listCases(): readonly StoreCase[] {
  return [
    onStore('list: ascending order of character codes, whatever the order of commits', async (store) => {
      const keys = [...' !"/0129:@AZ[_`az{|}~'].flatMap((c) => [c, `${c}a`, `a${c}`, `a/${c}`, `a${c}b`]);
      const sorted = [...new Set(keys)].sort();
      for (const key of sorted.toReversed()) await store.commit([put(key, key)]);
      expectSame(await listKeys(store, ''), sorted, 'all keys');
    }),

    onStore('list: exactly the keys that begin with the prefix', async (store) => {
      const keys = [
        ...[
          'a',
          'a/',
          'a/b',
          'a/b/c',
          'a/bb',
          'a0',
          'a.',
          'aa',
          'A/',
          'b',
          'a/~',
          'a/~~',
          'a/ ',
          '~',
          '~~',
          '~a',
        ],
        ...[
          'a%',
          'a%b',
          'a_',
          'a_b',
          'a*',
          'a*b',
          'a?',
          'a[b]',
          'a\\',
          'a\\b',
          "a'",
          "a'b",
          '%',
          '_',
          '*',
          ' ',
          '  ',
        ],
      ];
      await store.commit(keys.map((key) => put(key, key)));
      const prefixes = [...keys, '', 'a/b/', 'a/bc', 'c', '~~~', 'aaa', 'a/b/c/d', '0', '!', '}', 'b/'];
      for (const prefix of new Set(prefixes)) {
        const expected = keys.filter((key) => key.startsWith(prefix)).sort();
        expectSame(await listKeys(store, prefix), expected, `list(${JSON.stringify(prefix)})`);
      }
    }),

    onStore('list: a prefix of the greatest length and the greatest characters', async (store) => {
      const longest = '~'.repeat(1024);
      await store.commit([put(longest, '1'), put(longest.slice(1), '2'), put('}', '3')]);
      expectSame(await listKeys(store, longest), [longest], 'list of the longest prefix');
      expectSame(await listKeys(store, longest.slice(1)), [longest.slice(1), longest], 'list of one less');
      expectSame(await listKeys(store, '~', { after: longest }), [], 'list behind the last key there can be');
    }),

    onStore('list: entries carry value and revision', async (store) => {
      const first = await store.commit([put('a/1', 'one'), put('b/1', 'other')]);
      const second = await store.commit([put('a/2', 'two')]);
      const printed = (await collect(store, 'a/')).map(printEntry);
      expectSame(printed, [`a/1=one@${first}`, `a/2=two@${second}`], 'entries under a/');
    }),

    onStore('list: begins behind `after`, wherever that lies', async (store) => {
      const keys = ['a', 'b/1', 'b/2', 'b/3', 'c'];
      await store.commit(keys.map((key) => put(key, key)));
      for (const prefix of ['', 'b/', 'b']) {
        for (const after of [
          '',
          ' ',
          'a',
          'a/',
          'b',
          'b/',
          'b/1',
          'b/10',
          'b/2',
          'b/3',
          'b/4',
          'c',
          'd',
          '~',
        ]) {
          const expected = keys.filter((key) => key.startsWith(prefix) && (after === '' || key > after));
          expectSame(
            await listKeys(store, prefix, { after }),
            expected,
            `list("${prefix}") after "${after}"`,
          );
        }
      }
    }),

    onStore('list: stops at `limit`', async (store) => {
      const keys = ['a', 'b/1', 'b/2', 'b/3', 'c'];
      await store.commit(keys.map((key) => put(key, key)));
      for (const limit of [0, 1, 2, 3, 4, 5, 6, 1_000_000]) {
        expectSame(
          await listKeys(store, '', { limit }),
          keys.slice(0, limit),
          `list("") with limit ${limit}`,
        );
        const expected = ['b/2', 'b/3'].slice(0, limit);
        const listed = await listKeys(store, 'b/', { limit, after: 'b/1' });
        expectSame(listed, expected, `list("b/") after "b/1" with limit ${limit}`);
      }
      for (const limit of [-1, 0.5, Number.NaN]) {
        await expectRejection(listKeys(store, '', { limit }), 'INVALID_ARGUMENT', `limit ${limit}`);
      }
    }),

    onStore(
      'list: page by page returns everything once, also when the last one returned is deleted',
      async (store) => {
        const keys = Array.from({ length: 250 }, (_, i) => `page/${digits(i)}`);
        await store.commit([...keys, 'page', 'page0'].map((key) => put(key, key)));
        const listed: string[] = [];
        for (;;) {
          const last = listed.at(-1);
          const page = await listKeys(
            store,
            'page/',
            last === undefined ? { limit: 7 } : { limit: 7, after: last },
          );
          listed.push(...page);
          if (page.length < 7) break;
          await store.commit([remove(page.at(-1) as string)]);
        }
        expectSame(listed, keys, 'keys of all pages');
      },
    ),

    onStore('list: shows the store as of the start of the iteration', async (store) => {
      const count = 1000;
      const key = (i: number) => `k/${digits(i)}`;
      const value = (i: number) => patternBytes(1000, i);
      const first = await store.commit(
        Array.from({ length: count }, (_, i) => ({ type: 'put', key: key(2 * i), value: value(i) })),
      );
      let seen = 0;
      for await (const entry of store.list('k/')) {
        expectSame([entry.key, entry.revision], [key(2 * seen), first], `entry ${seen}`);
        expectBytes(entry.value, value(seen), `value of entry ${seen}`);
        // Changes before and after the position of the iteration, near and far, in one commit and one by one.
        if (seen === 0) {
          await store.commit([
            ...Array.from({ length: count }, (_, i) => put(key(2 * i + 1), 'made meanwhile')),
            ...Array.from({ length: count / 2 }, (_, i) => put(key(4 * i), 'replaced meanwhile')),
            ...Array.from({ length: count / 2 }, (_, i) => remove(key(4 * i + 2))),
          ]);
        } else if (seen % 100 === 0) {
          await store.commit([remove(key(2 * seen)), put(key(2 * seen + 2), 'replaced again')]);
          await store.commit([
            put(key(2 * seen), 'made again'),
            put(key(2 * (count - 1)), 'the last, replaced'),
          ]);
        }
        seen++;
      }
      expectSame(seen, count, 'entries seen');
    }),

    onStore(
      'list: an iteration begun after a commit resolved shows it, one begun before does not',
      async (store) => {
        await store.commit([put('a', '1'), put('b', '1'), put('c', '1')]);
        const early = store.list('')[Symbol.asyncIterator]();
        await early.next();
        await store.commit([put('b', '2')]);
        const late = store.list('')[Symbol.asyncIterator]();
        await late.next();
        await store.commit([put('c', '3'), remove('b')]);
        const texts: string[] = [];
        for (const iteration of [early, late]) {
          for (let step = await iteration.next(); !step.done; step = await iteration.next()) {
            texts.push(printEntry(step.value).replace(/@.*/, ''));
          }
        }
        expectSame(texts, ['b=1', 'c=1', 'b=2', 'c=1'], 'what the two iterations saw');
        expectSame((await contents(store)).length, 2, 'records in the end');
      },
    ),

    onStore('list: never shows half of a commit', async (store) => {
      await store.commit([put('x/1', '0'), put('x/2', '0'), put('x/3', '0')]);
      const write = async () => {
        for (let i = 1; i <= 50; i++) {
          await store.commit(['x/1', 'x/2', 'x/3'].map((key) => put(key, String(i))));
        }
      };
      const read = async () => {
        for (let i = 0; i < 50; i++) {
          const revisions = new Set((await collect(store, 'x/')).map(({ revision }) => revision));
          expectSame(revisions.size, 1, 'different commits in one listing');
        }
      };
      await Promise.all([write(), read()]);
    }),

    onStore('list: leaving early leaves the store usable', async (store) => {
      await store.commit(Array.from({ length: 300 }, (_, i) => put(digits(i), 'x')));
      for (let i = 0; i < 50; i++) {
        for await (const { key } of store.list('')) {
          expectSame(key, digits(0), 'first key');
          break;
        }
      }
      await store.commit([put(digits(0), 'y')]);
      expectThat((await collect(store, '')).length === 300, 'all records are still listed');
    }),
  ];
}
