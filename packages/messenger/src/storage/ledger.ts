import { isSottoError, type Revision, SottoError, type Store, type Write } from '@sotto/core';
import type { CryptoProvider } from '@sotto/crypto';
import { decodeRecord, encodeRecord, recordKey, type Table } from './table.js';

/** How keys of records begin that the application keeps in the messenger's store. The messenger leaves them alone. */
export const APPLICATION_PREFIX = 'app/';

/** Decoded records kept in memory; more are read again from the store. */
const CACHED_RECORDS = 4096;
/** How often a step is done over because another writer was faster. */
const CONFLICT_RETRIES = 3;

/** Whether an error tells of one damaged record, of which the rest of the store knows nothing. */
export function isDamage(error: unknown): boolean {
  return (
    isSottoError(error, 'STATE_CORRUPT') ||
    isSottoError(error, 'STORE_CORRUPT') ||
    isSottoError(error, 'STORE_ROLLBACK')
  );
}

interface Cached {
  /** `undefined`: known to be absent. */
  readonly value: unknown;
  readonly revision: Revision | 'absent';
}

/**
 * The one way to the store: steps run one after another, and what a step changes becomes one atomic commit.
 * Records are cached decoded; every write expects the revision that was read, so that a second writer on the same
 * store can't make a ratchet step happen twice.
 */
export class Ledger {
  readonly #store: Store;
  readonly #crypto: CryptoProvider;
  readonly #cache = new Map<string, Cached>();
  #tail: Promise<unknown> = Promise.resolve();

  constructor(store: Store, crypto: CryptoProvider) {
    this.#store = store;
    this.#crypto = crypto;
  }

  /**
   * Runs a step alone and commits what it changed, or nothing when it throws. When another writer was faster the
   * step is run again on what is there then, so it must do nothing but read and write through its unit of work.
   */
  async run<T>(step: (work: UnitOfWork) => Promise<T>): Promise<T> {
    const result = this.#tail.then(() => this.#attempt(step, CONFLICT_RETRIES));
    this.#tail = result.catch(() => undefined);
    return result;
  }

  /** Resolves when all steps so far have ended. */
  async idle(): Promise<void> {
    await this.#tail;
  }

  async #attempt<T>(step: (work: UnitOfWork) => Promise<T>, retries: number): Promise<T> {
    const work = new UnitOfWork(this.#store, this.#crypto, this.#cache);
    try {
      const result = await step(work);
      await work.commit();
      return result;
    } catch (error) {
      if (!isSottoError(error, 'STORE_CONFLICT')) throw error;
      this.#cache.clear();
      if (retries === 0) throw error;
      return this.#attempt(step, retries - 1);
    } finally {
      // The oldest go first; reading a record again puts it at the end.
      for (const key of this.#cache.keys()) {
        if (this.#cache.size <= CACHED_RECORDS) break;
        this.#cache.delete(key);
      }
    }
  }
}

interface Pending {
  readonly table: Pick<Table<unknown>, 'name' | 'cached'>;
  /** The record as bytes; `undefined`: deleted. */
  readonly bytes: Uint8Array | undefined;
  readonly value: unknown;
}

type AnyTable = Pending['table'];

/**
 * What one step reads and changes. Records are immutable: change a copy and `put` it.
 */
export class UnitOfWork {
  readonly #store: Store;
  readonly #crypto: CryptoProvider;
  readonly #cache: Map<string, Cached>;
  readonly #pending = new Map<string, Pending>();
  readonly #alongside: Write[] = [];

  constructor(store: Store, crypto: CryptoProvider, cache: Map<string, Cached>) {
    this.#store = store;
    this.#crypto = crypto;
    this.#cache = cache;
  }

  /**
   * A record as this step sees it.
   * @throws STATE_CORRUPT, STATE_VERSION_UNSUPPORTED, and what the store throws
   */
  async get<T>(table: Table<T>, ...segments: readonly string[]): Promise<T | undefined> {
    const key = recordKey(table, segments);
    const pending = this.#pending.get(key);
    if (pending !== undefined) return pending.value as T | undefined;
    const cached = this.#cache.get(key);
    if (cached !== undefined) {
      this.#cache.delete(key);
      this.#cache.set(key, cached);
      return cached.value as T | undefined;
    }
    const record = await this.#store.get(key);
    const value = record && decodeRecord(this.#crypto, table, key, record.value);
    if (table.cached) this.#cache.set(key, { value, revision: record?.revision ?? 'absent' });
    return value;
  }

  put<T>(table: Table<T>, value: T, ...segments: readonly string[]): void {
    const key = recordKey(table, segments);
    this.#pending.set(key, { table, value, bytes: encodeRecord(this.#crypto, table, key, value) });
  }

  delete(table: AnyTable, ...segments: readonly string[]): void {
    this.#pending.set(recordKey(table, segments), { table, value: undefined, bytes: undefined });
  }

  /**
   * Adds writes of the application to the commit of this step.
   * @throws INVALID_ARGUMENT for a key that doesn't begin with {@link APPLICATION_PREFIX}
   */
  alongside(writes: readonly Write[]): void {
    for (const { key } of writes) {
      if (!key.startsWith(APPLICATION_PREFIX)) {
        throw new SottoError(
          'INVALID_ARGUMENT',
          'Records of the application stand under a prefix of their own.',
          {
            what: 'key of a record',
            reason: `doesn't begin with ${APPLICATION_PREFIX}`,
          },
        );
      }
    }
    this.#alongside.push(...writes);
  }

  /**
   * The stored records of a table in order of key, without what this step has changed so far. Damaged records
   * are handed to `onDamaged` and left out.
   */
  async *list<T>(
    table: Table<T>,
    segments: readonly string[] = [],
    onDamaged?: (key: string, error: unknown) => void,
  ): AsyncGenerator<{ readonly segments: readonly string[]; readonly value: T }> {
    const prefix = `${recordKey(table, segments)}/`;
    try {
      for await (const { key, value } of this.#store.list(prefix)) {
        let decoded: T;
        try {
          decoded = decodeRecord(this.#crypto, table, key, value);
        } catch (error) {
          if (onDamaged === undefined) throw error;
          onDamaged(key, error);
          continue;
        }
        yield { segments: key.split('/').slice(1).map(decodeURIComponent), value: decoded };
      }
    } catch (error) {
      // A store that finds records damaged lists the others first.
      if (onDamaged === undefined || !isDamage(error)) throw error;
      onDamaged(prefix, error);
    }
  }

  /** The keys of a table's records in order, as segments. Those that the store finds damaged are left out. */
  async keys(
    table: AnyTable,
    segments: readonly string[] = [],
    limit?: number,
  ): Promise<(readonly string[])[]> {
    const found: (readonly string[])[] = [];
    const options = limit === undefined ? {} : { limit };
    try {
      for await (const { key } of this.#store.list(`${recordKey(table, segments)}/`, options)) {
        found.push(key.split('/').slice(1).map(decodeURIComponent));
      }
    } catch (error) {
      if (!isDamage(error)) throw error;
    }
    return found;
  }

  /** Stores everything at once; nothing when nothing changed. */
  async commit(): Promise<void> {
    if (this.#pending.size + this.#alongside.length === 0) return;
    const own = [...this.#pending].map(([key, { bytes }]): Write => {
      const expect = this.#cache.get(key)?.revision;
      const expectation = expect === undefined ? {} : { expect };
      return bytes === undefined
        ? { type: 'delete', key, ...expectation }
        : { type: 'put', key, value: bytes, ...expectation };
    });
    const revision = await this.#store.commit([...own, ...this.#alongside]);
    for (const [key, { table, bytes, value }] of this.#pending) {
      this.#cache.delete(key);
      if (table.cached) this.#cache.set(key, { value, revision: bytes === undefined ? 'absent' : revision });
    }
    this.#pending.clear();
    this.#alongside.length = 0;
  }
}
