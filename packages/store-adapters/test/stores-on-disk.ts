import type { Store } from '@sotto/core';
import type { EngineStoreOptions } from '../src/engine-store.js';
import { createLevelDbStore } from '../src/leveldb.js';
import { createSqliteStore } from '../src/sqlite.js';
import { sqlites } from './sqlites.js';

/** The stores whose files are searched. */
export const kinds = [
  {
    kind: 'leveldb',
    open: (path: string, more: EngineStoreOptions = {}) =>
      createLevelDbStore({ path, durability: 'process-crash', ...more }),
  },
  ...sqlites.map(({ name, openDatabase }) => ({
    kind: `sqlite, ${name}`,
    open: (path: string, more: EngineStoreOptions = {}) =>
      createSqliteStore({ path, openDatabase, durability: 'process-crash', ...more }),
  })),
];

/** Resolves when what the store does by itself behind the commits is done: a listing begins after it. */
export async function settled(store: Store): Promise<void> {
  for await (const _ of store.list('', { limit: 1 }));
}
