import type { DurableStore } from '../durable-store.js';
import { HandedOverStore } from '../handed-over-store.js';
import type { IndexedDbStore } from './indexeddb-store.js';
import { lockedError, type TabLock } from './tab-lock.js';

/** A store that belongs to this tab until another one takes it over. */
export class TabStore extends HandedOverStore implements IndexedDbStore {
  readonly persisted: Promise<boolean>;

  constructor(store: DurableStore, lock: TabLock, persisted: Promise<boolean>) {
    super(store, {
      wanted: lock.wanted,
      release: () => lock.release(),
      lockedError: () => lockedError(lock.name),
    });
    this.persisted = persisted;
  }
}
