import { isDamage, SottoError, type Write } from '@sotto/core';
import type { AnyTable, Change, GroupCommit } from './group-commit.js';
import { decodeRecord, encodeRecord, recordKey, type Table } from './table.js';

/** How keys of records begin that the application keeps in the messenger's store. The messenger leaves them alone. */
export const APPLICATION_PREFIX = 'app/';

/**
 * What follows a commit, in this order:
 *
 * - `state`: what is in memory is brought in line with what is stored;
 * - `event`: the application is told;
 * - `subscribe`: the transport is told what we subscribe to;
 * - `send`: messages leave, and whatever else the commit sets going begins. An answer may come as soon as a message has
 *   left, so the subscription is in place by then.
 */
export const COMMIT_PHASES = ['state', 'event', 'subscribe', 'send'] as const;

export type CommitPhase = (typeof COMMIT_PHASES)[number];

/** Something to do after a commit. The phases after it wait for the promise that it may return. */
export type CommitHook = () => unknown;

/** A record with the segments of its key behind the name of its table. */
export interface KeyedRecord<T> {
  readonly segments: readonly string[];
  readonly value: T;
}

const NO_CHANGES: ReadonlyMap<string, Change> = new Map();

/** What a transaction sees of the store: all that was committed, and what it has changed itself. */
export class ReadTransaction {
  readonly #group: GroupCommit;
  readonly #own: ReadonlyMap<string, Change>;

  /** @internal Made by the `TransactionManager`. */
  constructor(group: GroupCommit, own: ReadonlyMap<string, Change> = NO_CHANGES) {
    this.#group = group;
    this.#own = own;
  }

  /**
   * A record as this transaction sees it. Records are immutable: change a copy and `put` it.
   * @throws STATE_CORRUPT, STATE_VERSION_UNSUPPORTED, and what the store throws
   */
  async get<T>(table: Table<T>, ...segments: readonly string[]): Promise<T | undefined> {
    const key = recordKey(table, segments);
    const { store, crypto, cache } = this.#group;
    const change = this.#changed(key);
    if (change !== undefined) return change.value as T | undefined;
    const cached = cache.get(key);
    if (cached !== undefined) {
      cache.delete(key);
      cache.set(key, cached);
      return cached.value as T | undefined;
    }
    const record = await store.get(key);
    const value = record && decodeRecord(crypto, table, key, record.value);
    if (table.cached) cache.set(key, { value, revision: record?.revision ?? 'absent' });
    return value;
  }

  /** Whether a record was deleted, and that is not stored yet. */
  deletes(table: AnyTable, ...segments: readonly string[]): boolean {
    const change = this.#changed(recordKey(table, segments));
    return change !== undefined && change.bytes === undefined;
  }

  /** What this transaction, or one before it in the same group commit, has made of a record. */
  #changed(key: string): Change | undefined {
    return this.#own.get(key) ?? this.#group.records.get(key);
  }

  /**
   * The stored records of a table in order of key, without what this transaction has changed so far. Damaged records
   * are handed to `onDamaged` and left out.
   */
  async *list<T>(
    table: Table<T>,
    segments: readonly string[] = [],
    onDamaged?: (key: string, error: unknown) => void,
  ): AsyncGenerator<KeyedRecord<T>> {
    const prefix = `${recordKey(table, segments)}/`;
    this.#group.checkStored(prefix);
    try {
      for await (const { key, value } of this.#group.store.list(prefix)) {
        let decoded: T;
        try {
          decoded = decodeRecord(this.#group.crypto, table, key, value);
        } catch (error) {
          if (onDamaged === undefined) throw error;
          onDamaged(key, error);
          continue;
        }
        yield { segments: segmentsOf(key), value: decoded };
      }
    } catch (error) {
      // A store that finds records damaged lists the others first.
      if (onDamaged === undefined || !isDamage(error)) throw error;
      onDamaged(prefix, error);
    }
  }

  /**
   * Some of the stored records of a table in order of key, for work that is done in pieces. Damaged ones are left out.
   * @param after the `next` of the page before; empty for the first
   * @returns `next`: where the next page begins, or `undefined` when this was the last
   */
  async page<T>(
    table: Table<T>,
    after: string,
    limit: number,
  ): Promise<{ readonly records: readonly KeyedRecord<T>[]; readonly next: string | undefined }> {
    const records: KeyedRecord<T>[] = [];
    const prefix = `${table.name}/`;
    this.#group.checkStored(prefix);
    let last: string | undefined;
    let seen = 0;
    try {
      const options = after === '' ? { limit } : { limit, after };
      for await (const { key, value } of this.#group.store.list(prefix, options)) {
        last = key;
        seen++;
        try {
          const decoded = decodeRecord(this.#group.crypto, table, key, value);
          records.push({ segments: segmentsOf(key), value: decoded });
        } catch (error) {
          if (!isDamage(error)) throw error;
        }
      }
    } catch (error) {
      if (!isDamage(error)) throw error;
    }
    return { records, next: seen < limit ? undefined : last };
  }

  /** The keys of a table's records in order, as segments. Those that the store finds damaged are left out. */
  async keys(
    table: AnyTable,
    segments: readonly string[] = [],
    limit?: number,
  ): Promise<(readonly string[])[]> {
    const found: (readonly string[])[] = [];
    const options = limit === undefined ? {} : { limit };
    const prefix = `${recordKey(table, segments)}/`;
    this.#group.checkStored(prefix);
    try {
      for await (const { key } of this.#group.store.list(prefix, options)) {
        found.push(segmentsOf(key));
      }
    } catch (error) {
      if (!isDamage(error)) throw error;
    }
    return found;
  }
}

/** What one transaction reads and changes: all of it is stored in one atomic commit, or nothing. */
export class Transaction extends ReadTransaction {
  readonly #group: GroupCommit;
  readonly #records: Map<string, Change>;
  readonly #alongside: Write[] = [];
  readonly #hooks = new Map<CommitPhase, CommitHook[]>();

  /** @internal Made by the `TransactionManager`. */
  constructor(group: GroupCommit) {
    const records = new Map<string, Change>();
    super(group, records);
    this.#group = group;
    this.#records = records;
  }

  put<T>(table: Table<T>, value: T, ...segments: readonly string[]): void {
    const key = recordKey(table, segments);
    this.#records.set(key, { table, value, bytes: encodeRecord(this.#group.crypto, table, key, value) });
  }

  delete(table: AnyTable, ...segments: readonly string[]): void {
    this.#records.set(recordKey(table, segments), { table, value: undefined, bytes: undefined });
  }

  /**
   * Adds writes of the application to the commit.
   * @throws INVALID_ARGUMENT for a key that doesn't begin with {@link APPLICATION_PREFIX}
   */
  alongside(writes: readonly Write[]): void {
    for (const { key } of writes) {
      if (!key.startsWith(APPLICATION_PREFIX)) {
        throw new SottoError(
          'INVALID_ARGUMENT',
          'Records of the application are stored under a prefix of their own.',
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
   * Does something once this transaction is committed, after what was registered before for the same phase. It never
   * happens when the commit fails, nor for a run that is done over. By then nothing can undo the commit: an error of a
   * hook keeps neither the other hooks nor the caller from going on, and is reported apart.
   */
  onCommit(phase: CommitPhase, hook: CommitHook): void {
    const hooks = this.#hooks.get(phase);
    if (hooks === undefined) this.#hooks.set(phase, [hook]);
    else hooks.push(hook);
  }

  /** @internal Adds what was changed to the group commit; gives what to do when that is stored. */
  join(): ReadonlyMap<CommitPhase, readonly CommitHook[]> {
    this.#group.add({ records: this.#records, alongside: this.#alongside });
    return this.#hooks;
  }
}

/** The part of a key behind the name of its table. */
function segmentsOf(key: string): readonly string[] {
  return key.split('/').slice(1).map(decodeURIComponent);
}
