import type { DurableStore } from '../durable-store.js';

/** A store in this browser. */
export interface IndexedDbStore extends DurableStore {
  /** Whether the browser promises not to evict the data when space is short. Never rejects. */
  readonly persisted: Promise<boolean>;
  /**
   * Resolves when another tab took the store over: what was under way is done, and every call from then on rejects
   * with STORE_LOCKED. Stays pending otherwise.
   */
  readonly handedOver: Promise<void>;
}
