// What the programs that are killed share: stores on disk, or in a database.
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { isSottoError } from '@sotto/core';
import { defaultProvider } from '@sotto/crypto';
import { createEncryptedStore } from '@sotto/store-adapters/encrypted';
import { createLevelDbStore, type DurableStore } from '@sotto/store-adapters/leveldb';
import { createMemoryStore } from '@sotto/store-adapters/memory';
import { openPostgresDatabase } from '@sotto/store-adapters/postgres';
import { createSqliteStore } from '@sotto/store-adapters/sqlite';
import { createPowerCutStore } from '@sotto/testing/kills';

/** A store, and whether another process has taken it. */
export type KillableStore = DurableStore & { readonly handedOver?: Promise<void> | undefined };

/**
 * Opens a store of a kind, such as `encrypted leveldb`, in a directory, or in the database at an address. In one whose kind begins
 * with `power cut`, a kill undoes what was not durable yet.
 */
export async function openStore(kind: string, place: string): Promise<KillableStore> {
  const store = await openPlainStore(kind, place);
  if (kind.startsWith('power cut')) return createPowerCutStore(createMemoryStore(), store);
  if (!kind.startsWith('encrypted')) return store;
  const encrypted = await createEncryptedStore({
    store,
    passphrase: 'correct horse',
    randomBytes: defaultProvider().randomBytes,
    passphraseCost: { memoryKiB: 8, passes: 1 },
  });
  return Object.assign(encrypted, { handedOver: store.handedOver });
}

async function openPlainStore(kind: string, place: string): Promise<KillableStore> {
  if (kind.includes('leveldb')) return createLevelDbStore({ path: join(place, 'level') });
  if (kind.includes('sqlite')) return createSqliteStore({ path: join(place, 'store.sqlite') });
  const database = await openPostgresDatabase({ connection: place });
  const store = await database.openStore({ name: 'person', whenLocked: 'wait' });
  return {
    ...viewOf(store),
    handedOver: store.handedOver,
    close: () => database.close(),
  };
}

/** Runs something that has no effect when it rejects with STORE_UNAVAILABLE, until it doesn't. */
export async function untilAvailable<T>(run: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await run();
    } catch (error) {
      if (!isSottoError(error, 'STORE_UNAVAILABLE')) throw error;
      await setTimeout(50);
    }
  }
}

function viewOf(store: DurableStore): DurableStore {
  return {
    continuity: store.continuity,
    get: (key) => store.get(key),
    list: (prefix, options) => store.list(prefix, options),
    commit: (writes, options) => store.commit(writes, options),
    compact: () => store.compact(),
    close: () => store.close(),
  };
}
