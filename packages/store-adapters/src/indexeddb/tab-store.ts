import { isSottoError, type ListOptions, type StoredEntry, type Write } from '@sotto/core';
import type { DurableStore } from '../durable-store.js';
import type { IndexedDbStore } from './indexeddb-store.js';
import { lockedError, type TabLock } from './tab-lock.js';

/** A store that belongs to this tab until another one takes it over. */
export class TabStore implements IndexedDbStore {
  readonly persisted: Promise<boolean>;
  readonly handedOver: Promise<void>;
  readonly #store: DurableStore;
  readonly #lock: TabLock;
  #isHandedOver = false;

  constructor(store: DurableStore, lock: TabLock, persisted: Promise<boolean>) {
    this.#store = store;
    this.#lock = lock;
    this.persisted = persisted;
    this.handedOver = lock.wanted.then(async () => {
      this.#isHandedOver = true;
      await this.close().catch(() => {});
    });
  }

  get continuity() {
    return this.#store.continuity;
  }

  get(key: string) {
    return this.#asLocked(this.#store.get(key));
  }

  async *list(prefix: string, options?: ListOptions): AsyncGenerator<StoredEntry, void> {
    try {
      yield* this.#store.list(prefix, options);
    } catch (error) {
      throw this.#reveal(error);
    }
  }

  commit(writes: readonly Write[], options?: { readonly signal?: AbortSignal | undefined }) {
    return this.#asLocked(this.#store.commit(writes, options));
  }

  compact() {
    return this.#asLocked(this.#store.compact());
  }

  async close(): Promise<void> {
    try {
      await this.#store.close();
    } finally {
      this.#lock.release();
    }
  }

  async #asLocked<T>(call: Promise<T>): Promise<T> {
    try {
      return await call;
    } catch (error) {
      throw this.#reveal(error);
    }
  }

  /** A store that another tab has taken over reports that instead of CLOSED. */
  #reveal(error: unknown): unknown {
    return this.#isHandedOver && isSottoError(error, 'CLOSED') ? lockedError(this.#lock.name) : error;
  }
}
