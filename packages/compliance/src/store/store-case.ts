import type { Store } from '@sotto/core';

/** Somewhere to keep a store: a path, a database name, an object in memory. Empty at the start of each case. */
export interface StoreFixture {
  /**
   * Opens the store that is kept here. Closing it and opening again gives what was committed, unless the options
   * say `durable: false`.
   */
  open(): Promise<Store>;
}

/** One requirement on a store. */
export interface StoreCase {
  /** Unique; begins with what it is about, as in `list: ...`. */
  readonly name: string;
  /**
   * Throws a plain Error that says what was expected when the store doesn't meet it. Closes every store that it
   * opens; clearing the place away is the caller's business.
   */
  run(fixture: StoreFixture): Promise<void>;
}

/** A case that works on one open store. */
export function onStore(name: string, run: (store: Store) => Promise<void>): StoreCase {
  return { name, run: (fixture) => withStore(fixture, run) };
}

/** Opens, runs, and closes whatever happened. */
export async function withStore<T>(fixture: StoreFixture, run: (store: Store) => Promise<T>): Promise<T> {
  const store = await fixture.open();
  try {
    return await run(store);
  } finally {
    await store.close();
  }
}
