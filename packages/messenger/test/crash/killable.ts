// What the programs that are killed share: stores on disk.
import { join } from 'node:path';
import { defaultProvider } from '@sotto/crypto';
import { createEncryptedStore } from '@sotto/store-adapters/encrypted';
import { createLevelDbStore, type DurableStore } from '@sotto/store-adapters/leveldb';
import { createSqliteStore } from '@sotto/store-adapters/sqlite';

/** Opens a store of a kind, such as `encrypted leveldb`, in a directory. */
export async function openStore(kind: string, directory: string): Promise<DurableStore> {
  const store = kind.includes('leveldb')
    ? await createLevelDbStore({ path: join(directory, 'level') })
    : await createSqliteStore({ path: join(directory, 'store.sqlite') });
  if (!kind.startsWith('encrypted')) return store;
  return createEncryptedStore({
    store,
    passphrase: 'correct horse',
    randomBytes: defaultProvider().randomBytes,
    passphraseCost: { memoryKiB: 8, passes: 1 },
  });
}
