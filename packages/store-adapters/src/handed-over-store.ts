import {
  isSottoError,
  type ListOptions,
  type SottoError,
  type StoreCommitOptions,
  type StoredEntry,
  type Write,
} from '@sotto/core';
import type { DurableStore } from './durable-store.js';

/** What makes a store its owner's, until another one takes it. */
export interface Ownership {
  /** Resolves when another one has taken the store, or asks for it. */
  readonly wanted: Promise<void>;
  /** Called when the store is closed. Releasing twice is fine. */
  release(): void;
  /** The error of a store that another one has. */
  lockedError(): SottoError<'STORE_LOCKED'>;
}

/** A store that belongs to this process, or tab, until another one takes it over. */
export class HandedOverStore implements DurableStore {
  readonly handedOver: Promise<void>;
  readonly #store: DurableStore;
  readonly #ownership: Ownership;
  #isHandedOver = false;

  constructor(store: DurableStore, ownership: Ownership) {
    this.#store = store;
    this.#ownership = ownership;
    this.handedOver = ownership.wanted.then(async () => {
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

  commit(writes: readonly Write[], options?: StoreCommitOptions) {
    return this.#asLocked(this.#store.commit(writes, options));
  }

  compact() {
    return this.#asLocked(this.#store.compact());
  }

  async close(): Promise<void> {
    try {
      await this.#store.close();
    } finally {
      this.#ownership.release();
    }
  }

  async #asLocked<T>(call: Promise<T>): Promise<T> {
    try {
      return await call;
    } catch (error) {
      throw this.#reveal(error);
    }
  }

  /** A store that another one has taken over reports that instead of CLOSED. */
  #reveal(error: unknown): unknown {
    return this.#isHandedOver && isSottoError(error, 'CLOSED') ? this.#ownership.lockedError() : error;
  }
}
