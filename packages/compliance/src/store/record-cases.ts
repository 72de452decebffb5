import { copyBytes, STORE_KEY_MAX_LENGTH, STORE_VALUE_MAX_BYTES } from '@sotto/core';
import { expectBytes, expectRejection, expectSame, expectThat } from '../support/expectations.js';
import { notBytes, oddBytes } from '../support/odd-bytes.js';
import { onStore, type StoreCase } from './store-case.js';
import { check, collect, contents, listKeys, patternBytes, put, remove } from './writes.js';

/** Single records: what is stored is read back unaltered, whatever its content; what is invalid is refused. */
export function recordCases(maxValueBytes: number): readonly StoreCase[] {
  return [
    onStore('get: an absent record is undefined', async (store) => {
      expectThat((await store.get('a')) === undefined, 'an absent record is undefined');
      expectSame(await contents(store), [], 'listing of an empty store');
    }),

    onStore(
      'put: the record is there with the revision of its commit, and replaced by the next',
      async (store) => {
        const first = await store.commit([put('a', 'one'), put('b', 'two')]);
        expectThat(Number.isSafeInteger(first) && first >= 1, 'a revision is a whole number from 1');
        expectSame(await contents(store), [`a=one@${first}`, `b=two@${first}`], 'after the first commit');
        const second = await store.commit([put('a', 'three')]);
        expectThat(second > first, 'a later commit has a greater revision');
        expectSame(await contents(store), [`a=three@${second}`, `b=two@${first}`], 'after the second commit');
        expectSame((await store.get('a'))?.revision, second, 'revision that get gives');
      },
    ),

    onStore('delete: the record is gone, and deleting what is absent is no error', async (store) => {
      const first = await store.commit([put('a', 'one'), put('b', 'two')]);
      const second = await store.commit([remove('a'), remove('never there')]);
      expectThat(second > first, 'a commit that only deletes has a greater revision too');
      expectThat((await store.get('a')) === undefined, 'a deleted record is undefined');
      expectSame(await contents(store), [`b=two@${first}`], 'after deleting');
    }),

    onStore('commit: an empty commit and one of checks change nothing', async (store) => {
      const first = await store.commit([put('a', 'one')]);
      const second = await store.commit([]);
      const third = await store.commit([check('a', first), check('b', 'absent')]);
      expectThat(first < second && second < third, 'every commit has a greater revision than the one before');
      expectSame(await contents(store), [`a=one@${first}`], 'after commits without changes');
    }),

    onStore('values: empty, every byte, 64 KiB', async (store) => {
      const values = {
        empty: new Uint8Array(),
        'every byte': Uint8Array.from({ length: 256 }, (_, i) => i),
        '64 KiB': patternBytes(65_536),
        zeros: new Uint8Array(1000),
      };
      await store.commit(Object.entries(values).map(([key, value]) => ({ type: 'put', key, value })));
      for (const [key, value] of Object.entries(values)) {
        expectBytes((await store.get(key))?.value, value, `value "${key}" by get`);
      }
      for (const { key, value } of await collect(store, '')) {
        expectBytes(value, values[key as keyof typeof values], `value "${key}" by list`);
      }
    }),

    onStore('values: 64 values of 64 KiB in one commit', async (store) => {
      const value = (i: number) => patternBytes(65_536, i);
      await store.commit(
        Array.from({ length: 64 }, (_, i) => ({ type: 'put', key: `k${i}`, value: value(i) })),
      );
      for (let i = 0; i < 64; i++) expectBytes((await store.get(`k${i}`))?.value, value(i), `value ${i}`);
      expectSame((await collect(store, 'k')).length, 64, 'records listed');
    }),

    onStore('values: the largest is kept, a larger one refused', async (store) => {
      const largest = patternBytes(maxValueBytes);
      await store.commit([{ type: 'put', key: 'largest', value: largest }]);
      const stored = (await store.get('largest'))?.value;
      expectSame(stored?.length, largest.length, 'length of the largest value');
      expectThat(
        largest.every((byte, i) => byte === stored?.[i]),
        'the largest value comes back as it was',
      );
      const larger = new Uint8Array(maxValueBytes + 1);
      const refused = store.commit([put('small', 'x'), { type: 'put', key: 'larger', value: larger }]);
      await expectRejection(refused, 'LIMIT_EXCEEDED', `a value of ${larger.length} bytes`);
      expectSame(await listKeys(store, ''), ['largest'], 'keys after the refusal');
      expectThat(maxValueBytes <= STORE_VALUE_MAX_BYTES, 'no store promises more than the port');
    }),

    onStore('keys: odd ones are keys like any other', async (store) => {
      const keys = [...ODD_KEYS].sort();
      await store.commit(keys.map((key) => put(key, `value of ${key}`)));
      expectSame(await listKeys(store, ''), keys, 'odd keys listed');
      for (const key of keys) {
        const record = await store.get(key);
        expectBytes(
          record?.value,
          new TextEncoder().encode(`value of ${key}`),
          `value of ${JSON.stringify(key)}`,
        );
      }
      await store.commit(keys.map((key) => remove(key)));
      expectSame(await listKeys(store, ''), [], 'odd keys after deleting them');
    }),

    onStore('keys: an invalid key is refused everywhere, and the commit with it', async (store) => {
      for (const key of NO_KEYS) {
        const shown = JSON.stringify(key).slice(0, 40);
        await expectRejection(store.get(key), 'INVALID_ARGUMENT', `get(${shown})`);
        for (const write of [put(key, 'x'), remove(key), check(key, 'absent')]) {
          const refused = store.commit([put('good', 'x'), write]);
          await expectRejection(refused, 'INVALID_ARGUMENT', `${write.type} of ${shown}`);
        }
        if (key === '') continue;
        await expectRejection(listKeys(store, key), 'INVALID_ARGUMENT', `list(${shown})`);
        await expectRejection(listKeys(store, '', { after: key }), 'INVALID_ARGUMENT', `list after ${shown}`);
      }
      expectSame(await contents(store), [], 'after the refusals');
    }),

    onStore('bytes in: borrowed, copied, and not changed', async (store) => {
      const memory = patternBytes(300);
      const value = memory.subarray(100, 200);
      const before = copyBytes(memory);
      await store.commit([{ type: 'put', key: 'a', value }]);
      expectBytes(memory, before, 'the bytes handed in');
      memory.fill(0);
      expectBytes(
        (await store.get('a'))?.value,
        copyBytes(before.subarray(100, 200)),
        'the value after its source was wiped',
      );
    }),

    onStore('bytes in: every kind of Uint8Array is copied', async (store) => {
      const expected = patternBytes(100);
      for (const [kind, value] of oddBytes(expected)) {
        await store.commit([{ type: 'put', key: 'a', value }]);
        value.fill(0);
        const kept = (await store.get('a'))?.value;
        expectBytes(kept, expected, `the value of ${kind}, after its source was wiped`);
        kept?.fill(0);
        expectBytes(
          (await store.get('a'))?.value,
          expected,
          `the value of ${kind}, after wiping what get gave`,
        );
        const [listed] = await collect(store, 'a');
        expectThat(
          Object.getPrototypeOf(listed?.value) === Uint8Array.prototype &&
            listed?.value.buffer.byteLength === expected.length,
          `what was ${kind} is listed as a plain Uint8Array with memory of its own`,
        );
      }
    }),

    onStore('bytes in: what is not a Uint8Array is refused, and the commit with it', async (store) => {
      for (const [kind, value] of notBytes(patternBytes(10))) {
        const refused = store.commit([put('good', 'x'), { type: 'put', key: 'a', value }]);
        await expectRejection(refused, 'INVALID_ARGUMENT', `a value that is ${kind}`);
      }
      expectSame(await contents(store), [], 'after the refusals');
    }),

    onStore('bytes out: fresh plain Uint8Arrays', async (store) => {
      await store.commit([{ type: 'put', key: 'a', value: patternBytes(100) }]);
      const once = await store.get('a');
      const [listed] = await collect(store, 'a');
      for (const [how, given] of [['get', once?.value] as const, ['list', listed?.value] as const]) {
        expectThat(given !== undefined, `${how} gives the record`);
        expectThat(
          Object.getPrototypeOf(given) === Uint8Array.prototype,
          `${how} gives a Uint8Array and not a kind of it`,
        );
        given.fill(0);
        expectBytes(
          (await store.get('a'))?.value,
          patternBytes(100),
          `the value after wiping what ${how} gave`,
        );
      }
      expectBytes((await collect(store, 'a'))[0]?.value, patternBytes(100), 'the value listed after that');
    }),
  ];
}

const ODD_KEYS = [
  ' ',
  '~',
  '/',
  '//',
  '.',
  '..',
  '../up',
  '__proto__',
  'constructor',
  'toString',
  'CON',
  'null',
  '0',
  '00',
  '1e3',
  '-1',
  'a',
  'A',
  'a ',
  ' a',
  'a  b',
  '%',
  '%25',
  '_',
  '*',
  '?',
  '[a]',
  '{a}',
  '!',
  '"',
  "'",
  "' OR 1=1 --",
  ';',
  '\\',
  '\\0',
  '`',
  '$a',
  '#',
  'a&b=c',
  'x'.repeat(STORE_KEY_MAX_LENGTH),
  'a/'.repeat(STORE_KEY_MAX_LENGTH / 2),
  '~'.repeat(STORE_KEY_MAX_LENGTH),
];

const NO_KEYS = [
  '',
  'x'.repeat(STORE_KEY_MAX_LENGTH + 1),
  '\u0000',
  'a\u0000b',
  'a\n',
  '\u001f',
  'a\u007f',
  'é',
  'a\u{1f600}',
  '\ud800',
];
