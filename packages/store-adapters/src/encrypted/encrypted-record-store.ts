import {
  type Argon2id,
  type Continuity,
  copyBytes,
  isDamage,
  isSottoError,
  type ListOptions,
  type RandomSource,
  type Revision,
  SerialQueue,
  SottoError,
  type Store,
  type StoreCommitOptions,
  type StoredEntry,
  type StoredRecord,
  type Write,
  wipeBytes,
} from '@sotto/core';
import {
  checkAborted,
  closedError,
  parseCommitDurability,
  parseKey,
  parseListRange,
  parseWrites,
} from '../store-arguments.js';
import type { EncryptedStore, EncryptedStoreOptions } from './encrypted-store.js';
import { type HiddenKey, KeyHider, recordName } from './hidden-key.js';
import {
  createWrappingKey,
  DEFAULT_PASSPHRASE_COST,
  KEYRING_KEY_LENGTH,
  openKeyring,
  type PassphraseCost,
  sealKeyring,
  type WrappingKey,
} from './keyring.js';
import { createLock, type Lock } from './lock.js';
import { type LockChange, LockTree, missing, openLocked, type RootKey, rolledBack } from './lock-tree.js';
import {
  decodeSealedRecord,
  ENCRYPTED_VALUE_MAX_BYTES,
  encodeSealedRecord,
  RecordSealer,
} from './sealed-record.js';

const KEYRING = 'k';
const RECORDS = 'r/';
const UNREADABLE = 'a record whose key cannot be read';

/**
 * Records written or deleted until the data key is replaced, which costs writing two records. Doing it sooner would not
 * help: the old key can be read from the files until the underlying store is compacted.
 */
const NEW_DATA_KEY_AFTER = 1000;

/** The secrets of an open store. */
interface Keys {
  readonly dataKey: Uint8Array;
  readonly nameKey: Uint8Array;
  readonly wrappingKey: WrappingKey;
}

export class EncryptedRecordStore implements EncryptedStore {
  readonly continuity: Continuity;
  /** As the underlying store. */
  readonly sync?: () => Promise<void>;
  readonly #store: Store;
  readonly #tree: LockTree;
  readonly #hider: KeyHider;
  readonly #randomBytes: RandomSource;
  readonly #argon2id: Argon2id | undefined;
  readonly #queue = new SerialQueue();
  /** The revision of the tree's root in the underlying store: any other writer changes it. */
  #rootRevision: Revision;
  #keys: Keys;
  /** Records changed since the data key was made; those of earlier sessions are counted by the commit. */
  #changes: number;
  #renewing = false;
  #closing: Promise<void> | undefined;

  private constructor(
    { store, randomBytes, argon2id }: EncryptedStoreOptions,
    keys: Keys,
    tree: LockTree,
    rootRevision: Revision,
    fallback: Continuity,
  ) {
    this.continuity = store.continuity ?? fallback;
    this.#store = store;
    this.#randomBytes = randomBytes;
    this.#argon2id = argon2id;
    this.#keys = keys;
    this.#hider = new KeyHider(keys.nameKey);
    this.#tree = tree;
    this.#rootRevision = rootRevision;
    this.#changes = tree.version - tree.keyringVersion;
    if (store.sync !== undefined) {
      this.sync = () =>
        this.#queue.run(async () => {
          this.#checkOpen();
          await store.sync?.();
        });
    }
  }

  static async open(options: EncryptedStoreOptions): Promise<EncryptedRecordStore> {
    const { store, passphrase, randomBytes, argon2id } = options;
    const keyring = await store.get(KEYRING);
    if (!keyring) return EncryptedRecordStore.#create(options);
    const { version, ...keys } = await openKeyring(keyring.value, passphrase, argon2id);
    const rootKey = { dataKey: keys.dataKey, keyringVersion: version };
    const { tree, revision } = await LockTree.load(store, randomBytes, rootKey);
    return new EncryptedRecordStore(options, keys, tree, revision, 'continued');
  }

  static async #create(options: EncryptedStoreOptions): Promise<EncryptedRecordStore> {
    const { store, passphrase, randomBytes, passphraseCost = DEFAULT_PASSPHRASE_COST, argon2id } = options;
    for await (const _ of store.list('', { limit: 1 })) throw missing('keyring');
    const wrappingKey = await createWrappingKey(passphrase, passphraseCost, randomBytes, argon2id);
    const [dataKey, nameKey] = [randomBytes(KEYRING_KEY_LENGTH), randomBytes(KEYRING_KEY_LENGTH)];
    const keys = { dataKey, nameKey, wrappingKey };
    const keyring = sealKeyring({ version: 1, dataKey, nameKey }, wrappingKey, randomBytes);
    const { tree, write } = LockTree.create(store, randomBytes, { dataKey, keyringVersion: 1 });
    const revision = await store.commit([
      { type: 'put', key: KEYRING, value: keyring, expect: 'absent' },
      write,
    ]);
    return new EncryptedRecordStore(options, keys, tree, revision, 'new');
  }

  async get(key: string): Promise<StoredRecord | undefined> {
    parseKey(key);
    this.#checkOpen();
    const hidden = this.#hider.hide(key);
    try {
      return await this.#get(key, hidden);
    } catch (error) {
      if (!isDamage(error)) throw error;
      // A commit may have happened between reading the record and its version; between commits, the result is reliable.
      return this.#queue.run(() => this.#get(key, hidden));
    }
  }

  async #get(key: string, { innerKey, name }: HiddenKey): Promise<StoredRecord | undefined> {
    this.#checkOpen();
    const [record, lock] = await Promise.all([this.#store.get(innerKey), this.#tree.lockOf(name)]);
    if (!record) {
      if (lock !== undefined) throw missing(key);
      return undefined;
    }
    this.#checkOpen();
    const plaintext = this.#openRecord(innerKey, record.value, lock, key);
    return { value: copyBytes(decodeSealedRecord(plaintext).value), revision: record.revision };
  }

  async *list(prefix: string, options: ListOptions = {}): AsyncGenerator<StoredEntry, void> {
    const { from, exclusive, below, limit } = parseListRange(prefix, options);
    const { signal } = options;
    checkAborted(signal, 'list');
    this.#checkOpen();
    // Between two commits, so that records and versions match.
    const { entries, damage } = await this.#queue.run(() =>
      this.#readAll(this.#hider.hidePrefix(prefix), signal),
    );
    const listed = entries
      .filter(({ key }) => (exclusive ? key > from : key >= from) && key < below)
      .sort((a, b) => (a.key < b.key ? -1 : 1))
      .slice(0, limit);
    for (const entry of listed) {
      checkAborted(signal, 'list');
      this.#checkOpen();
      yield entry;
    }
    checkAborted(signal, 'list');
    this.#checkOpen();
    if (damage[0]) throw damage[0].error;
  }

  async commit(writes: readonly Write[], options: StoreCommitOptions = {}): Promise<Revision> {
    parseWrites(writes, ENCRYPTED_VALUE_MAX_BYTES);
    parseCommitDurability(options.durability);
    checkAborted(options.signal, 'commit');
    this.#checkOpen();
    return this.#queue.run(async () => {
      checkAborted(options.signal, 'commit');
      const hidden = writes.map(({ key }) => this.#hider.hide(key));
      const version = this.#tree.version + 1;
      const changes: LockChange[] = [];
      const sealed = writes.map((write, i): Write => {
        const { innerKey, name } = hidden[i] as HiddenKey;
        if (write.type === 'delete') changes.push({ name, lock: undefined });
        if (write.type !== 'put') return { ...write, key: innerKey };
        const lock = createLock(version, this.#randomBytes);
        changes.push({ name, lock });
        const plaintext = encodeSealedRecord(write.key, write.value);
        const value = new RecordSealer(lock.key, this.#randomBytes).seal(innerKey, version, plaintext);
        wipeBytes(plaintext);
        return { ...write, key: innerKey, value };
      });
      try {
        const revision = await this.#commit(sealed, changes, undefined, options);
        this.#renewDataKeyBehind();
        return revision;
      } catch (error) {
        throw this.#revealConflict(error, writes, hidden);
      }
    });
  }

  changePassphrase(passphrase: string, cost: PassphraseCost = DEFAULT_PASSPHRASE_COST): Promise<void> {
    return this.#queue.run(async () => {
      this.#checkOpen();
      const old = this.#keys.wrappingKey;
      await this.#renewDataKey(await createWrappingKey(passphrase, cost, this.#randomBytes, this.#argon2id));
      wipeBytes(old.key);
      // The old keyring is useless now, so the change has taken effect even if the files can't be rewritten at the moment.
      await this.#store.compact?.().catch(() => {});
    });
  }

  compact(): Promise<void> {
    return this.#queue.run(async () => {
      this.#checkOpen();
      if (this.#changes > 0) await this.#renewDataKey();
      await this.#store.compact?.();
    });
  }

  removeDamaged(): Promise<number> {
    return this.#queue.run(async () => {
      this.#checkOpen();
      const { damage } = await this.#readAll(RECORDS);
      const writes = damage.map(({ innerKey }): Write => ({ type: 'delete', key: innerKey }));
      const changes = damage.flatMap(({ innerKey }) => {
        const name = recordName(innerKey);
        return name === undefined ? [] : [{ name, lock: undefined }];
      });
      if (writes.length > 0) await this.#commit(writes, changes);
      return writes.length;
    });
  }

  close(): Promise<void> {
    this.#closing ??= this.#queue.run(async () => {
      // Before the underlying store compacts itself. A failure doesn't prevent closing: it is retried next time.
      if (this.#changes > 0) await this.#renewDataKey().catch(() => {});
      await this.#store.close();
      const { dataKey, nameKey, wrappingKey } = this.#keys;
      wipeBytes(dataKey, nameKey, wrappingKey.key);
      this.#hider.destroy();
      this.#tree.destroy();
    });
    return this.#closing;
  }

  /** Replaces the data key after the commits already queued, once enough has changed. */
  #renewDataKeyBehind(): void {
    if (this.#changes < NEW_DATA_KEY_AFTER || this.#renewing) return;
    this.#renewing = true;
    void this.#queue
      .run(async () => {
        if (!this.#closing) await this.#renewDataKey();
      })
      // Retried after the next commit, which reports to its caller if the underlying store fails.
      .catch(() => {})
      .finally(() => {
        this.#renewing = false;
      });
  }

  /**
   * Seals the root under a new data key. From then on, everything replaced or deleted earlier can be opened only with the old
   * keyring, which the underlying store deletes now and overwrites when it is compacted.
   */
  async #renewDataKey(wrappingKey = this.#keys.wrappingKey): Promise<void> {
    const version = this.#tree.version + 1;
    const { dataKey: old, nameKey } = this.#keys;
    const dataKey = this.#randomBytes(KEYRING_KEY_LENGTH);
    const value = sealKeyring({ version, dataKey, nameKey }, wrappingKey, this.#randomBytes);
    await this.#commit([{ type: 'put', key: KEYRING, value }], [], { dataKey, keyringVersion: version });
    this.#keys = { dataKey, nameKey, wrappingKey };
    this.#changes = 0;
    wipeBytes(old);
  }

  #openRecord(innerKey: string, sealed: Uint8Array, lock: Lock | undefined, what: string): Uint8Array {
    // A record that was deleted or never existed.
    if (lock === undefined) throw rolledBack(what);
    return openLocked(innerKey, sealed, lock, what, this.#randomBytes);
  }

  /** Commits to the underlying store, together with the updated tree. */
  async #commit(
    writes: readonly Write[],
    changes: readonly LockChange[],
    rootKey?: RootKey,
    options?: StoreCommitOptions,
  ): Promise<Revision> {
    if (changes.length === 0 && rootKey === undefined) return this.#store.commit(writes, options);
    const staged = await this.#tree.stage(this.#tree.version + 1, changes, rootKey);
    const nodes = staged.writes.map(
      (write): Write => (LockTree.isRoot(write.key) ? { ...write, expect: this.#rootRevision } : write),
    );
    const revision = await this.#store.commit([...writes, ...nodes], options);
    staged.apply();
    this.#rootRevision = revision;
    this.#changes += changes.length;
    return revision;
  }

  /** Opens everything below a hidden prefix, and separates what can't be opened. */
  async #readAll(
    innerPrefix: string,
    signal?: AbortSignal,
  ): Promise<{ entries: StoredEntry[]; damage: { innerKey: string; error: unknown }[] }> {
    const entries: StoredEntry[] = [];
    const damage: { innerKey: string; error: unknown }[] = [];
    for await (const { key: innerKey, value, revision } of this.#store.list(
      innerPrefix,
      signal ? { signal } : {},
    )) {
      try {
        const name = recordName(innerKey);
        const lock = name === undefined ? undefined : await this.#tree.lockOf(name);
        const record = decodeSealedRecord(this.#openRecord(innerKey, value, lock, UNREADABLE));
        entries.push({ key: record.key, value: copyBytes(record.value), revision });
      } catch (error) {
        if (!isDamage(error)) throw error;
        damage.push({ innerKey, error });
      }
    }
    return { entries, damage };
  }

  /** Translates a conflict in the underlying store into the caller's terms. */
  #revealConflict(error: unknown, writes: readonly Write[], hidden: readonly HiddenKey[]): unknown {
    if (!isSottoError(error, 'STORE_CONFLICT')) return error;
    const { key: innerKey } = error.details;
    if (LockTree.isRoot(innerKey)) {
      const message = 'Another writer has changed the underlying store.';
      return new SottoError('STORE_LOCKED', message, { where: 'encrypted store' }, { cause: error });
    }
    const key = writes[hidden.findIndex((one) => one.innerKey === innerKey)]?.key ?? '';
    return new SottoError('STORE_CONFLICT', error.message, { key }, { cause: error });
  }

  #checkOpen(): void {
    if (this.#closing) throw closedError();
  }
}
