/** SQLite on Node: the one of Node itself where it has one (22.13 and later), else the package `libsql`. */
import { mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { packageMissing, parseFunction, parseObject, SottoError } from '@sotto/core';
import { type Durability, parseDurability } from './durability.js';
import type { DurableStore } from './durable-store.js';
import { createEngineStore, type EngineStoreOptions } from './engine.js';
import { parseEngineStoreOptions } from './engine-store.js';
import { checkRoomToCompact } from './room-to-compact.node.js';
import { type SqliteDatabase, SqliteEngine } from './sqlite-engine.js';
import { parseName } from './store-arguments.js';

export type { Durability } from './durability.js';
export type { SqliteDatabase, SqliteStatement } from './sqlite-engine.js';

/** Options of {@link createSqliteStore}. */
export interface SqliteStoreOptions extends EngineStoreOptions {
  /** The file of the database; made, for its owner alone, when it isn't there. `-wal` is put beside it. */
  readonly path: string;
  /** What a commit that was answered survives. Default `power-loss`. */
  readonly durability?: Durability;
  /**
   * Opens the database with a SQLite of your choice, synchronous and not waiting for locks: `(path) => new
   * Database(path)` of better-sqlite3, for instance. Default `node:sqlite`, else `libsql`.
   */
  readonly openDatabase?: (path: string) => SqliteDatabase;
}

/**
 * A store in one file, with SQLite in WAL mode. One process and one handle at a time.
 *
 * Each call works synchronously inside: a commit holds up the event loop while the disk takes it.
 * @throws STORE_LOCKED, STORE_CORRUPT, STORE_SCHEMA_NEWER, STORE_UNAVAILABLE, INVALID_ARGUMENT; PACKAGE_MISSING when this
 * Node has no SQLite (before 22.13) and `libsql` isn't installed
 */
export async function createSqliteStore(given: SqliteStoreOptions): Promise<DurableStore> {
  const { path, durability = 'power-loss', openDatabase, ...options } = parseObject(given, 'options');
  parseName(path, 'path');
  parseDurability(durability);
  parseEngineStoreOptions(options);
  if (openDatabase !== undefined) parseFunction(openDatabase, 'openDatabase');
  const openIt = openDatabase ?? (await findSqlite());
  await createFile(path);
  const checkRoom = (bytes: number) => checkRoomToCompact(path, bytes);
  const engine = SqliteEngine.open(() => openIt(path), durability, path, checkRoom);
  return createEngineStore(engine, options);
}

/**
 * Opens databases with `node:sqlite`, else with `libsql`.
 * @throws PACKAGE_MISSING when there is neither
 */
async function findSqlite(): Promise<(path: string) => SqliteDatabase> {
  const found = (await findNodeSqlite()) ?? (await findLibsql());
  if (found !== undefined) return found;
  throw packageMissing('A store in SQLite, on a Node before 22.13,', ['libsql'], undefined);
}

/** `node:sqlite`, or `undefined` when this Node has none, or only behind a flag. */
export async function findNodeSqlite(): Promise<((path: string) => SqliteDatabase) | undefined> {
  // A variable, so that neither types nor bundlers look for it where it isn't.
  const name = 'node:sqlite';
  try {
    const { DatabaseSync } = (await import(name)) as { DatabaseSync: new (path: string) => SqliteDatabase };
    return (path) => new DatabaseSync(path);
  } catch {
    return undefined;
  }
}

/** The package `libsql`, or `undefined` when it isn't installed. */
export async function findLibsql(): Promise<((path: string) => SqliteDatabase) | undefined> {
  try {
    const { default: Database } = await import('libsql');
    return (path) => new Database(path);
  } catch {
    return undefined;
  }
}

async function createFile(path: string): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await (await open(path, 'a', 0o600)).close();
  } catch (error) {
    const details = { reason: (error as NodeJS.ErrnoException).code ?? 'unknown' };
    throw new SottoError('STORE_UNAVAILABLE', "The store's file can't be made.", details, { cause: error });
  }
}
