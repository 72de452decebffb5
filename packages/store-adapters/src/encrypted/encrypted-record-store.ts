import { hkdf } from '@noble/hashes/hkdf.js';
import { sha256 } from '@noble/hashes/sha2.js';
import {
  encodeUtf8,
  isSottoError,
  type ListOptions,
  type RandomSource,
  type Revision,
  SottoError,
  type Store,
  type StoredEntry,
  type StoredRecord,
  type Write,
  wipeBytes,
} from '@sotto/core';
import { type Continuity, continuityOf } from '../durable-store.js';
import { SerialQueue } from '../serial-queue.js';
import { checkAborted, closedError, parseKey, parseListRange, parseWrites } from '../store-arguments.js';
import type { EncryptedStore, EncryptedStoreOptions } from './encrypted-store.js';
import { type HiddenKey, KeyHider, recordName } from './hidden-key.js';
import {
  DATA_KEY_LENGTH,
  DEFAULT_PASSPHRASE_COST,
  openKeyring,
  type PassphraseCost,
  sealKeyring,
} from './keyring.js';
import {
  decodeSealedRecord,
  ENCRYPTED_VALUE_MAX_BYTES,
  encodeSealedRecord,
  RecordSealer,
} from './sealed-record.js';
import { missing, rolledBack, VersionTree } from './version-tree.js';

const KEYRING = 'k';
const RECORDS = 'r/';
const UNREADABLE = 'a record whose key cannot be read';

/** The secrets of an open store. */
interface Keys {
  readonly dataKey: Uint8Array;
  readonly recordKey: Uint8Array;
  readonly sealer: RecordSealer;
  readonly hider: KeyHider;
}

export class EncryptedRecordStore implements EncryptedStore {
  readonly continuity: Continuity;
  readonly #store: Store;
  readonly #keys: Keys;
  readonly #tree: VersionTree;
  readonly #randomBytes: RandomSource;
  readonly #queue = new SerialQueue();
  /** The revision of the tree's root underneath: whoever else writes there changes it. */
  #rootRevision: Revision;
  #closing: Promise<void> | undefined;

  private constructor(
    { store, randomBytes }: EncryptedStoreOptions,
    keys: Keys,
    tree: VersionTree,
    rootRevision: Revision,
    fallback: Continuity,
  ) {
    this.continuity = continuityOf(store) ?? fallback;
    this.#store = store;
    this.#randomBytes = randomBytes;
    this.#keys = keys;
    this.#tree = tree;
    this.#rootRevision = rootRevision;
  }

  static async open(options: EncryptedStoreOptions): Promise<EncryptedRecordStore> {
    const { store, passphrase, randomBytes } = options;
    const keyring = await store.get(KEYRING);
    if (!keyring) return EncryptedRecordStore.#create(options);
    const { version, dataKey } = await openKeyring(keyring.value, passphrase);
    const keys = deriveKeys(dataKey, randomBytes);
    const { tree, revision } = await VersionTree.load(store, keys.sealer);
    if (tree.keyringVersion !== version) throw rolledBack('keyring');
    return new EncryptedRecordStore(options, keys, tree, revision, 'continued');
  }

  static async #create(options: EncryptedStoreOptions): Promise<EncryptedRecordStore> {
    const { store, passphrase, randomBytes, passphraseCost = DEFAULT_PASSPHRASE_COST } = options;
    for await (const _ of store.list('', { limit: 1 })) throw missing('keyring');
    const dataKey = randomBytes(DATA_KEY_LENGTH);
    const keys = deriveKeys(dataKey, randomBytes);
    const keyring = await sealKeyring({ version: 1, dataKey }, passphrase, passphraseCost, randomBytes);
    const { tree, write } = VersionTree.create(store, keys.sealer, 1);
    const revision = await store.commit([
      { type: 'put', key: KEYRING, value: keyring, expect: 'absent' },
      write,
    ]);
    return new EncryptedRecordStore(options, keys, tree, revision, 'new');
  }

  async get(key: string): Promise<StoredRecord | undefined> {
    parseKey(key);
    this.#checkOpen();
    const hidden = this.#keys.hider.hide(key);
    try {
      return await this.#get(key, hidden);
    } catch (error) {
      if (!isDamage(error)) throw error;
      // A commit may have come between reading the record and its version. Between commits it is certain.
      return this.#queue.run(() => this.#get(key, hidden));
    }
  }

  async #get(key: string, { innerKey, name }: HiddenKey): Promise<StoredRecord | undefined> {
    this.#checkOpen();
    const [record, expected] = await Promise.all([
      this.#store.get(innerKey),
      this.#tree.expectedVersion(name),
    ]);
    if (!record) {
      if (expected !== undefined) throw missing(key);
      return undefined;
    }
    this.#checkOpen();
    const { version, plaintext } = this.#keys.sealer.open(innerKey, record.value, key);
    if (version !== expected) throw rolledBack(key);
    return { value: decodeSealedRecord(plaintext).value.slice(), revision: record.revision };
  }

  async *list(prefix: string, options: ListOptions = {}): AsyncGenerator<StoredEntry, void> {
    const { from, exclusive, below, limit } = parseListRange(prefix, options);
    const { signal } = options;
    checkAborted(signal, 'list');
    this.#checkOpen();
    // Between two commits, so that records and versions belong together.
    const { entries, damage } = await this.#queue.run(() =>
      this.#readAll(this.#keys.hider.hidePrefix(prefix), signal),
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

  async commit(writes: readonly Write[], options: { readonly signal?: AbortSignal } = {}): Promise<Revision> {
    parseWrites(writes, ENCRYPTED_VALUE_MAX_BYTES);
    checkAborted(options.signal, 'commit');
    this.#checkOpen();
    return this.#queue.run(async () => {
      checkAborted(options.signal, 'commit');
      const hidden = writes.map(({ key }) => this.#keys.hider.hide(key));
      const version = this.#tree.version + 1;
      const sealed = writes.map((write, i): Write => {
        const { innerKey } = hidden[i] as HiddenKey;
        if (write.type !== 'put') return { ...write, key: innerKey };
        const plaintext = encodeSealedRecord(write.key, write.value);
        const value = this.#keys.sealer.seal(innerKey, version, plaintext);
        wipeBytes(plaintext);
        return { ...write, key: innerKey, value };
      });
      const changes = writes.flatMap(({ type }, i) =>
        type === 'check' ? [] : [{ name: (hidden[i] as HiddenKey).name, deleted: type === 'delete' }],
      );
      try {
        return await this.#commit(sealed, changes, this.#tree.keyringVersion, options);
      } catch (error) {
        throw this.#revealConflict(error, writes, hidden);
      }
    });
  }

  changePassphrase(passphrase: string, cost: PassphraseCost = DEFAULT_PASSPHRASE_COST): Promise<void> {
    return this.#queue.run(async () => {
      this.#checkOpen();
      const version = this.#tree.keyringVersion + 1;
      const { dataKey } = this.#keys;
      const value = await sealKeyring({ version, dataKey }, passphrase, cost, this.#randomBytes);
      await this.#commit([{ type: 'put', key: KEYRING, value }], [], version);
    });
  }

  removeDamaged(): Promise<number> {
    return this.#queue.run(async () => {
      this.#checkOpen();
      const { damage } = await this.#readAll(RECORDS);
      const writes = damage.map(({ innerKey }): Write => ({ type: 'delete', key: innerKey }));
      const changes = damage.flatMap(({ innerKey }) => {
        const name = recordName(innerKey);
        return name === undefined ? [] : [{ name, deleted: true }];
      });
      if (writes.length > 0) await this.#commit(writes, changes, this.#tree.keyringVersion);
      return writes.length;
    });
  }

  close(): Promise<void> {
    this.#closing ??= this.#queue.run(async () => {
      await this.#store.close();
      wipeBytes(this.#keys.dataKey, this.#keys.recordKey);
      this.#keys.hider.destroy();
    });
    return this.#closing;
  }

  /** Commits underneath, together with the tree that belongs to it. */
  async #commit(
    writes: readonly Write[],
    changes: readonly { readonly name: string; readonly deleted: boolean }[],
    keyringVersion: number,
    options?: { readonly signal?: AbortSignal },
  ): Promise<Revision> {
    if (changes.length === 0 && keyringVersion === this.#tree.keyringVersion) {
      return this.#store.commit(writes, options);
    }
    const staged = await this.#tree.stage(this.#tree.version + 1, keyringVersion, changes);
    const nodes = staged.writes.map(
      (write): Write => (VersionTree.isRoot(write.key) ? { ...write, expect: this.#rootRevision } : write),
    );
    const revision = await this.#store.commit([...writes, ...nodes], options);
    staged.apply();
    this.#rootRevision = revision;
    return revision;
  }

  /** Opens everything below a hidden prefix, and tells apart what can't be. */
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
        const { version, plaintext } = this.#keys.sealer.open(innerKey, value, UNREADABLE);
        const record = decodeSealedRecord(plaintext);
        // What opens stands where it was sealed, and so under a name.
        const name = recordName(innerKey) as string;
        if (version !== (await this.#tree.expectedVersion(name))) throw rolledBack(record.key);
        entries.push({ key: record.key, value: record.value.slice(), revision });
      } catch (error) {
        if (!isDamage(error)) throw error;
        damage.push({ innerKey, error });
      }
    }
    return { entries, damage };
  }

  /** A conflict underneath in the caller's terms. */
  #revealConflict(error: unknown, writes: readonly Write[], hidden: readonly HiddenKey[]): unknown {
    if (!isSottoError(error, 'STORE_CONFLICT')) return error;
    const { key: innerKey } = error.details;
    if (VersionTree.isRoot(innerKey)) {
      const message = 'Somebody else is writing to the store underneath.';
      return new SottoError('STORE_LOCKED', message, { where: 'encrypted store' }, { cause: error });
    }
    const key = writes[hidden.findIndex((one) => one.innerKey === innerKey)]?.key ?? '';
    return new SottoError('STORE_CONFLICT', error.message, { key }, { cause: error });
  }

  #checkOpen(): void {
    if (this.#closing) throw closedError();
  }
}

function deriveKeys(dataKey: Uint8Array, randomBytes: RandomSource): Keys {
  const derive = (use: string) =>
    hkdf(sha256, dataKey, undefined, encodeUtf8(`sotto encrypted store: ${use}`), 32);
  const recordKey = derive('records');
  const nameKey = derive('names');
  const hider = new KeyHider(nameKey);
  wipeBytes(nameKey);
  return { dataKey, recordKey, sealer: new RecordSealer(recordKey, randomBytes), hider };
}

function isDamage(error: unknown): boolean {
  return isSottoError(error, 'STORE_CORRUPT') || isSottoError(error, 'STORE_ROLLBACK');
}
