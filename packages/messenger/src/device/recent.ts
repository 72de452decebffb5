import { forgetOldest } from '@sotto/core';

/** Remembers what was made under so many names and some more, those asked for last. */
export class Recent<T extends object> {
  readonly #most: number;
  readonly #known = new Map<string, T>();

  constructor(most: number) {
    this.#most = most;
  }

  /** What is remembered under a name, or is made now. When making it throws, nothing changes. */
  get(name: string, make: () => T): T {
    const found = this.#known.get(name) ?? make();
    // Again, so that it is the last to go.
    this.#known.delete(name);
    this.#known.set(name, found);
    forgetOldest(this.#known, this.#most);
    return found;
  }
}
