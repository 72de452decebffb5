import type { Revision, Store, Write } from '@sotto/core';
import type { CryptoProvider } from '@sotto/crypto';
import type { AnyTable } from './transaction.js';

/** A record in memory, as the store has it. */
export interface CachedRecord {
  /** `undefined`: known to be absent. */
  readonly value: unknown;
  readonly revision: Revision | 'absent';
}

/** A record that was changed and is not stored yet. */
export interface Change {
  readonly table: AnyTable;
  /** The record as bytes; `undefined`: deleted. */
  readonly bytes: Uint8Array | undefined;
  readonly value: unknown;
}

/** What a transaction adds to a group commit. */
export interface Changes {
  /** By key. */
  readonly records: ReadonlyMap<string, Change>;
  /** The writes of the application. */
  readonly alongside: readonly Write[];
}

/** Thrown out of a transaction that needs the preceding transactions of its group to be committed first. */
export const COMMIT_FIRST = new Error('the preceding transactions have to be committed first');

/** The transactions that share one commit, as far as they have run. */
export class GroupCommit {
  readonly store: Store;
  readonly crypto: CryptoProvider;
  readonly cache: Map<string, CachedRecord>;
  /** What they have changed so far, by key. */
  readonly records = new Map<string, Change>();
  readonly #alongside = new Map<string, Write>();
  /** Bytes, roughly. */
  size = 0;
  /** Whether it has to be durable when it resolves: for a transaction of it, or since the store knows nothing else. */
  isStrict: boolean;

  constructor(store: Store, crypto: CryptoProvider, cache: Map<string, CachedRecord>) {
    this.store = store;
    this.isStrict = store.sync === undefined;
    this.crypto = crypto;
    this.cache = cache;
  }

  /** Throws {@link COMMIT_FIRST} if this group has uncommitted changes under a prefix. */
  checkStored(prefix: string): void {
    for (const key of this.records.keys()) if (key.startsWith(prefix)) throw COMMIT_FIRST;
  }

  /** Adds the changes of a transaction, atomically. */
  add({ records, alongside }: Changes): void {
    // An expectation of the application about a record that this group writes can be checked only after the commit.
    if (alongside.some(({ key, expect }) => expect !== undefined && this.#alongside.has(key)))
      throw COMMIT_FIRST;
    for (const [key, change] of records) {
      this.records.set(key, change);
      this.size += key.length + (change.bytes?.length ?? 0);
    }
    for (const write of alongside) {
      const earlier = this.#alongside.get(write.key);
      // The last write counts, with the expectation of the first.
      this.#alongside.set(
        write.key,
        earlier?.expect === undefined ? write : { ...write, expect: earlier.expect },
      );
      this.size += write.key.length + (write.type === 'put' ? write.value.length : 0);
    }
  }

  /** Whether there is nothing to commit. */
  get isEmpty(): boolean {
    return this.records.size + this.#alongside.size === 0;
  }

  /** Commits all changes atomically, or only makes durable what is. */
  async commit(): Promise<void> {
    if (this.isEmpty) return this.store.sync?.();
    const own = [...this.records].map(([key, { bytes }]): Write => {
      const expect = this.cache.get(key)?.revision;
      const expectation = expect === undefined ? {} : { expect };
      return bytes === undefined
        ? { type: 'delete', key, ...expectation }
        : { type: 'put', key, value: bytes, ...expectation };
    });
    const durability = this.isStrict ? 'strict' : 'relaxed';
    const revision = await this.store.commit([...own, ...this.#alongside.values()], { durability });
    for (const [key, { table, bytes, value }] of this.records) {
      this.cache.delete(key);
      if (table.cached) this.cache.set(key, { value, revision: bytes === undefined ? 'absent' : revision });
    }
  }
}
