import { join } from 'node:path';
import type { Store } from '@sotto/core';
import { defaultProvider } from '@sotto/crypto';
import { loadArgon2id } from '@sotto/crypto/webassembly';
import { readAccount } from '@sotto/messenger';
import { createEncryptedStore, type EncryptedStore } from '@sotto/store-adapters/encrypted';
import { createFileAnchor } from '@sotto/store-adapters/file-anchor';
import { createLevelDbStore } from '@sotto/store-adapters/leveldb';

/** In Node: node:crypto, and libsecp256k1 where it is installed. */
export const crypto = defaultProvider();

/** A data directory that was opened and not looked into yet. */
export interface Vault {
  /** `new`: nothing is in it; `plain`: not encrypted; `locked`: encrypted. */
  readonly content: 'new' | 'plain' | 'locked';
  /** An old copy was put back, or there was an account here and all of it is gone. */
  readonly replaced: 'rolled-back' | 'lost' | undefined;
  /**
   * The store in it, encrypted. A new one becomes so.
   * @throws STORE_WRONG_PASSPHRASE; it may be tried again
   */
  unlock(passphrase: string): Promise<EncryptedStore>;
  /** The store in it, not encrypted. */
  readonly plain: Store;
  close(): Promise<void>;
}

/**
 * Opens a data directory, which is made when it isn't there.
 * @throws STORE_LOCKED when another process has it, STORE_UNAVAILABLE, STORE_CORRUPT, STORE_SCHEMA_NEWER; STATE_CORRUPT,
 *   STATE_VERSION_UNSUPPORTED for the account
 */
export async function openVault(directory: string): Promise<Vault> {
  // The anchor stands beside the directory: who puts an old copy of the directory back leaves it.
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

/** What is in a store before it is unlocked: an account shows only in one that is not encrypted. */
async function contentOf(store: Store): Promise<Vault['content']> {
  if (await isEmpty(store)) return 'new';
  return (await readAccount(store, crypto)) === undefined ? 'locked' : 'plain';
}

async function isEmpty(store: Store): Promise<boolean> {
  for await (const _ of store.list('')) return false;
  return true;
}
