import { copyBytes } from '@sotto/core';
import type { Durability } from '../durability.js';
import type { EngineChange, KeyRange, StorageEngine } from '../storage-engine.js';

const RECORDS = 'records';

/**
 * A {@link StorageEngine} in IndexedDB itself. Not through browser-level: that leaves it to the browser whether a
 * commit waits for the disk, returns `undefined` for some failed reads, and needs a polyfill of Node's
 * `events`. It would do for a cache.
 */
export class IndexedDbEngine implements StorageEngine {
  readonly #name: string;
  readonly #durability: IDBTransactionDurability;
  #database: IDBDatabase;

  private constructor(name: string, durability: IDBTransactionDurability, database: IDBDatabase) {
    this.#name = name;
    this.#durability = durability;
    this.#database = database;
  }

  /** @throws the errors of IndexedDB */
  static async open(name: string, durability: Durability): Promise<IndexedDbEngine> {
    // By default Chromium and Firefox don't wait for the disk.
    const wait = durability === 'power-loss' ? 'strict' : 'relaxed';
    return new IndexedDbEngine(name, wait, await openDatabase(name));
  }

  async get(keys: readonly string[]): Promise<(Uint8Array | undefined)[]> {
    const records = this.#read();
    return Promise.all(keys.map((key) => answer<Uint8Array | undefined>(records.get(key))));
  }

  async page({ from, exclusive, below }: KeyRange, limit: number): Promise<[string, Uint8Array][]> {
    if (from >= below) return [];
    const range = IDBKeyRange.bound(from, below, exclusive, true);
    const records = this.#read();
    const [keys, values] = await Promise.all([
      answer(records.getAllKeys(range, limit) as IDBRequest<string[]>),
      answer(records.getAll(range, limit) as IDBRequest<Uint8Array[]>),
    ]);
    return keys.map((key, i) => [key, values[i] as Uint8Array]);
  }

  write(changes: readonly EngineChange[]): Promise<void> {
    return new Promise((resolve, reject) => {
      const transaction = this.#database.transaction(RECORDS, 'readwrite', { durability: this.#durability });
      transaction.oncomplete = () => resolve();
      transaction.onabort = () => reject(transaction.error ?? new Error('The transaction was aborted.'));
      const records = transaction.objectStore(RECORDS);
      for (const { key, value } of changes) {
        if (value === undefined) records.delete(key);
        // A view would be stored with the whole buffer behind it.
        else records.put(value.length === value.buffer.byteLength ? value : copyBytes(value), key);
      }
    });
  }

  /** Opens a new connection after the database was forcibly closed. */
  async reopen(): Promise<void> {
    this.#database.close();
    this.#database = await openDatabase(this.#name);
  }

  async close(): Promise<void> {
    this.#database.close();
  }

  #read(): IDBObjectStore {
    return this.#database.transaction(RECORDS, 'readonly').objectStore(RECORDS);
  }
}

/** Deletes the database, when no connection to it is open any more. */
export async function deleteDatabase(name: string): Promise<void> {
  await answer(indexedDB.deleteDatabase(databaseOf(name)));
}

function databaseOf(name: string): string {
  return `sotto:${name}`;
}

function openDatabase(name: string): Promise<IDBDatabase> {
  const request = indexedDB.open(databaseOf(name), 1);
  request.onupgradeneeded = () => {
    request.result.createObjectStore(RECORDS);
  };
  return answer(request);
}

function answer<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
