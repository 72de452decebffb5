import { randomFillSync } from 'node:crypto';
import type { Store, Write } from '@sotto/core';
import { createEncryptedStore } from '@sotto/store-adapters/encrypted';
import { createLevelDbStore } from '@sotto/store-adapters/leveldb';
import { createSqliteStore } from '@sotto/store-adapters/sqlite';

/** The stores whose growth is measured. */
export const GROWTH_STORES = ['LevelDB', 'SQLite', 'encrypted LevelDB', 'encrypted SQLite'] as const;
export type GrowthStore = (typeof GROWTH_STORES)[number];

/** Without fsync, whose constant cost would hide the growth. */
const durability = 'process-crash';
/** The minimum: the cost of a passphrase does not depend on size. */
const passphraseCost = { memoryKiB: 8, passes: 1 };
const randomBytes = (length: number) => randomFillSync(new Uint8Array(length));

export async function openGrowthStore(kind: GrowthStore, path: string): Promise<Store> {
  const store = kind.endsWith('SQLite')
    ? await createSqliteStore({ path: `${path}.sqlite`, durability })
    : await createLevelDbStore({ path, durability });
  if (!kind.startsWith('encrypted')) return store;
  return createEncryptedStore({ store, passphrase: 'bench', passphraseCost, randomBytes });
}

/** A record of a store. */
export type Entry = readonly [key: string, value: Uint8Array];

/** Records per commit while filling a store: many, as each writes most of an encrypted store's tree of versions. */
const BATCH = 100_000;

export async function fillStore(store: Store, entries: Iterable<Entry>): Promise<void> {
  let batch: Write[] = [];
  for (const [key, value] of entries) {
    batch.push({ type: 'put', key, value });
    if (batch.length < BATCH) continue;
    await store.commit(batch);
    batch = [];
  }
  if (batch.length > 0) await store.commit(batch);
}

export async function readAll(store: Store): Promise<Entry[]> {
  const entries: Entry[] = [];
  for await (const { key, value } of store.list('')) entries.push([key, value]);
  return entries;
}

/** A store that counts commits that change a record under a prefix. */
export function countingCommits(
  store: Store,
  prefix: string,
): { readonly store: Store; readonly commits: () => number } {
  let count = 0;
  const counting: Store = {
    get: (key) => store.get(key),
    list: (prefix, options) => store.list(prefix, options),
    commit: (writes, options) => {
      if (writes.some(({ type, key }) => type !== 'check' && key.startsWith(prefix))) count++;
      return store.commit(writes, options);
    },
    close: () => store.close(),
  };
  return { store: counting, commits: () => count };
}
