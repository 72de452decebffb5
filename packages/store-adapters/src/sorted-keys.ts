/** Most keys in a block before it is halved: short enough that inserting in the middle is cheap. */
const BLOCK_LENGTH = 512;

/** A set of keys in ascending order, kept in blocks so that inserting and removing stay cheap with many. */
export class SortedKeys {
  /** None of them empty, except when there is only one. */
  #blocks: string[][] = [[]];

  /** Adds a key that isn't in the set. */
  add(key: string): void {
    const at = this.#blockOf(key);
    const block = this.#blocks[at] as string[];
    block.splice(position(block, key), 0, key);
    if (block.length > BLOCK_LENGTH) this.#blocks.splice(at + 1, 0, block.splice(BLOCK_LENGTH / 2));
  }

  /** Removes a key that is in the set. */
  remove(key: string): void {
    const at = this.#blockOf(key);
    const block = this.#blocks[at] as string[];
    block.splice(position(block, key), 1);
    if (block.length === 0 && this.#blocks.length > 1) this.#blocks.splice(at, 1);
  }

  /** The keys from `from`, inclusive, to `below`, exclusive. */
  *range(from: string, below: string): Generator<string, void> {
    for (let at = this.#blockOf(from); at < this.#blocks.length; at++) {
      const block = this.#blocks[at] as string[];
      for (let i = position(block, from); i < block.length; i++) {
        const key = block[i] as string;
        if (key >= below) return;
        yield key;
      }
    }
  }

  /** The last block that begins at or before the key; the first block when there is none. */
  #blockOf(key: string): number {
    let low = 0;
    let high = this.#blocks.length;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if ((this.#blocks[middle]?.[0] as string) <= key) low = middle;
      else high = middle;
    }
    return low;
  }
}

/** The index of the first key that isn't below `bound`. */
function position(block: readonly string[], bound: string): number {
  let low = 0;
  let high = block.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((block[middle] as string) < bound) low = middle + 1;
    else high = middle;
  }
  return low;
}
