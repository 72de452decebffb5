import type { Continuity, Store } from '@sotto/core';

/** A store that outlives the process. */
export interface DurableStore extends Store {
  /** How the store relates to the one that was closed, as found when it was opened. */
  readonly continuity: Continuity;
  /**
   * Rewrites the files now, so that what was deleted or replaced can't be read from them any more. The store also does it
   * by itself, see `compactAfter`. Does nothing where the engine underneath doesn't offer it (IndexedDB).
   * @throws STORE_UNAVAILABLE, CLOSED
   */
  compact(): Promise<void>;
}
