import { decodeUtf8, encodeUtf8 } from '@sotto/core';
import { expect, it } from 'vitest';
import { createMemoryStore } from '../src/memory.js';

it('keeps, lists in order, refuses a stale revision and forgets when closed', async () => {
  const store = createMemoryStore();
  const first = await store.commit([
    { type: 'put', key: 'b', value: encodeUtf8('2') },
    { type: 'put', key: 'a', value: encodeUtf8('1'), expect: 'absent' },
  ]);
  expect(await store.get('a')).toEqual({ value: encodeUtf8('1'), revision: first });
  const second = await store.commit([{ type: 'put', key: 'a', value: encodeUtf8('3'), expect: first }]);
  await expect(store.commit([{ type: 'delete', key: 'a', expect: first }])).rejects.toMatchObject({
    code: 'STORE_CONFLICT',
    details: { key: 'a' },
  });
  const listed: string[] = [];
  for await (const { key, value, revision } of store.list('')) {
    listed.push(`${key}=${decodeUtf8(value)}@${revision}`);
  }
  expect(listed).toEqual([`a=3@${second}`, `b=2@${first}`]);
  await store.close();
  await store.close();
  await expect(store.get('a')).rejects.toMatchObject({ code: 'CLOSED' });
});
