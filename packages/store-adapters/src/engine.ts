/**
 * For writing your own adapter: an engine that stores bytes by string keys, and the store that is built on it.
 */
import { parseObject } from '@sotto/core';
import type { DurableStore } from './durable-store.js';
import { EngineStore, type EngineStoreOptions } from './engine-store.js';
import type { StorageEngine } from './storage-engine.js';
import { storeMigrations } from './store-header.js';

export type { DurableStore } from './durable-store.js';
export { DEFAULT_COMPACT_AFTER, type EngineStoreOptions } from './engine-store.js';
export type { RevisionAnchor } from './revision-anchor.js';
export type { EngineChange, KeyRange, StorageEngine } from './storage-engine.js';

/**
 * Builds a store on an engine, which it owns from then on: closing the store, or failing to open it, closes the
 * engine.
 * @throws STORE_CORRUPT, STORE_SCHEMA_NEWER, STORE_UNAVAILABLE, INVALID_ARGUMENT
 */
export async function createEngineStore(
  engine: StorageEngine,
  options: EngineStoreOptions = {},
): Promise<DurableStore> {
  parseObject(engine, 'engine', 'get', 'page', 'write', 'close');
  return EngineStore.open(engine, options, storeMigrations);
}
