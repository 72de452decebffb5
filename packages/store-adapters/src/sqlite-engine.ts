import { SottoError } from '@sotto/core';
import type { Durability } from './durability.js';
import type { EngineChange, KeyRange, StorageEngine } from './storage-engine.js';

/** The part of a synchronous SQLite binding that is used; Node, libsql and better-sqlite3 all have it. */
export interface SqliteDatabase {
  /** Runs statements that have no parameters and no result. */
  exec(sql: string): unknown;
  /** Compiles one statement. */
  prepare(sql: string): SqliteStatement;
  /** Closes the file. */
  close(): unknown;
}

/** A compiled statement. */
export interface SqliteStatement {
  /** Runs it to completion. */
  run(...parameters: (string | number | Uint8Array)[]): unknown;
  /** All rows of its result. */
  all(...parameters: (string | number | Uint8Array)[]): unknown[];
}

/** SQLite's primary result codes that are handled here. */
const BUSY = 5;
const LOCKED = 6;
const CORRUPT = 11;
const NOT_A_DATABASE = 26;

/** When SQLite waits for the disk with a WAL: in each COMMIT, or only where it moves the WAL into the database. */
type Synchronous = 'FULL' | 'NORMAL';

/** A value as the bindings return it: a buffer from libsql, a view from the others. */
type Blob = ArrayBuffer | Uint8Array;

/** A {@link StorageEngine} in one SQLite file. */
export class SqliteEngine implements StorageEngine {
  readonly #database: SqliteDatabase;
  readonly #where: string;
  readonly #checkRoom: (bytes: number) => Promise<void>;
  readonly #get: SqliteStatement;
  readonly #pageFrom: SqliteStatement;
  readonly #pageBehind: SqliteStatement;
  readonly #put: SqliteStatement;
  readonly #delete: SqliteStatement;
  /** What a commit that isn't relaxed needs. */
  readonly #strict: Synchronous;
  #synchronous: Synchronous;
  /**
   * Doesn't wait for the disk; absent where nothing does. The frames of the WAL are checked one after another, so what comes after a
   * missing one doesn't count, and the next COMMIT that waits for the disk waits for the whole file.
   */
  readonly writeRelaxed?: (changes: readonly EngineChange[]) => Promise<void>;

  private constructor(
    database: SqliteDatabase,
    strict: Synchronous,
    where: string,
    checkRoom: (bytes: number) => Promise<void>,
  ) {
    this.#database = database;
    this.#where = where;
    this.#checkRoom = checkRoom;
    this.#get = database.prepare('SELECT value FROM records WHERE key = ?');
    this.#pageFrom = database.prepare(selectPage('>='));
    this.#pageBehind = database.prepare(selectPage('>'));
    this.#put = database.prepare('INSERT OR REPLACE INTO records (key, value) VALUES (?, ?)');
    this.#delete = database.prepare('DELETE FROM records WHERE key = ?');
    this.#strict = strict;
    this.#synchronous = strict;
    if (strict === 'FULL') this.writeRelaxed = async (changes) => this.#write('NORMAL', changes);
  }

  /**
   * @param where names the place in STORE_LOCKED
   * @param checkRoom rejects when there is no room to rewrite so many bytes now
   * @throws STORE_LOCKED, STORE_CORRUPT, STORE_UNAVAILABLE
   */
  static open(
    openDatabase: () => SqliteDatabase,
    durability: Durability,
    where: string,
    checkRoom: (bytes: number) => Promise<void>,
  ): SqliteEngine {
    let database: SqliteDatabase | undefined;
    try {
      database = openDatabase();
      // Exclusive: the lock is held from the first transaction until closing, and no -shm file is needed.
      database.exec('PRAGMA locking_mode = EXCLUSIVE');
      database.exec('PRAGMA journal_mode = WAL');
      const strict = durability === 'power-loss' ? 'FULL' : 'NORMAL';
      database.exec(`PRAGMA synchronous = ${strict}`);
      // macOS: also flushes the disk's own cache.
      database.exec('PRAGMA fullfsync = ON');
      database.exec('PRAGMA checkpoint_fullfsync = ON');
      // Deleted records are overwritten, and no temporary files are used.
      database.exec('PRAGMA secure_delete = ON');
      database.exec('PRAGMA temp_store = MEMORY');
      database.exec('BEGIN EXCLUSIVE');
      database.exec(
        'CREATE TABLE IF NOT EXISTS records (key TEXT NOT NULL PRIMARY KEY, value BLOB NOT NULL)',
      );
      database.exec('COMMIT');
      return new SqliteEngine(database, strict, where, checkRoom);
    } catch (error) {
      database?.close();
      throw describeSqliteError(error, where);
    }
  }

  async get(keys: readonly string[]): Promise<(Uint8Array | undefined)[]> {
    return this.#translateErrors(() =>
      keys.map((key) => {
        const [row] = this.#get.all(key) as { value: Blob }[];
        return row && toBytes(row.value);
      }),
    );
  }

  async page({ from, exclusive, below }: KeyRange, limit: number): Promise<[string, Uint8Array][]> {
    const select = exclusive ? this.#pageBehind : this.#pageFrom;
    const rows = this.#translateErrors(
      () => select.all(from, below, limit) as { key: string; value: Blob }[],
    );
    return rows.map(({ key, value }) => [key, toBytes(value)]);
  }

  async write(changes: readonly EngineChange[]): Promise<void> {
    this.#write(this.#strict, changes);
  }

  #write(synchronous: Synchronous, changes: readonly EngineChange[]): void {
    this.#translateErrors(() => {
      this.#setSynchronous(synchronous);
      this.#database.exec('BEGIN IMMEDIATE');
      try {
        for (const { key, value } of changes) {
          if (value === undefined) this.#delete.run(key);
          else this.#put.run(key, value);
        }
        this.#database.exec('COMMIT');
      } catch (error) {
        this.#rollBack();
        throw error;
      }
    });
  }

  #setSynchronous(synchronous: Synchronous): void {
    if (this.#synchronous === synchronous) return;
    this.#database.exec(`PRAGMA synchronous = ${synchronous}`);
    this.#synchronous = synchronous;
  }

  async planCompaction(): Promise<number> {
    const pragma = (name: string) => {
      const [row] = this.#translateErrors(() => this.#database.prepare(`PRAGMA ${name}`).all()) as [
        Record<string, number>,
      ];
      return row[name] as number;
    };
    const size = pragma('page_count') * pragma('page_size');
    await this.#checkRoom(size);
    return size;
  }

  async compact(): Promise<void> {
    this.#translateErrors(() => {
      // Deleted records are overwritten in place, but not the remains of records that rebalancing the B-tree has
      //
      // moved. So everything is rewritten, through memory: no temporary files are used.
      this.#setSynchronous(this.#strict);
      this.#database.exec('VACUUM');
      // A statement that returns rows does all of its work only when all of them are read.
      this.#database.prepare('PRAGMA wal_checkpoint(TRUNCATE)').all();
    });
  }

  async close(): Promise<void> {
    try {
      // libsql closes a database only when the last of its statements is collected as garbage. Leaving WAL mode, and
      // then exclusive mode with the next read, releases the lock now. That needs space on the disk: without
      //
      // it, the records stay in the -wal file, and the lock is held until the process ends or collects its garbage.
      this.#database.prepare('PRAGMA journal_mode = DELETE').all();
      this.#database.prepare('PRAGMA locking_mode = NORMAL').all();
      this.#get.all('');
    } catch {
      // Nothing that was committed depends on it.
    }
    this.#translateErrors(() => this.#database.close());
  }

  #rollBack(): void {
    try {
      this.#database.exec('ROLLBACK');
    } catch {
      // SQLite rolls back by itself after some errors, and then reports that there is no transaction.
    }
  }

  #translateErrors<T>(run: () => T): T {
    try {
      return run();
    } catch (error) {
      throw describeSqliteError(error, this.#where);
    }
  }
}

function toBytes(value: Blob): Uint8Array {
  return value instanceof ArrayBuffer ? new Uint8Array(value) : value;
}

function selectPage(comparison: '>' | '>='): string {
  return `SELECT key, value FROM records WHERE key ${comparison} ? AND key < ? ORDER BY key LIMIT ?`;
}

/** SQLite's own messages for the results that are told apart. The node:sqlite of Deno gives nothing but these. */
const RESULTS: Readonly<Record<string, number>> = {
  'database is locked': BUSY,
  'database table is locked': LOCKED,
  'database disk image is malformed': CORRUPT,
  'file is not a database': NOT_A_DATABASE,
};

/** Sotto's error for one of SQLite's: `errcode` in node:sqlite, `rawCode` in libsql, a name in all others but Deno's. */
function describeSqliteError(error: unknown, where: string): SottoError {
  const { code, errcode, rawCode } = error as { code?: unknown; errcode?: unknown; rawCode?: unknown };
  const name = typeof code === 'string' ? code : 'unknown';
  const message = error instanceof Error ? error.message : '';
  const primary = Number(errcode ?? rawCode ?? RESULTS[message] ?? 0) & 0xff;
  if (primary === BUSY || primary === LOCKED || /^SQLITE_(BUSY|LOCKED)/.test(name)) {
    const text = 'Another process or handle has this store open.';
    return new SottoError('STORE_LOCKED', text, { where }, { cause: error });
  }
  if (primary === CORRUPT || primary === NOT_A_DATABASE || /^SQLITE_(CORRUPT|NOTADB)/.test(name)) {
    return new SottoError('STORE_CORRUPT', 'The database is damaged.', { what: where }, { cause: error });
  }
  const reason = primary === 0 ? name : `${name} (SQLite's ${primary})`;
  return new SottoError(
    'STORE_UNAVAILABLE',
    `The store can't be used now: ${reason}.`,
    { reason },
    { cause: error },
  );
}
