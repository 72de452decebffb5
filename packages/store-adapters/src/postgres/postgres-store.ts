import type { DurableStore } from '../durable-store.js';

/** One of many stores in a PostgreSQL database. */
export interface PostgresStore extends DurableStore {
  /**
   * Resolves when another process has taken the store over: every call from then on rejects with STORE_LOCKED, and those that were
   * in progress had no effect if they rejected with STORE_UNAVAILABLE. Stays pending otherwise.
   */
  readonly handedOver: Promise<void>;
}
