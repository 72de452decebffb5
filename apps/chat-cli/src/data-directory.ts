import { join } from 'node:path';
import type { Store } from '@sotto/core';
import { defaultProvider } from '@sotto/crypto';
import { loadArgon2id } from '@sotto/crypto/webassembly';
import { readAccount } from '@sotto/messenger';
import { createEncryptedStore, type EncryptedStore } from '@sotto/store-adapters/encrypted';
import { createFileAnchor } from '@sotto/store-adapters/file-anchor';
import { createLevelDbStore } from '@sotto/store-adapters/leveldb';

/** The provider for Node: node:crypto, and libsecp256k1 if it is installed. */
export const crypto = defaultProvider();

/** A data directory that is open but not yet unlocked. */
export interface DataDirectory {
  /** `new`: empty; `plain`: not encrypted; `locked`: encrypted. */
  readonly content: 'new' | 'plain' | 'locked';
  /** `rolled-back`: an older copy was put back. `lost`: an account was here, and its data is gone. */
  readonly replaced: 'rolled-back' | 'lost' | undefined;
  /**
   * Opens its store as an encrypted one; a new store is encrypted from now on.
   * @throws STORE_WRONG_PASSPHRASE; may be called again
   */
  unlock(passphrase: string): Promise<EncryptedStore>;
  /** Its store, without encryption. */
  readonly plain: Store;
  close(): Promise<void>;
}

/**
Opens a data directory; creates it if it does not exist.
 * @throws STORE_LOCKED when another process has it open, STORE_UNAVAILABLE, STORE_CORRUPT, STORE_SCHEMA_NEWER; STATE_CORRUPT,
 *   STATE_VERSION_UNSUPPORTED for the account
 */
export async function openDataDirectory(directory: string): Promise<DataDirectory> {
  // The anchor is outside the directory, so putting back an old copy of the directory is noticed.
  const anchor = createFileAnchor(`${directory}.anchor`);
  const disk = await createLevelDbStore({ path: join(directory, 'store'), anchor });
  const { continuity } = disk;
  const content = await contentOf(disk).catch(async (error) => {
    await disk.close();
    throw error;
  });
  return {
    content,
    replaced: continuity === 'lost' || continuity === 'rolled-back' ? continuity : undefined,
    plain: disk,
    unlock: async (passphrase) =>
      createEncryptedStore({
        store: disk,
        passphrase,
        randomBytes: crypto.randomBytes,
        argon2id: await loadArgon2id(),
      }),
    close: () => disk.close(),
  };
}

/** An account can be read only from a store that is not encrypted. */
async function contentOf(store: Store): Promise<DataDirectory['content']> {
  if (await isEmpty(store)) return 'new';
  return (await readAccount(store, crypto)) === undefined ? 'locked' : 'plain';
}

async function isEmpty(store: Store): Promise<boolean> {
  for await (const _ of store.list('')) return false;
  return true;
}
