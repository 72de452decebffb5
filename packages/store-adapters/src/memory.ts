import {
  copyBytes,
  type ListOptions,
  type Revision,
  type Store,
  type StoreCommitOptions,
  type StoredEntry,
  type StoredRecord,
  type Write,
} from '@sotto/core';
import { SortedKeys } from './sorted-keys.js';
import {
  checkAborted,
  checkExpectation,
  closedError,
  parseCommitDurability,
  parseKey,
  parseListRange,
  parseWrites,
} from './store-arguments.js';

/**
 * A store in memory: for tests, and for data that need not outlive the process. Closing it drops everything.
 *
 * A commit is one synchronous step. A listing references its records when it begins, so its cost
 * depends only on what it lists, and no commit waits for it.
 */
export function createMemoryStore(): Store {
  return new MemoryStore();
}

class MemoryStore implements Store {
  #records = new Map<string, StoredRecord>();
  /** The keys of `#records`. */
  #keys = new SortedKeys();
  #revision: Revision = 0;
  #closed = false;

  async get(key: string): Promise<StoredRecord | undefined> {
    this.#checkOpen();
    const record = this.#records.get(parseKey(key));
    return record && { value: copyBytes(record.value), revision: record.revision };
  }

  async *list(prefix: string, options: ListOptions = {}): AsyncGenerator<StoredEntry, void> {
    const { from, exclusive, below, limit } = parseListRange(prefix, options);
    this.#checkOpen();
    const snapshot: [string, StoredRecord][] = [];
    for (const key of this.#keys.range(from, below)) {
      if (snapshot.length === limit) break;
      if (!(exclusive && key === from)) snapshot.push([key, this.#records.get(key) as StoredRecord]);
    }
    for (const [key, { value, revision }] of snapshot) {
      checkAborted(options.signal, 'list');
      this.#checkOpen();
      yield { key, value: copyBytes(value), revision };
    }
    checkAborted(options.signal, 'list');
  }

  async commit(writes: readonly Write[], options: StoreCommitOptions = {}): Promise<Revision> {
    parseWrites(writes);
    parseCommitDurability(options.durability);
    checkAborted(options.signal, 'commit');
    this.#checkOpen();
    for (const write of writes) checkExpectation(write, this.#records.get(write.key)?.revision);
    const revision = ++this.#revision;
    for (const write of writes) {
      if (write.type === 'put') this.#put(write.key, { value: copyBytes(write.value), revision });
      else if (write.type === 'delete') this.#delete(write.key);
    }
    return revision;
  }

  /** Nothing to do: what was deleted is garbage-collected. */
  async compact(): Promise<void> {
    this.#checkOpen();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#records.clear();
    this.#keys = new SortedKeys();
  }

  #put(key: string, record: StoredRecord): void {
    if (!this.#records.has(key)) this.#keys.add(key);
    this.#records.set(key, record);
  }

  #delete(key: string): void {
    if (this.#records.delete(key)) this.#keys.remove(key);
  }

  #checkOpen(): void {
    if (this.#closed) throw closedError();
  }
}
