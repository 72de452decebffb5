import { copyBytes, SottoError } from '@sotto/core';
import type { EngineChange, KeyRange, StorageEngine } from './storage-engine.js';
import { AFTER_ALL_KEYS } from './store-arguments.js';

/** Sorts before the header of a store. */
const BELOW_ALL_KEYS = '\x00';

/** The part of an abstract-level database that is used; each call passes its encodings. */
export interface LevelDatabase {
  /** Opens it, and locks it against other processes where those could open it. */
  open(): Promise<void>;
  /** Closes it. It may be opened again. */
  close(): Promise<void>;
  /** The value under a key, if there is one. */
  get(key: string, options: LevelEncodings): Promise<Uint8Array | undefined>;
  /** Pairs of a range in ascending order of their keys. */
  iterator(
    options: LevelEncodings & {
      gt?: string | undefined;
      gte?: string | undefined;
      lt: string;
      limit: number;
    },
  ): {
    all(): Promise<[string, Uint8Array][]>;
  };
  /** Applies all operations atomically. */
  batch(operations: LevelOperation[], options: LevelEncodings & { sync: boolean }): Promise<void>;
}

/** The encodings of a call: keys are text, values are bytes. */
export interface LevelEncodings {
  /** Text. */
  readonly keyEncoding: 'utf8';
  /** `Uint8Array`. */
  readonly valueEncoding: 'view';
}

/** An operation of a `batch`. */
export type LevelOperation = { type: 'put'; key: string; value: Uint8Array } | { type: 'del'; key: string };

const encodings: LevelEncodings = { keyEncoding: 'utf8', valueEncoding: 'view' };

/** Keys and values in bytes, roughly, that wait for LevelDB's next write to the disk; beyond that a relaxed write waits for it. */
const MOST_UNSYNCED_BYTES = 256 * 1024;

/** Access to the files of a database on a disk. */
export interface LevelFiles {
  /** Rejects when there is no room to rewrite so many bytes now. */
  checkRoom(bytes: number): Promise<void>;
  /** Deletes the logs of LevelDB's activity, which contain keys of records. Called when it is closed. */
  deleteReports(): Promise<void>;
}

/** A {@link StorageEngine} on an abstract-level database, which it closes. */
export class LevelEngine implements StorageEngine {
  readonly #database: LevelDatabase;
  readonly #sync: boolean;
  readonly #where: string;
  readonly #files: LevelFiles | undefined;
  /** Frees what was deleted; absent where the database can't. */
  readonly compact?: () => Promise<void>;
  /** Doesn't wait for the disk; absent where nothing does. */
  readonly writeRelaxed?: (changes: readonly EngineChange[]) => Promise<void>;
  /**
   * What was written since LevelDB last waited for the disk, by key; each write repeats it. Otherwise a power cut could undo an earlier
   * write and leave a later one: after LevelDB has begun a new log, waiting for that one doesn't wait for the old one.
   */
  #unsynced = new Map<string, Uint8Array | undefined>();
  #compacted = false;

  private constructor(database: LevelDatabase, sync: boolean, where: string, files: LevelFiles | undefined) {
    this.#database = database;
    this.#sync = sync;
    this.#where = where;
    this.#files = files;
    if (canCompact(database)) this.compact = () => this.#compact(database);
    if (sync) this.writeRelaxed = (changes) => this.#writeRelaxed(changes);
  }

  /**
   * @param sync whether to wait for the disk in each write (LevelDB; others ignore it)
   * @param where names the place in STORE_LOCKED
   * @param files where the database is on a disk
   * @throws STORE_LOCKED, STORE_CORRUPT, STORE_UNAVAILABLE
   */
  static async open(
    database: LevelDatabase,
    sync: boolean,
    where: string,
    files?: LevelFiles,
  ): Promise<LevelEngine> {
    const engine = new LevelEngine(database, sync, where, files);
    await engine.#translateErrors(database.open());
    return engine;
  }

  // Single gets rather than `getMany`, which in browser-level 3 returns `undefined` for a failed read. On this
  // thread where that is possible: a round trip to another thread takes ten times as long as LevelDB's lookup.
  get(keys: readonly string[]): Promise<(Uint8Array | undefined)[]> {
    const database = this.#database;
    return this.#translateErrors(
      canReadAtOnce(database)
        ? (async () => keys.map((key) => database.getSync(key, encodings)))()
        : Promise.all(keys.map((key) => database.get(key, encodings))),
    );
  }

  page({ from, exclusive, below }: KeyRange, limit: number): Promise<[string, Uint8Array][]> {
    const start = exclusive ? { gt: from } : { gte: from };
    return this.#translateErrors(this.#database.iterator({ ...start, lt: below, limit, ...encodings }).all());
  }

  async write(changes: readonly EngineChange[]): Promise<void> {
    await this.#batch(this.#withUnsynced(changes), this.#sync);
    this.#unsynced.clear();
  }

  async #writeRelaxed(changes: readonly EngineChange[]): Promise<void> {
    const all = this.#withUnsynced(changes);
    if (sizeOf(all) > MOST_UNSYNCED_BYTES) return this.write(changes);
    await this.#batch(all, false);
    for (const { key, value } of changes) this.#unsynced.set(key, value && copyBytes(value));
  }

  #withUnsynced(changes: readonly EngineChange[]): readonly EngineChange[] {
    if (this.#unsynced.size === 0) return changes;
    const keys = new Set(changes.map(({ key }) => key));
    const earlier = [...this.#unsynced].filter(([key]) => !keys.has(key));
    return [...earlier.map(([key, value]) => ({ key, value })), ...changes];
  }

  #batch(changes: readonly EngineChange[], sync: boolean): Promise<void> {
    const operations = changes.map(
      ({ key, value }): LevelOperation =>
        value === undefined ? { type: 'del', key } : { type: 'put', key, value },
    );
    // `sync` is an option of classic-level, which the others ignore.
    return this.#translateErrors(this.#database.batch(operations, { ...encodings, sync }));
  }

  async reopen(): Promise<void> {
    // After a failed write, LevelDB must start a new log, so that a partial record in the old one is not appended to.
    await this.#database.close().catch(() => {});
    await this.#translateErrors(this.#database.open());
  }

  async planCompaction(): Promise<number> {
    const database = this.#database;
    if (!canCompact(database)) return 0;
    const size = await this.#translateErrors(
      database.approximateSize(BELOW_ALL_KEYS, AFTER_ALL_KEYS, encodings),
    );
    await this.#files?.checkRoom(size);
    return size;
  }

  async #compact(database: Compacting): Promise<void> {
    // LevelDB merges the upper levels into the lowest, but a table that it writes there directly from memory keeps values
    // that have been replaced since. So it is given something to merge that spans all keys.
    const span = [BELOW_ALL_KEYS, AFTER_ALL_KEYS];
    const compact = () =>
      this.#translateErrors(database.compactRange(BELOW_ALL_KEYS, AFTER_ALL_KEYS, encodings));
    await compact();
    await this.write(span.map((key) => ({ key, value: new Uint8Array(1) })));
    await compact();
    await this.write(span.map((key) => ({ key, value: undefined })));
    this.#compacted = true;
  }

  async close(): Promise<void> {
    await this.#translateErrors(this.#database.close());
    if (!this.#compacted) return;
    // The MANIFEST still names the first and last keys of the tables that are gone. Reopening starts a new one. Everything
    // is stored and closed, so failures here are ignored.
    try {
      await this.#database.open();
      await this.#database.close();
      await this.#files?.deleteReports();
    } catch {
      // Nothing that was committed depends on it.
    }
  }

  async #translateErrors<T>(call: Promise<T>): Promise<T> {
    try {
      return await call;
    } catch (error) {
      throw describeLevelError(error, this.#where);
    }
  }
}

function sizeOf(changes: readonly EngineChange[]): number {
  return changes.reduce((sum, { key, value }) => sum + key.length + (value?.length ?? 0), 0);
}

interface Compacting {
  compactRange(start: string, end: string, options: LevelEncodings): Promise<void>;
  /** Bytes in tables; what is only in memory and in the log doesn't count. */
  approximateSize(start: string, end: string, options: LevelEncodings): Promise<number>;
}

function canCompact(database: object): database is Compacting {
  return 'compactRange' in database && 'approximateSize' in database;
}

interface ReadingAtOnce {
  getSync(key: string, options: LevelEncodings): Uint8Array | undefined;
}

function canReadAtOnce(database: object): database is ReadingAtOnce {
  const { supports } = database as { readonly supports?: { readonly getSync?: boolean } };
  return supports?.getSync === true;
}

/** Sotto's error for one of abstract-level's, whose cause may hold the reason. */
function describeLevelError(error: unknown, where: string): SottoError {
  const codes: string[] = [];
  for (let reason = error; reason instanceof Error; reason = reason.cause) {
    codes.push((reason as { code?: string }).code ?? reason.name);
  }
  if (codes.includes('LEVEL_LOCKED')) {
    const message = 'Another process or handle has this store open.';
    return new SottoError('STORE_LOCKED', message, { where }, { cause: error });
  }
  if (codes.includes('LEVEL_CORRUPTION')) {
    return new SottoError('STORE_CORRUPT', 'The database is damaged.', { what: where }, { cause: error });
  }
  const reason = codes.at(-1) ?? 'unknown';
  return new SottoError(
    'STORE_UNAVAILABLE',
    `The store can't be used now: ${reason}.`,
    { reason },
    { cause: error },
  );
}
