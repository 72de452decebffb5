import type { DurableStore } from '../durable-store.js';

/** A store in this browser. */
export interface IndexedDbStore extends DurableStore {
  /** Whether the browser promises not to evict the data when space is short. Never rejects. */
  readonly persisted: Promise<boolean>;
  /**
   * Resolves when another tab has taken the store over: calls in progress have finished, and every later call rejects
   * with STORE_LOCKED. Stays pending otherwise.
   */
  readonly handedOver: Promise<void>;
}
