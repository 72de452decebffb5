import { parseObject } from '@sotto/core';
import type { DurableStore } from './durable-store.js';
import { createEngineStore, type EngineStoreOptions } from './engine.js';
import { parseEngineStoreOptions } from './engine-store.js';
import { type LevelDatabase, LevelEngine } from './level-engine.js';

export type { DurableStore } from './durable-store.js';
export type { EngineStoreOptions } from './engine-store.js';
export type { LevelDatabase, LevelEncodings, LevelOperation } from './level-engine.js';
export type { RevisionAnchor } from './revision-anchor.js';

/** Options of {@link createLevelStore}. */
export interface LevelStoreOptions extends EngineStoreOptions {
  /**
   * Any abstract-level database: classic-level, browser-level, memory-level, a sublevel, react-native-leveldb. The
   * store owns it: it opens and closes it, and nothing else may write to it. A commit is as atomic and as durable as
   * its `batch`.
   */
  readonly database: LevelDatabase;
  /** Names the place in STORE_LOCKED and STORE_CORRUPT. Default `database`. */
  readonly name?: string | undefined;
}

/**
 * A store on a database that implements abstract-level. On Node, `createLevelDbStore` of the subpath `leveldb` is
 * all you need; in browsers, `createIndexedDbStore` of the subpath `indexeddb`.
 * @throws STORE_LOCKED, STORE_CORRUPT, STORE_SCHEMA_NEWER, STORE_UNAVAILABLE, INVALID_ARGUMENT
 */
export async function createLevelStore(given: LevelStoreOptions): Promise<DurableStore> {
  const { database, name = 'database', ...options } = parseObject(given, 'options');
  parseObject(database, 'database', 'open', 'close', 'get', 'iterator', 'batch');
  parseEngineStoreOptions(options);
  return createEngineStore(await LevelEngine.open(database, true, name), options);
}
