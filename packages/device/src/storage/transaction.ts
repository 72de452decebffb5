import type { Write } from '@sotto/core';
import type { Table } from './table.js';

/** How keys of records begin that the application keeps in the same store, beside the tables. Nothing else touches them. */
export const APPLICATION_PREFIX = 'app/';

/**
 * What follows a commit, in this order:
 *
 * - `state`: state in memory is updated;
 * - `event`: events are emitted to the application;
 * - `subscribe`: subscriptions are passed to the transport;
 * - `send`: messages are sent, and other background work starts. An answer may arrive as soon as a message is sent, so the
 *   subscription is in place by then.
 */
export const COMMIT_PHASES = ['state', 'event', 'subscribe', 'send'] as const;

/** A name of {@link COMMIT_PHASES}. */
export type CommitPhase = (typeof COMMIT_PHASES)[number];

/** How a transaction is committed. */
export interface TransactionOptions {
  /**
   * `relaxed`: resolves when the end of the process can't undo it; whether a power cut can is up to the store, see
   * `Store.commit`, until `Transactions.durable` resolves. Ignored for a transaction with hooks for `subscribe` or `send`: nothing leaves
   * before what it depends on is durable. Default `strict`.
   */
  readonly durability?: 'strict' | 'relaxed' | undefined;
}

/** Something to do after a commit. The phases after it wait for the promise that it may return. */
export type CommitHook = () => unknown;

/** A record with the segments of its key behind the name of its table. */
export interface KeyedRecord<T> {
  /** Unescaped. */
  readonly segments: readonly string[];
  /** Decoded; immutable, as it may be cached. */
  readonly value: T;
}

/** Any table, for what doesn't look into its records. */
export type AnyTable = Pick<Table<unknown>, 'name' | 'cached'>;

/** What a transaction sees of the store: all that was committed, and what it has changed itself. */
export interface ReadTransaction {
  /**
   * A record as this transaction sees it. Records are immutable: change a copy and `put` it.
   * @throws STATE_CORRUPT, STATE_VERSION_UNSUPPORTED, and what the store throws
   */
  get<T>(table: Table<T>, ...segments: readonly string[]): Promise<T | undefined>;

  /** Whether a record was deleted, and that is not stored yet. */
  deletes(table: AnyTable, ...segments: readonly string[]): boolean;

  /**
   * The stored records of a table in order of key, without what this transaction has changed so far. Damaged records
   * are handed to `onDamaged` and left out.
   * @throws what `get` throws, unless there is an `onDamaged`
   */
  list<T>(
    table: Table<T>,
    segments?: readonly string[],
    onDamaged?: (key: string, error: unknown) => void,
  ): AsyncGenerator<KeyedRecord<T>>;

  /**
   * Some of the stored records of a table in order of key, for work that is done in pieces. Damaged ones are left out.
   * @param after the `next` of the page before; empty for the first
   * @returns `next`: where the next page begins, or `undefined` when this was the last
   */
  page<T>(
    table: Table<T>,
    after: string,
    limit: number,
  ): Promise<{ readonly records: readonly KeyedRecord<T>[]; readonly next: string | undefined }>;

  /** The keys of a table's records in order, as segments. Those that the store finds damaged are left out. */
  keys(table: AnyTable, segments?: readonly string[], limit?: number): Promise<(readonly string[])[]>;
}

/** What one transaction reads and changes; its changes are stored in one atomic commit. */
export interface Transaction extends ReadTransaction {
  /** Writes a record. */
  put<T>(table: Table<T>, value: T, ...segments: readonly string[]): void;

  /** Deletes a record; does nothing when there is none. */
  delete(table: AnyTable, ...segments: readonly string[]): void;

  /**
   * Adds writes of the application to the commit.
   * @throws INVALID_ARGUMENT for a key that doesn't begin with {@link APPLICATION_PREFIX}
   */
  alongside(writes: readonly Write[]): void;

  /**
   * Does something once this transaction is committed, after what was registered before for the same phase. It never
   * happens when the commit fails, nor for a run that is repeated. By then nothing can undo the commit: an error of a
   * hook keeps neither the other hooks nor the caller from going on, and is reported apart.
   */
  onCommit(phase: CommitPhase, hook: CommitHook): void;
}

/** What transactions are run on. */
export interface Transactions {
  /**
   * Runs a transaction and commits its changes, or nothing when it throws; then runs its commit hooks. Resolves when the changes
   * are stored. It may be repeated when another writer was faster, so all its effects must go through `tx`.
   * @throws STORE codes, and what it throws itself
   */
  transaction<T>(run: (tx: Transaction) => Promise<T>, options?: TransactionOptions): Promise<T>;

  /**
   * Resolves when no power cut can undo what was committed so far: with the next strict commit, which this makes itself when none
   * comes at once. @throws STORE codes
   */
  durable(): Promise<void>;

  /** Runs a transaction that only reads. It sees what was committed, and commits nothing. @throws STORE codes */
  read<T>(run: (tx: ReadTransaction) => Promise<T>): Promise<T>;
}
