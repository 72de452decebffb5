import { isDamage, SottoError, type Write } from '@sotto/core';
import type { Change, GroupCommit } from './group-commit.js';
import { decodeRecord, encodeRecord, recordKey, type Table } from './table.js';
import {
  type AnyTable,
  APPLICATION_PREFIX,
  type CommitHook,
  type CommitPhase,
  type KeyedRecord,
  type ReadTransaction,
  type Transaction,
} from './transaction.js';

const NO_CHANGES: ReadonlyMap<string, Change> = new Map();

/** What a transaction sees of the store: all that was committed, and what it has changed itself. */
export class StoreReadTransaction implements ReadTransaction {
  readonly #group: GroupCommit;
  readonly #own: ReadonlyMap<string, Change>;

  constructor(group: GroupCommit, own: ReadonlyMap<string, Change> = NO_CHANGES) {
    this.#group = group;
    this.#own = own;
  }

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

  deletes(table: AnyTable, ...segments: readonly string[]): boolean {
    const change = this.#changed(recordKey(table, segments));
    return change !== undefined && change.bytes === undefined;
  }

  /** What this transaction, or one before it in the same group commit, has made of a record. */
  #changed(key: string): Change | undefined {
    return this.#own.get(key) ?? this.#group.records.get(key);
  }

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

/** What one transaction reads and changes; its changes are stored in one atomic commit. */
export class StoreTransaction extends StoreReadTransaction implements Transaction {
  readonly #group: GroupCommit;
  readonly #records: Map<string, Change>;
  readonly #alongside: Write[] = [];
  readonly #hooks = new Map<CommitPhase, CommitHook[]>();

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

  onCommit(phase: CommitPhase, hook: CommitHook): void {
    const hooks = this.#hooks.get(phase);
    if (hooks === undefined) this.#hooks.set(phase, [hook]);
    else hooks.push(hook);
  }

  /** Adds the changes to the group commit; returns the hooks to run once it is stored. */
  join(): ReadonlyMap<CommitPhase, readonly CommitHook[]> {
    this.#group.add({ records: this.#records, alongside: this.#alongside });
    return this.#hooks;
  }
}

/** The part of a key behind the name of its table. */
function segmentsOf(key: string): readonly string[] {
  return key.split('/').slice(1).map(decodeURIComponent);
}
