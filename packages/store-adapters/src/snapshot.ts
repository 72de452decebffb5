import type { KeyRange } from './storage-engine.js';
import type { ListRange } from './store-arguments.js';

/**
 * The rest of a listing, held as it stood when the listing began: commits tell it what stood under a key before
 * they change it. So an engine needs no snapshots of its own, and a listing costs what is changed meanwhile.
 */
export class Snapshot {
  #from: string;
  #exclusive: boolean;
  readonly #below: string;
  /** What stood under keys of the rest that were changed since; `undefined` when nothing did. */
  readonly #before = new Map<string, Uint8Array | undefined>();

  constructor({ from, exclusive, below }: ListRange) {
    this.#from = from;
    this.#exclusive = exclusive;
    this.#below = below;
  }

  /** What is still to be read. */
  get rest(): KeyRange {
    return { from: this.#from, exclusive: this.#exclusive, below: this.#below };
  }

  /** Whether {@link keep} has to be told of a key before it changes. */
  needs(key: string): boolean {
    return this.#isAhead(key) && key < this.#below && !this.#before.has(key);
  }

  /** Keeps what stands under the key, to show it after it was changed. */
  keep(key: string, value: Uint8Array | undefined): void {
    if (this.needs(key)) this.#before.set(key, value);
  }

  /**
   * Takes a page that was read from the beginning of the rest, moves on behind it, and gives what stood there when
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
