// What the programs that are killed share: stores on disk, in which a process dies at one of its commits.
import { join } from 'node:path';
import process from 'node:process';
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

function die(): Promise<never> {
  process.kill(process.pid, 'SIGKILL');
  return new Promise(() => {});
}

/** At which commit, counted from 1, and on which side of it; never by default. */
interface Death {
  readonly killAt?: number;
  readonly killWhen?: 'before' | 'after';
}

/** A store in which the process dies at one of its commits, before or after it took effect. */
export function killing(store: DurableStore, { killAt, killWhen }: Death): DurableStore {
  let commits = 0;
  return {
    continuity: store.continuity,
    get: (key) => store.get(key),
    list: (prefix, options) => store.list(prefix, options),
    close: () => store.close(),
    compact: () => store.compact(),
    async commit(writes, options) {
      const dies = ++commits === killAt;
      if (dies && killWhen === 'before') await die();
      const revision = await store.commit(writes, options);
      if (dies) await die();
      return revision;
    },
  };
}
