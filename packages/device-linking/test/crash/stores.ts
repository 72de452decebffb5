// The stores on disk of the two sides of a linking, as the test and the processes that are killed open them.
import { join } from 'node:path';
import type { Store } from '@sotto/core';
import { createLevelDbStore } from '@sotto/store-adapters/leveldb';
import { createSqliteStore } from '@sotto/store-adapters/sqlite';

/** Opens a store by its name: the account's, or that of the linking. */
export function openStore(kind: string, directory: string, name: string): Promise<Store> {
  return kind === 'leveldb'
    ? createLevelDbStore({ path: join(directory, name) })
    : createSqliteStore({ path: join(directory, `${name}.sqlite`) });
}
