import { forgetOldest } from '@sotto/core';

/** A set that only keeps its most recent members: about `most` of them. */
export class DedupSet {
  readonly #most: number;
  readonly #names = new Set<string>();

  constructor(most: number) {
    this.#most = most;
  }

  /** Adds a name. @returns whether it is new */
  add(name: string): boolean {
    if (this.#names.has(name)) return false;
    this.#names.add(name);
    forgetOldest(this.#names, this.#most);
    return true;
  }

  has(name: string): boolean {
    return this.#names.has(name);
  }

  delete(name: string): void {
    this.#names.delete(name);
  }
}
