import { forgetOldest, isSottoError, type Revision, SottoError, type Store, type Write } from '@sotto/core';
import type { CryptoProvider } from '@sotto/crypto';
import { decodeRecord, encodeRecord, recordKey, type Table } from './table.js';

/** How keys of records begin that the application keeps in the messenger's store. The messenger leaves them alone. */
export const APPLICATION_PREFIX = 'app/';

/** Decoded records kept in memory, and some more; others are read again from the store. */
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

/** Most steps that share a commit: what a burst brings, and few enough that the first of it doesn't wait long. */
const BATCH_STEPS = 64;
/** Bytes of a batch beyond which no further step joins it. */
const BATCH_BYTES = 1024 * 1024;

/** Thrown out of a step that has to see as stored what the batch before it has not committed yet. */
const COMMIT_FIRST = new Error('what came before has to be committed first');

/** A step that has to be run. */
interface WaitingStep {
  readonly step: (work: UnitOfWork) => Promise<unknown>;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
  /** How often it was done over because another writer was faster. */
  conflicts: number;
}

/**
 * The one way to the store: steps run one after another, and what a step changes becomes part of one atomic commit.
 * Steps that wait while a commit is under way share the next one; nobody learns what became of his step before it is
 * stored. Records are cached decoded; every write expects the revision that was read, so that a second writer on the
 * same store can't make a ratchet step happen twice.
 */
export class Ledger {
  readonly #store: Store;
  readonly #crypto: CryptoProvider;
  readonly #cache = new Map<string, Cached>();
  readonly #waiting: WaitingStep[] = [];
  #working: Promise<void> | undefined;
  /** How many of the steps that wait get a commit of their own, as the one that they shared met another writer. */
  #alone = 0;

  constructor(store: Store, crypto: CryptoProvider) {
    this.#store = store;
    this.#crypto = crypto;
  }

  /**
   * Runs a step alone and commits what it changed, or nothing when it throws. When another writer was faster, or the
   * commit can't be shared after all, the step is run again on what is there then, so it must do nothing but read and
   * write through its unit of work. When a shared commit fails, every step of it rejects with the store's error.
   */
  run<T>(step: (work: UnitOfWork) => Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push({ step, resolve: resolve as (value: unknown) => void, reject, conflicts: 0 });
      this.#working ??= this.#workOff();
    });
  }

  /** Resolves when all steps so far have ended. */
  async idle(): Promise<void> {
    await this.#working;
  }

  async #workOff(): Promise<void> {
    // In a later turn: what is asked for in this one joins.
    await undefined;
    while (this.#waiting.length > 0) await this.#commitBatch();
    this.#working = undefined;
  }

  async #commitBatch(): Promise<void> {
    const batch = new Batch(this.#store, this.#crypto, this.#cache);
    const members: WaitingStep[] = [];
    const outcomes: (() => void)[] = [];
    const most = this.#alone > 0 ? 1 : BATCH_STEPS;
    while (members.length < most && batch.size < BATCH_BYTES) {
      const next = this.#waiting[0];
      if (next === undefined) break;
      const outcome = await this.#runStep(batch, next);
      if (outcome === undefined) break;
      this.#waiting.shift();
      members.push(next);
      outcomes.push(outcome);
    }
    this.#alone = Math.max(0, this.#alone - members.length);
    try {
      await batch.commit();
    } catch (error) {
      this.#failed(members, error);
      return;
    } finally {
      // The oldest go first; reading a record again puts it at the end.
      forgetOldest(this.#cache, CACHED_RECORDS);
    }
    for (const outcome of outcomes) outcome();
  }

  /** What to tell of a step once the batch is stored; `undefined` when it has to be run after that. */
  async #runStep(batch: Batch, { step, resolve, reject }: WaitingStep): Promise<(() => void) | undefined> {
    const work = new UnitOfWork(batch);
    try {
      const value = await step(work);
      batch.add(work);
      return () => resolve(value);
    } catch (error) {
      if (error === COMMIT_FIRST) return undefined;
      // It may have been refused for what the batch holds, so that counts only once it is stored.
      return () => reject(error);
    }
  }

  #failed(members: readonly WaitingStep[], error: unknown): void {
    const isConflict = isSottoError(error, 'STORE_CONFLICT');
    if (isConflict) this.#cache.clear();
    // One of them may be to blame for what is no fault of the store; the others shall not suffer with it.
    const isOfOne = members.length > 1 && isSottoError(error) && !error.code.startsWith('STORE_');
    const again = members.filter((member) => (isConflict ? member.conflicts++ < CONFLICT_RETRIES : isOfOne));
    for (const member of members) if (!again.includes(member)) member.reject(error);
    this.#waiting.unshift(...again);
    this.#alone += again.length;
  }
}

interface Pending {
  readonly table: Pick<Table<unknown>, 'name' | 'cached'>;
  /** The record as bytes; `undefined`: deleted. */
  readonly bytes: Uint8Array | undefined;
  readonly value: unknown;
}

type AnyTable = Pending['table'];

/** What the steps of one commit have changed so far. */
class Batch {
  readonly store: Store;
  readonly crypto: CryptoProvider;
  readonly cache: Map<string, Cached>;
  readonly pending = new Map<string, Pending>();
  readonly #alongside = new Map<string, Write>();
  /** Bytes, roughly. */
  size = 0;

  constructor(store: Store, crypto: CryptoProvider, cache: Map<string, Cached>) {
    this.store = store;
    this.crypto = crypto;
    this.cache = cache;
  }

  /** Refuses what has to see as stored what this batch has changed under a prefix. */
  checkStored(prefix: string): void {
    for (const key of this.pending.keys()) if (key.startsWith(prefix)) throw COMMIT_FIRST;
  }

  /** Takes over what a step has changed; all of it or nothing. */
  add({ pending, writes }: UnitOfWork): void {
    // What the application expects of a record that this batch writes could be told only after the commit.
    if (writes.some(({ key, expect }) => expect !== undefined && this.#alongside.has(key)))
      throw COMMIT_FIRST;
    for (const [key, change] of pending) {
      this.pending.set(key, change);
      this.size += key.length + (change.bytes?.length ?? 0);
    }
    for (const write of writes) {
      const earlier = this.#alongside.get(write.key);
      // The last one holds, and what the first expected.
      this.#alongside.set(
        write.key,
        earlier?.expect === undefined ? write : { ...write, expect: earlier.expect },
      );
      this.size += write.key.length + (write.type === 'put' ? write.value.length : 0);
    }
  }

  /** Stores everything at once; nothing when nothing changed. */
  async commit(): Promise<void> {
    if (this.pending.size + this.#alongside.size === 0) return;
    const own = [...this.pending].map(([key, { bytes }]): Write => {
      const expect = this.cache.get(key)?.revision;
      const expectation = expect === undefined ? {} : { expect };
      return bytes === undefined
        ? { type: 'delete', key, ...expectation }
        : { type: 'put', key, value: bytes, ...expectation };
    });
    const revision = await this.store.commit([...own, ...this.#alongside.values()]);
    for (const [key, { table, bytes, value }] of this.pending) {
      this.cache.delete(key);
      if (table.cached) this.cache.set(key, { value, revision: bytes === undefined ? 'absent' : revision });
    }
  }
}

/**
 * What one step reads and changes. Records are immutable: change a copy and `put` it.
 */
export class UnitOfWork {
  readonly #batch: Batch;
  /** @internal What this step has changed. */
  readonly pending = new Map<string, Pending>();
  /** @internal The writes of the application. */
  readonly writes: Write[] = [];

  /** @internal Made by the {@link Ledger}. */
  constructor(batch: Batch) {
    this.#batch = batch;
  }

  /**
   * A record as this step sees it.
   * @throws STATE_CORRUPT, STATE_VERSION_UNSUPPORTED, and what the store throws
   */
  async get<T>(table: Table<T>, ...segments: readonly string[]): Promise<T | undefined> {
    const key = recordKey(table, segments);
    const { store, crypto, cache } = this.#batch;
    const pending = this.#changed(key);
    if (pending !== undefined) return pending.value as T | undefined;
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
    const pending = this.#changed(recordKey(table, segments));
    return pending !== undefined && pending.bytes === undefined;
  }

  /** What this step, or one before it in the same commit, has made of a record. */
  #changed(key: string): Pending | undefined {
    return this.pending.get(key) ?? this.#batch.pending.get(key);
  }

  put<T>(table: Table<T>, value: T, ...segments: readonly string[]): void {
    const key = recordKey(table, segments);
    this.pending.set(key, { table, value, bytes: encodeRecord(this.#batch.crypto, table, key, value) });
  }

  delete(table: AnyTable, ...segments: readonly string[]): void {
    this.pending.set(recordKey(table, segments), { table, value: undefined, bytes: undefined });
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
    this.writes.push(...writes);
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
    this.#batch.checkStored(prefix);
    try {
      for await (const { key, value } of this.#batch.store.list(prefix)) {
        let decoded: T;
        try {
          decoded = decodeRecord(this.#batch.crypto, table, key, value);
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
   * Some of the stored records of a table in order of key, for work that goes in pieces. Damaged ones are left out.
   * @param after the `next` of the piece before; empty for the first
   * @returns `next`: where the next piece begins, or `undefined` when this was the last
   */
  async page<T>(
    table: Table<T>,
    after: string,
    limit: number,
  ): Promise<{
    readonly records: readonly { readonly segments: readonly string[]; readonly value: T }[];
    readonly next: string | undefined;
  }> {
    const records: { readonly segments: readonly string[]; readonly value: T }[] = [];
    const prefix = `${table.name}/`;
    this.#batch.checkStored(prefix);
    let last: string | undefined;
    let seen = 0;
    try {
      const options = after === '' ? { limit } : { limit, after };
      for await (const { key, value } of this.#batch.store.list(prefix, options)) {
        last = key;
        seen++;
        try {
          const decoded = decodeRecord(this.#batch.crypto, table, key, value);
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
    this.#batch.checkStored(prefix);
    try {
      for await (const { key } of this.#batch.store.list(prefix, options)) {
        found.push(segmentsOf(key));
      }
    } catch (error) {
      if (!isDamage(error)) throw error;
    }
    return found;
  }
}

/** What stands in a key behind the name of its table. */
function segmentsOf(key: string): readonly string[] {
  return key.split('/').slice(1).map(decodeURIComponent);
}
