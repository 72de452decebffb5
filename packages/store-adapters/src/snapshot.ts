import type { KeyRange } from './storage-engine.js';
import type { ListRange } from './store-arguments.js';

/**
 * The rest of a listing, as of the moment when the listing began: commits pass it the old value of a key before
 * they change it (copy-on-write). So an engine needs no snapshots of its own, and a listing costs only what changes meanwhile.
 */
export class Snapshot {
  #from: string;
  #exclusive: boolean;
  readonly #below: string;
  /** The old values of keys of the rest that were changed since; `undefined` for keys that didn't exist. */
  readonly #before = new Map<string, Uint8Array | undefined>();

  constructor({ from, exclusive, below }: ListRange) {
    this.#from = from;
    this.#exclusive = exclusive;
    this.#below = below;
  }

  /** The range still to be read. */
  get rest(): KeyRange {
    return { from: this.#from, exclusive: this.#exclusive, below: this.#below };
  }

  /** Whether {@link keep} has to be called for a key before it changes. */
  needs(key: string): boolean {
    return this.#isAhead(key) && key < this.#below && !this.#before.has(key);
  }

  /** Keeps the current value of the key, to yield it after a change. */
  keep(key: string, value: Uint8Array | undefined): void {
    if (this.needs(key)) this.#before.set(key, value);
  }

  /**
   * Accepts a page read from the start of the rest, advances past it, and returns its records as of when
   * the listing began.
   * @param last whether the page reaches the end of the rest
   */
  advance(
    page: readonly (readonly [string, Uint8Array])[],
    last: boolean,
  ): readonly (readonly [string, Uint8Array])[] {
    const end = last ? this.#below : (page.at(-1)?.[0] ?? this.#below);
    const entries = page.filter(([key]) => !this.#before.has(key));
    const changed = [...this.#before].filter(([key]) => key <= end);
    for (const [key, value] of changed) {
      this.#before.delete(key);
      if (value !== undefined) entries.push([key, value]);
    }
    if (changed.length > 0) entries.sort(([a], [b]) => (a < b ? -1 : 1));
    this.#from = end;
    this.#exclusive = true;
    return entries;
  }

  #isAhead(key: string): boolean {
    return this.#exclusive ? key > this.#from : key >= this.#from;
  }
}
