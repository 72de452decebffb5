import { join } from 'node:path';
import type { Store } from '@sotto/core';
import { randomBytes } from '@sotto/testing/random';
import { createEncryptedStore } from '../../src/encrypted.js';
import { createLevelDbStore } from '../../src/leveldb.js';
import { createSqliteStore } from '../../src/sqlite.js';

/** The stores that are tried on a real disk, by name. */
export const diskStores = ['leveldb', 'sqlite', 'encrypted leveldb', 'encrypted sqlite'] as const;
export type DiskStore = (typeof diskStores)[number] | 'leveldb faster' | 'sqlite faster';

export async function openStore(kind: DiskStore, directory: string): Promise<Store> {
  const durability = kind.endsWith('faster') ? 'process-crash' : 'power-loss';
  const store = kind.includes('leveldb')
    ? await createLevelDbStore({ path: join(directory, 'level'), durability })
    : await createSqliteStore({ path: join(directory, 'store.sqlite'), durability });
  if (!kind.startsWith('encrypted')) return store;
  return createEncryptedStore({
    store,
    passphrase: 'correct horse',
    randomBytes,
    passphraseCost: { memoryKiB: 8, passes: 1 },
  });
}
