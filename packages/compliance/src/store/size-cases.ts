import { expectSame, expectThat } from '../support/expectations.js';
import { onStore, type StoreCase } from './store-case.js';
import { collect, digits, listKeys, put, remove } from './writes.js';

/** Many records. */
export function sizeCases(records: number): readonly StoreCase[] {
  return [
    onStore(`size: ${records} records`, async (store) => {
      const batch = 1000;
      // A stride prime to the count, so that they arrive out of order.
      const stride = 7919;
      const key = (i: number) => `many/${digits((i * stride) % records)}`;
      expectThat(gcd(stride, records) === 1, `the number of records has no factor ${stride}`);
      for (let start = 0; start < records; start += batch) {
        const length = Math.min(batch, records - start);
        await store.commit(
          Array.from({ length }, (_, i) => put(key(start + i), String(start + i), 'absent')),
        );
      }
      let seen = 0;
      for await (const { key: listed } of store.list('many/')) {
        if (listed !== `many/${digits(seen)}`) expectSame(listed, `many/${digits(seen)}`, `key ${seen}`);
        seen++;
      }
      expectSame(seen, records, 'records listed');
      const middle = `many/${digits(records >> 1)}`;
      const page = await collect(store, 'many/', { after: middle, limit: 2 });
      expectSame(
        page.map((entry) => entry.key),
        [1, 2].map((i) => `many/${digits((records >> 1) + i)}`),
        'a page from the middle',
      );
      await store.commit(Array.from({ length: records >> 1 }, (_, i) => remove(`many/${digits(2 * i)}`)));
      const left = await listKeys(store, 'many/');
      expectSame(left.length, records - (records >> 1), 'records left after deleting every second');
      expectSame(left[0], `many/${digits(1)}`, 'first record left');
    }),
  ];
}

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}
