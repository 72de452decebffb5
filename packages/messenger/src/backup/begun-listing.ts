import type { StoredEntry } from '@sotto/core';

/** A listing of a store that has begun, and so is of this moment, however late it is read. */
export class BegunListing implements AsyncIterable<StoredEntry> {
  readonly #iterator: AsyncIterator<StoredEntry>;
  readonly #first: Promise<IteratorResult<StoredEntry>>;

  constructor(listing: AsyncIterable<StoredEntry>) {
    this.#iterator = listing[Symbol.asyncIterator]();
    this.#first = this.#iterator.next();
    // Whoever reads it is told.
    this.#first.catch(() => {});
  }

  /** To be read once. */
  async *[Symbol.asyncIterator](): AsyncGenerator<StoredEntry, void> {
    for (let next = await this.#first; !next.done; next = await this.#iterator.next()) yield next.value;
  }

  /** Lets go of what the store keeps for it. */
  async end(): Promise<void> {
    await this.#iterator.return?.();
  }
}
