import { copyBytes, type Store, type Write } from '@sotto/core';
import type { Range } from './generated/sotto/device_linking/v1/linking.js';
import { MAX_RANGES } from './limits.js';

const PREFIX = 'app/link/piece/';

/** The pieces of a backup that are kept in a store, by number. */
export class Pieces {
  readonly #store: Store;
  readonly #have = new Set<number>();

  constructor(store: Store) {
    this.#store = store;
  }

  /** Reads which are there. */
  async load(): Promise<void> {
    this.#have.clear();
    for await (const { key } of this.#store.list(PREFIX)) this.#have.add(Number(key.slice(PREFIX.length)));
  }

  get count(): number {
    return this.#have.size;
  }

  has(index: number): boolean {
    return this.#have.has(index);
  }

  /** The write that keeps one; call {@link kept} when it is stored. */
  write(index: number, content: Uint8Array): Write {
    return { type: 'put', key: keyOf(index), value: copyBytes(content) };
  }

  kept(index: number): void {
    this.#have.add(index);
  }

  async read(index: number): Promise<Uint8Array | undefined> {
    return (await this.#store.get(keyOf(index)))?.value;
  }

  /** The first ranges of those that are missing below a number. */
  missing(below: number): Range[] {
    const ranges: Range[] = [];
    for (let from = 0; from < below && ranges.length < MAX_RANGES; from++) {
      if (this.#have.has(from)) continue;
      let to = from + 1;
      while (to < below && !this.#have.has(to)) to++;
      ranges.push({ from, to });
      from = to;
    }
    return ranges;
  }

  /** All of them in order. */
  async *all(count: number): AsyncGenerator<Uint8Array, void> {
    for (let index = 0; index < count; index++) {
      const piece = await this.read(index);
      if (piece === undefined) return;
      yield piece;
    }
  }

  async deleteAll(): Promise<void> {
    await deleteUnder(this.#store, PREFIX);
    this.#have.clear();
  }
}

function keyOf(index: number): string {
  return `${PREFIX}${String(index).padStart(6, '0')}`;
}

/** Records deleted in one commit. */
const AT_ONCE = 256;

/** Deletes all records under a prefix, but for those to keep. */
export async function deleteUnder(store: Store, prefix: string, keep: readonly string[] = []): Promise<void> {
  for (;;) {
    const keys: string[] = [];
    for await (const { key } of store.list(prefix, { limit: AT_ONCE + keep.length }))
      if (!keep.includes(key)) keys.push(key);
    if (keys.length === 0) return;
    await store.commit(keys.map((key) => ({ type: 'delete', key })));
  }
}
