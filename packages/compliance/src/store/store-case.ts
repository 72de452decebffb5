import type { Store } from '@sotto/core';

/** Where a store is kept: a path, a database name, an object in memory. Empty at the start of each case. */
export interface StoreFixture {
  /**
   * Opens the store that is kept here. After closing and reopening, everything committed is there, unless the options
   * say `durable: false`.
   */
  open(): Promise<Store>;
}

/** One requirement on a store. */
export interface StoreCase {
  /** Unique; begins with its subject, as in `list: ...`. */
  readonly name: string;
  /**
   * Throws a plain Error that says what was expected when the store doesn't meet it. Closes every store that it
   * opens; the caller disposes of the fixture.
   */
  run(fixture: StoreFixture): Promise<void>;
}

/** A case on one open store. */
export function onStore(name: string, run: (store: Store) => Promise<void>): StoreCase {
  return { name, run: (fixture) => withStore(fixture, run) };
}

/** Opens a store, runs, and closes it in any case. */
export async function withStore<T>(fixture: StoreFixture, run: (store: Store) => Promise<T>): Promise<T> {
  const store = await fixture.open();
  try {
    return await run(store);
  } finally {
    await store.close();
  }
}
