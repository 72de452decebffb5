import type { Store } from '@sotto/core';

/**
 * How a store that was opened relates to the one that was closed.
 *
 * - `new`: there was nothing here.
 * - `continued`: it goes on where it stopped.
 * - `lost`: the anchor knows of a store, and there is none: it was deleted, or evicted by the browser.
 * - `rolled-back`: the anchor knows of later commits than the store has: an old copy was put back. Its ratchets must
 *   not be used; sessions have to be started anew.
 *
 * `lost` and `rolled-back` are said on each opening until the first commit: let that one record what follows from it.
 * Without an anchor only `new` and `continued` can be told.
 */
export type Continuity = 'new' | 'continued' | 'lost' | 'rolled-back';

/** A store that outlives the process. */
export interface DurableStore extends Store {
  readonly continuity: Continuity;
  /**
   * Rewrites the files now, so that what was deleted or replaced can't be read from them any more. The store does it by
   * itself as well, see `compactAfter`. Does nothing where the engine underneath doesn't offer it (IndexedDB).
   * @throws STORE_UNAVAILABLE, CLOSED
   */
  compact(): Promise<void>;
}

/** What a store says of its past, if it says anything. */
export function continuityOf(store: Store): Continuity | undefined {
  return 'continuity' in store ? (store.continuity as Continuity) : undefined;
}
