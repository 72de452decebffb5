import { forgetOldest } from '@sotto/core';

/** Keeps the values used last, under their names: so many, and a few more. */
export class LruCache<T extends object> {
  readonly #capacity: number;
  readonly #values = new Map<string, T>();

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** The value kept under a name, or made now. When making it throws, nothing changes. */
  get(name: string, make: () => T): T {
    const value = this.#values.get(name) ?? make();
    // Put in again, so that it is the last to go.
    this.#values.delete(name);
    this.#values.set(name, value);
    forgetOldest(this.#values, this.#capacity);
    return value;
  }
}
