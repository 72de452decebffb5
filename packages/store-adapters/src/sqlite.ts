/** SQLite on Node: Node's own where it has one (22.13 and later), otherwise the package `libsql`. */
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
export type { DurableStore } from './durable-store.js';
export type { EngineStoreOptions } from './engine-store.js';
export type { RevisionAnchor } from './revision-anchor.js';
export type { SqliteDatabase, SqliteStatement } from './sqlite-engine.js';

/** Options of {@link createSqliteStore}. */
export interface SqliteStoreOptions extends EngineStoreOptions {
  /** The file of the database; created if missing, accessible only to its owner. A `-wal` file is kept beside it. */
  readonly path: string;
  /** What a resolved commit survives. Default `power-loss`. */
  readonly durability?: Durability | undefined;
  /**
   * Opens the database with a SQLite of your choice, synchronous and not waiting for locks: `(path) => new
   * Database(path)` of better-sqlite3, for example. Default `node:sqlite`, otherwise `libsql`.
   */
  readonly openDatabase?: ((path: string) => SqliteDatabase) | undefined;
}

/**
 * A store in one file, with SQLite in WAL mode. One process and one handle at a time.
 *
 * Each call works synchronously inside: a commit blocks the event loop until it is on the disk.
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
 * Opens databases with `node:sqlite`, otherwise with `libsql`.
 * @throws PACKAGE_MISSING when there is neither
 */
async function findSqlite(): Promise<(path: string) => SqliteDatabase> {
  const found = (await findNodeSqlite()) ?? (await findLibsql());
  if (found !== undefined) return found;
  throw packageMissing('A store in SQLite, on a Node before 22.13,', ['libsql'], undefined);
}

/** `node:sqlite`, or `undefined` when this Node has none, or only behind a flag. */
export async function findNodeSqlite(): Promise<((path: string) => SqliteDatabase) | undefined> {
  // In a variable, so that neither TypeScript nor bundlers try to resolve it.
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
    throw new SottoError('STORE_UNAVAILABLE', "The store's file can't be created.", details, {
      cause: error,
    });
  }
}
