import { silentLogger } from '@sotto/core';
import { createMemoryStore } from '@sotto/store-adapters/memory';
import { expect, it } from 'vitest';
import { nameOf } from '../src/registers.js';
import { clockWrite, entryDeletion, entryWrite, type KeptEntry, readAll } from '../src/storage.js';

const entry: KeptEntry = {
  kind: 1,
  key: 'x',
  time: 5,
  device: 'a',
  value: Uint8Array.of(1),
  pending: true,
  seen: new Uint8Array(0),
};

it('entries and clock are kept', async () => {
  const store = createMemoryStore();
  expect(await readAll(store, silentLogger)).toEqual({ latest: undefined, entries: [], isComplete: true });
  const removed = { ...entry, key: 'y', value: undefined, seen: undefined, pending: false };
  await store.commit([entryWrite(entry), entryWrite(removed), clockWrite(7)]);
  const { latest, entries, isComplete } = await readAll(store, silentLogger);
  expect(latest).toBe(7);
  expect(isComplete).toBe(true);
  expect(entries).toHaveLength(2);
  expect(entries).toEqual(expect.arrayContaining([entry, removed]));
  await store.commit([entryDeletion(nameOf(entry))]);
  expect((await readAll(store, silentLogger)).entries).toEqual([removed]);
});

it('what is damaged hides nothing else', async () => {
  const store = createMemoryStore();
  await store.commit([entryWrite(entry), clockWrite(7)]);
  const writes = [entryWrite({ ...entry, key: 'y' }), clockWrite(8)];
  const value = Uint8Array.of(0xff, 0xff);
  await store.commit(writes.map(({ key }) => ({ type: 'put', key, value })));
  expect(await readAll(store, silentLogger)).toEqual({ latest: 0, entries: [entry], isComplete: false });
});
