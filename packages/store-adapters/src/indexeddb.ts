/** IndexedDB in browsers. */
import { invalidArgument, parseObject } from '@sotto/core';
import { type Durability, parseDurability } from './durability.js';
import { createEngineStore } from './engine.js';
import { deleteDatabase, IndexedDbEngine } from './indexeddb/indexeddb-engine.js';
import type { IndexedDbStore } from './indexeddb/indexeddb-store.js';
import { createLocalStorageAnchor, removeLocalStorageAnchor } from './indexeddb/local-storage-anchor.js';
import { acquireTabLock, type WhenLocked } from './indexeddb/tab-lock.js';
import { TabStore } from './indexeddb/tab-store.js';
import type { RevisionAnchor } from './revision-anchor.js';
import { parseName } from './store-arguments.js';
import { unavailable } from './unavailable.js';

export type { Durability } from './durability.js';
export type { DurableStore } from './durable-store.js';
export type { IndexedDbStore } from './indexeddb/indexeddb-store.js';
export { createLocalStorageAnchor } from './indexeddb/local-storage-anchor.js';
export type { WhenLocked } from './indexeddb/tab-lock.js';
export type { RevisionAnchor } from './revision-anchor.js';

/** Options of {@link createIndexedDbStore}. */
export interface IndexedDbStoreOptions {
  /** The name of the database, unique within the origin. */
  readonly name: string;
  /** What a resolved commit survives. Default `power-loss`. */
  readonly durability?: Durability | undefined;
  /** What to do when another tab has the store open. Default `fail`. */
  readonly whenLocked?: WhenLocked | undefined;
  /** Aborts waiting for another tab. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Where the store's progress is also recorded. Default: in `localStorage`, where available (not in workers).
   * A browser that clears all data of the origin clears that as well: only an anchor elsewhere detects it.
   */
  readonly anchor?: RevisionAnchor | undefined;
  /** Whether to ask the browser not to evict the data when space is short. Some browsers ask the user. Default true. */
  readonly persist?: boolean | undefined;
}

/**
 * A store in IndexedDB, for one tab or worker of an origin at a time (Web Locks). A tab that asks with
 * `whenLocked: 'hand-over'` takes it over from the one that has it.
 * @throws STORE_LOCKED; ABORTED; STORE_UNAVAILABLE, also where there are no Web Locks (only secure contexts have
 * them); STORE_CORRUPT, STORE_SCHEMA_NEWER, INVALID_ARGUMENT
 */
export async function createIndexedDbStore(options: IndexedDbStoreOptions): Promise<IndexedDbStore> {
  const {
    name,
    durability = 'power-loss',
    whenLocked = 'fail',
    signal,
    persist = true,
  } = parseObject(options, 'options');
  parseName(name, 'name');
  parseDurability(durability);
  parseWhenLocked(whenLocked);
  const anchor = options.anchor ?? createLocalStorageAnchor(name);
  if (anchor !== undefined) parseObject(anchor, 'anchor', 'load', 'save');
  const lock = await acquireTabLock(name, whenLocked, signal);
  try {
    const engine = await openEngine(name, durability);
    const store = await createEngineStore(engine, anchor ? { anchor } : {});
    return new TabStore(store, lock, askToPersist(persist));
  } catch (error) {
    lock.release();
    throw error;
  }
}

/** Options of {@link deleteIndexedDbStore}. */
export type DeleteIndexedDbStoreOptions = Pick<IndexedDbStoreOptions, 'name' | 'whenLocked' | 'signal'>;

/**
 * Deletes a store from this browser: its database, and its anchor in `localStorage`, so that a store of the same
 * name is `new` and not `lost` afterwards. Reset an anchor of your own yourself. Does nothing when there is no such
 * store.
 *
 * The store must not be open: close it first. `whenLocked` says what happens when another tab has it open.
 * @throws STORE_LOCKED, ABORTED, STORE_UNAVAILABLE, INVALID_ARGUMENT
 */
export async function deleteIndexedDbStore(options: DeleteIndexedDbStoreOptions): Promise<void> {
  const { name, whenLocked = 'fail', signal } = parseObject(options, 'options');
  parseName(name, 'name');
  parseWhenLocked(whenLocked);
  const lock = await acquireTabLock(name, whenLocked, signal);
  try {
    // First, so that a page closed in between leaves an intact store.
    removeLocalStorageAnchor(name);
    await deleteDatabase(name);
  } catch (error) {
    throw unavailable(error);
  } finally {
    lock.release();
  }
}

function parseWhenLocked(whenLocked: WhenLocked): void {
  if (['fail', 'wait', 'hand-over'].includes(whenLocked)) return;
  throw invalidArgument('whenLocked', 'none of "fail", "wait" and "hand-over"');
}

async function openEngine(name: string, durability: Durability): Promise<IndexedDbEngine> {
  try {
    return await IndexedDbEngine.open(name, durability);
  } catch (error) {
    throw unavailable(error);
  }
}

async function askToPersist(ask: boolean): Promise<boolean> {
  try {
    // Workers have `persisted` and no `persist`.
    const storage: Partial<Pick<StorageManager, 'persisted'>> & { persist?(): Promise<boolean> } =
      navigator.storage;
    if (ask && storage.persist) return await storage.persist();
    return (await storage.persisted?.()) ?? false;
  } catch {
    return false;
  }
}
