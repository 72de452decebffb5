import type { Argon2id, Continuity, RandomSource, Store } from '@sotto/core';
import type { PassphraseCost } from './keyring.js';

/** Options of `createEncryptedStore`. */
export interface EncryptedStoreOptions {
  /**
   * Where the sealed records are kept; nothing else may be in it. The encrypted store closes it when it is closed
   * itself. It stays open, and the caller's, when opening fails.
   */
  readonly store: Store;
  /**
   * Compared after Unicode normalisation (NFKD). Not blank; how good it has to be is for the application to say, which
   * can tell people about it.
   */
  readonly passphrase: string;
  /** For keys and nonces. */
  readonly randomBytes: RandomSource;
  /**
   * What a guess at the passphrase costs, for a store that is made now; an existing one has its own written down.
   * Default `DEFAULT_PASSPHRASE_COST`.
   */
  readonly passphraseCost?: PassphraseCost;
  /**
   * Derives a key from the passphrase. Default: Argon2id in JavaScript (@noble/hashes). `loadArgon2id` of
   * `@sotto/crypto/webassembly` is several times as fast, and gives the same keys.
   */
  readonly argon2id?: Argon2id;
}

/**
 * A store whose records are sealed with XChaCha20-Poly1305.
 *
 * - Hidden: values, keys of records, how keys are spelled. Not hidden: how many records there are, how long, which
 *   of them share a `/`-separated beginning, and when each was written.
 * - Gone: what was replaced or deleted, and all old nodes of the index, can't be opened with the keys that the store has
 *   now, not even by who has old files and learns the passphrase, except with an old keyring and its own passphrase. The
 *   data key is replaced and the old keyring deleted after 1000 changes, by `compact`, and when the store is closed; from
 *   the files it goes when the store underneath is compacted, which those on disks do by themselves.
 * - Noticed: a record that was altered, moved under another key, removed (by `get`), or replaced by an older one of
 *   its own; the same for the keyring. Not noticed: that the whole store was replaced by an older copy of itself,
 *   for which the store underneath has its anchor.
 * - A listing holds all that it gives in memory, and reads all records that share the prefix up to its last `/`:
 *   end prefixes with `/`. Beyond the eighth `/` of a key a prefix narrows nothing down.
 * - Values go up to `ENCRYPTED_VALUE_MAX_BYTES`.
 */
export interface EncryptedStore extends Store {
  /**
   * What the store underneath says of its past; without a word of it, `new` when this opening made the encrypted store,
   * else `continued`. Making one is the first commit: after `lost` or `rolled-back` it is said this once.
   */
  readonly continuity: Continuity;

  /**
   * Makes another passphrase the one that opens the store, with a new data key, and compacts the store underneath where
   * it can. The records stay as they are: each has a key of its own. Who knew the old passphrase and kept a copy of the
   * old files can still read those; the new passphrase opens nothing of them that was replaced or deleted.
   * @throws INVALID_ARGUMENT, STORE_UNAVAILABLE, CLOSED
   */
  changePassphrase(passphrase: string, cost?: PassphraseCost): Promise<void>;

  /**
   * Replaces the data key, and compacts the store underneath where it can: what was replaced or deleted before can't be
   * opened afterwards.
   * @throws STORE_UNAVAILABLE, CLOSED
   */
  compact(): Promise<void>;

  /**
   * Deletes all records that can't be opened any more, and answers how many there were. For what a listing ends with
   * STORE_CORRUPT or STORE_ROLLBACK for: the key of such a record can't be read, so it can't be named.
   * @throws STORE_UNAVAILABLE, CLOSED
   */
  removeDamaged(): Promise<number>;
}
