import { SottoError } from '@sotto/core';
import type { EngineChange, KeyRange, StorageEngine } from './storage-engine.js';
import { AFTER_ALL_KEYS } from './store-arguments.js';

/** Sorts before the header of a store. */
const BELOW_ALL_KEYS = '\x00';

/** What is used of an abstract-level database, each call with its own encodings. */
export interface LevelDatabase {
  /** Opens it, and locks it where others could open it as well. */
  open(): Promise<void>;
  /** Closes it. It may be opened again. */
  close(): Promise<void>;
  /** The value under a key, if there is one. */
  get(key: string, options: Encodings): Promise<Uint8Array | undefined>;
  /** Pairs of a range in ascending order of their keys. */
  iterator(options: Encodings & { gt?: string; gte?: string; lt: string; limit: number }): {
    all(): Promise<[string, Uint8Array][]>;
  };
  /** Does all of the operations or none of them. */
  batch(operations: Operation[], options: Encodings & { sync: boolean }): Promise<void>;
}

interface Encodings {
  readonly keyEncoding: 'utf8';
  readonly valueEncoding: 'view';
}

type Operation = { type: 'put'; key: string; value: Uint8Array } | { type: 'del'; key: string };

const encodings: Encodings = { keyEncoding: 'utf8', valueEncoding: 'view' };

/** What can be done about the files of a database on a disk. */
export interface LevelFiles {
  /** Rejects when so many bytes can't be rewritten now. */
  checkRoom(bytes: number): Promise<void>;
  /** Deletes the reports of what LevelDB did, in which keys of records are named. Called when it is closed. */
  deleteReports(): Promise<void>;
}

/** A {@link StorageEngine} on an abstract-level database, which it closes. */
export class LevelEngine implements StorageEngine {
  readonly #database: LevelDatabase;
  readonly #sync: boolean;
  readonly #where: string;
  readonly #files: LevelFiles | undefined;
  /** Frees what was deleted; only where the database can. */
  readonly compact?: () => Promise<void>;
  #compacted = false;

  private constructor(database: LevelDatabase, sync: boolean, where: string, files: LevelFiles | undefined) {
    this.#database = database;
    this.#sync = sync;
    this.#where = where;
    this.#files = files;
    if (canCompact(database)) this.compact = () => this.#compact(database);
  }

  /**
   * @param sync whether to wait for the disk in each write (LevelDB; others ignore it)
   * @param where what STORE_LOCKED calls the place
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

  // Single gets rather than `getMany`, which in browser-level 3 answers a failed read as if nothing was there. On this
  // thread where that is possible: the way to another one and back takes ten times as long as LevelDB to find a record.
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

  write(changes: readonly EngineChange[]): Promise<void> {
    const operations = changes.map(
      ({ key, value }): Operation =>
        value === undefined ? { type: 'del', key } : { type: 'put', key, value },
    );
    // `sync` is an option of classic-level, which the others pass over.
    const options = { ...encodings, sync: this.#sync };
    return this.#translateErrors(this.#database.batch(operations, options));
  }

  async reopen(): Promise<void> {
    // LevelDB after a failed write: what was half written to its log must be behind the end of a new one.
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
    // LevelDB merges what is above the lowest level into it, but what it wrote there first, from memory, keeps values
    // that were replaced meanwhile. So it gets something to merge that spans all of it.
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
    // The MANIFEST still names the first and last keys of the tables that are gone. Opening begins a new one. Everything
    // is stored and closed, so what fails here is left as it is.
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

interface Compacting {
  compactRange(start: string, end: string, options: Encodings): Promise<void>;
  /** Bytes in tables; what is in memory and in the log alone doesn't count. */
  approximateSize(start: string, end: string, options: Encodings): Promise<number>;
}

function canCompact(database: object): database is Compacting {
  return 'compactRange' in database && 'approximateSize' in database;
}

interface ReadingAtOnce {
  getSync(key: string, options: Encodings): Uint8Array | undefined;
}

function canReadAtOnce(database: object): database is ReadingAtOnce {
  const { supports } = database as { readonly supports?: { readonly getSync?: boolean } };
  return supports?.getSync === true;
}

/** Sotto's error for one of abstract-level's, which may say why it failed in its cause. */
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
