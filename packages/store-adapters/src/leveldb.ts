/** LevelDB on Node, with the package `classic-level`, an optional peer dependency. */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { packageMissing, parseObject, SottoError } from '@sotto/core';
import { type Durability, parseDurability } from './durability.js';
import type { DurableStore } from './durable-store.js';
import { createEngineStore, type EngineStoreOptions } from './engine.js';
import { parseEngineStoreOptions } from './engine-store.js';
import { type LevelDatabase, LevelEngine } from './level-engine.js';
import { checkRoomToCompact } from './room-to-compact.node.js';
import { parseName } from './store-arguments.js';

export type { Durability } from './durability.js';
export type { DurableStore } from './durable-store.js';
export type { EngineStoreOptions } from './engine-store.js';
export type { RevisionAnchor } from './revision-anchor.js';

/** Options of {@link createLevelDbStore}. */
export interface LevelDbStoreOptions extends EngineStoreOptions {
  /** The directory of the database; created if missing, accessible only to its owner. */
  readonly path: string;
  /** What a resolved commit survives. Default `power-loss`. */
  readonly durability?: Durability | undefined;
}

/**
 * A store in a directory, with LevelDB. One process and one handle at a time.
 *
 * After STORE_UNAVAILABLE (disk full, I/O error) reads still work, and the next commit reopens the database
 * before it writes; a failed commit that reached the disk after all is then undone.
 * @throws STORE_LOCKED, STORE_CORRUPT, STORE_SCHEMA_NEWER, STORE_UNAVAILABLE, INVALID_ARGUMENT; PACKAGE_MISSING when
 * `classic-level` isn't installed, or has no build for this machine
 */
export async function createLevelDbStore(given: LevelDbStoreOptions): Promise<DurableStore> {
  const { path, durability = 'power-loss', ...options } = parseObject(given, 'options');
  parseName(path, 'path');
  parseDurability(durability);
  parseEngineStoreOptions(options);
  const openDatabase = await loadClassicLevel();
  await mkdir(path, { recursive: true, mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
    const details = { reason: error.code ?? error.name };
    throw new SottoError('STORE_UNAVAILABLE', "The store's directory can't be created.", details, {
      cause: error,
    });
  });
  const sync = durability === 'power-loss';
  const files = {
    checkRoom: (bytes: number) => checkRoomToCompact(path, bytes),
    async deleteReports() {
      for (const name of ['LOG', 'LOG.old']) await rm(join(path, name), { force: true });
    },
  };
  const engine = await LevelEngine.open(openDatabase(path), sync, path, files);
  return createEngineStore(engine, options);
}

async function loadClassicLevel(): Promise<(path: string) => LevelDatabase> {
  try {
    const { ClassicLevel } = await import('classic-level');
    return (path) => new ClassicLevel(path);
  } catch (cause) {
    throw packageMissing('A store in LevelDB', ['classic-level'], cause);
  }
}
