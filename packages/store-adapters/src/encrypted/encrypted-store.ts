import type { Argon2id, Continuity, RandomSource, Store } from '@sotto/core';
import type { PassphraseCost } from './keyring.js';

/** Options of `createEncryptedStore`. */
export interface EncryptedStoreOptions {
  /**
   * Where the sealed records are kept; it must hold nothing else. Closing the encrypted store closes it
   * too. When opening fails, it stays open and belongs to the caller.
   */
  readonly store: Store;
  /**
   * Compared after Unicode normalisation (NFKD). Not blank; how strong it has to be is for the application to decide, which
   * can explain it to people.
   */
  readonly passphrase: string;
  /** Source of keys and nonces. */
  readonly randomBytes: RandomSource;
  /**
   * What a guess at the passphrase costs, for a store created now; an existing one has its own stored.
   * Default `DEFAULT_PASSPHRASE_COST`.
   */
  readonly passphraseCost?: PassphraseCost | undefined;
  /**
   * Derives a key from the passphrase. Default: Argon2id in JavaScript (@noble/hashes). `loadArgon2id` of
   * `@sotto/crypto/webassembly` is several times as fast, and derives the same keys.
   */
  readonly argon2id?: Argon2id | undefined;
}

/**
 * A store whose records are sealed with XChaCha20-Poly1305.
 *
 * - Hidden: values and keys of records. Not hidden: the number of records, their lengths, which of them share
 *   leading `/`-separated segments of their keys, and when each was written.
 * - Gone: what was replaced or deleted, and all old nodes of the index, can't be opened with the current keys, not even
 *   by someone who has old files and learns the passphrase, unless they also have an old keyring and its passphrase. The
 *   data key is replaced and the old keyring deleted after 1000 changes, by `compact`, and when the store is closed; it
 *   disappears from the files when the underlying store is compacted, which stores on disk do by themselves.
 * - Detected: a record that was altered, moved to another key, removed (by `get`), or replaced by an older version of
 *   itself; the same for the keyring. Not detected: the whole store replaced by an older copy of itself; that is what
 *   the anchor of the underlying store is for.
 * - A listing holds all its results in memory, and reads all records that share the prefix up to its last `/`:
 *   end prefixes with `/`. Beyond the eighth `/`, a longer prefix doesn't reduce what is read.
 * - Values go up to `ENCRYPTED_VALUE_MAX_BYTES`.
 */
export interface EncryptedStore extends Store {
  /**
   * The continuity of the underlying store; if it has none, `new` when this call created the encrypted store, and
   * `continued` otherwise. Creating it is the first commit, so `lost` or `rolled-back` is reported only this once.
   */
  readonly continuity: Continuity;

  /**
   * Changes the passphrase and the data key, and compacts the underlying store if possible. The records stay as they are:
   * each has a key of its own. Anyone who knew the old passphrase and kept a copy of the old files can still read those;
   * the new passphrase opens nothing in them that was replaced or deleted.
   * @throws INVALID_ARGUMENT, STORE_UNAVAILABLE, CLOSED
   */
  changePassphrase(passphrase: string, cost?: PassphraseCost): Promise<void>;

  /**
   * Replaces the data key, and compacts the underlying store if possible: what was replaced or deleted before can't be
   * opened afterwards.
   * @throws STORE_UNAVAILABLE, CLOSED
   */
  compact(): Promise<void>;

  /**
   * Deletes all records that can't be opened any more, and returns how many there were. For when a listing ends with
   * STORE_CORRUPT or STORE_ROLLBACK: the keys of such records can't be read, so the caller can't delete them by key.
   * @throws STORE_UNAVAILABLE, CLOSED
   */
  removeDamaged(): Promise<number>;
}
