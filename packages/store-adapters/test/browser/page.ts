/** What runs in the page: the stores of this package, and calls for the tests outside to make. */
import { type StoreFixture, storeCases } from '@sotto/compliance/store';
import { decodeUtf8, encodeUtf8, isSottoError, type Store } from '@sotto/core';
// The polyfill that browser-level wants of whoever bundles it.
import 'events/events.js';
import { BrowserLevel } from 'browser-level';
import { createEncryptedStore } from '../../src/encrypted.js';
import {
  createIndexedDbStore,
  type DeleteIndexedDbStoreOptions,
  deleteIndexedDbStore,
  type IndexedDbStore,
  type IndexedDbStoreOptions,
} from '../../src/indexeddb.js';
import { createLevelStore } from '../../src/level.js';

const randomBytes = (length: number) => crypto.getRandomValues(new Uint8Array(length));

const places: Record<string, (name: string) => StoreFixture> = {
  indexeddb: (name) => ({ open: () => createIndexedDbStore({ name }) }),
  'indexeddb, faster': (name) => ({
    open: () => createIndexedDbStore({ name, durability: 'process-crash' }),
  }),
  'encrypted, on indexeddb': (name) => ({
    open: async () =>
      createEncryptedStore({
        store: await createIndexedDbStore({ name }),
        passphrase: 'correct horse',
        randomBytes,
        passphraseCost: { memoryKiB: 8, passes: 1 },
      }),
  }),
  'level on browser-level': (name) => ({
    open: () => createLevelStore({ database: new BrowserLevel(name) }),
  }),
};

/** Every connection to a database that was opened. */
const opened: IDBDatabase[] = [];
const openDatabase = IDBFactory.prototype.open;
IDBFactory.prototype.open = function (...args) {
  const request = openDatabase.apply(this, args);
  request.addEventListener('success', () => opened.push(request.result));
  return request;
};

const stores = new Map<string, Store>();
const handedOver = new Set<string>();

/** What a test outside gets of an error: its code. */
async function outcome<T>(call: Promise<T>): Promise<T | { readonly code: string }> {
  try {
    return await call;
  } catch (error) {
    return { code: isSottoError(error) ? error.code : String(error) };
  }
}

const api = {
  /** Runs one compliance case; gives the message of its failure. */
  async runCase(
    adapter: string,
    options: { records?: number; exclusive?: boolean; maxValueBytes?: number },
    name: string,
  ) {
    const found = storeCases(options).find((one) => one.name === name);
    if (!found) return `there is no case ${name}`;
    try {
      await found.run((places[adapter] as (name: string) => StoreFixture)(`${adapter} ${name}`));
      return undefined;
    } catch (error) {
      return error instanceof Error ? `${error.message}\n${error.stack}` : String(error);
    }
  },

  open: (as: string, options: IndexedDbStoreOptions) =>
    outcome(
      (async () => {
        const store: IndexedDbStore = await createIndexedDbStore(options);
        stores.set(as, store);
        void store.handedOver.then(() => handedOver.add(as));
        return { continuity: store.continuity, persisted: await store.persisted };
      })(),
    ),

  put: (as: string, entries: Record<string, string>) =>
    outcome(
      (stores.get(as) as Store).commit(
        Object.entries(entries).map(([key, text]) => ({ type: 'put', key, value: encodeUtf8(text) })),
      ),
    ),

  putBytes: (as: string, key: string, length: number) =>
    outcome((stores.get(as) as Store).commit([{ type: 'put', key, value: randomBytesLong(length) }])),

  remove: (as: string, key: string) => outcome((stores.get(as) as Store).commit([{ type: 'delete', key }])),

  get: (as: string, key: string) =>
    outcome((stores.get(as) as Store).get(key).then((record) => record && decodeUtf8(record.value))),

  /** Commits one after another, forever, and notes what was confirmed in `window.confirmed`. */
  writeOn(as: string) {
    const store = stores.get(as) as Store;
    void (async () => {
      for (let i = 1; ; i++) {
        const value = encodeUtf8(String(i));
        await store.commit([
          { type: 'put', key: 'a', value },
          { type: 'put', key: `log/${String(i).padStart(6, '0')}`, value },
          { type: 'put', key: 'b', value },
        ]);
        (globalThis as { report?: (i: number) => void }).report?.(i);
      }
    })();
  },

  async keys(as: string) {
    const keys: string[] = [];
    for await (const { key } of (stores.get(as) as Store).list('')) keys.push(key);
    return keys;
  },

  list: (as: string) => outcome(api.keys(as)),

  close: (as: string) => outcome((stores.get(as) as Store).close()),

  wasHandedOver: (as: string) => handedOver.has(as),

  /** The durability of each transaction that writes, while `run` runs. */
  async durabilities(options: IndexedDbStoreOptions) {
    const seen: string[] = [];
    const original = IDBDatabase.prototype.transaction;
    IDBDatabase.prototype.transaction = function (...args) {
      const transaction = original.apply(this, args);
      if (transaction.mode === 'readwrite') seen.push(transaction.durability);
      return transaction;
    };
    const store = await createIndexedDbStore(options);
    await store.commit([{ type: 'put', key: 'a', value: randomBytes(10) }]);
    await store.close();
    IDBDatabase.prototype.transaction = original;
    return seen;
  },

  /** Closes the connection to the database under the store, as a browser does that is short of something. */
  disconnect(name: string): number {
    const connections = opened.filter((database) => database.name === `sotto:${name}`);
    for (const database of connections) database.close();
    return connections.length;
  },

  encrypt: (as: string, inside: string) =>
    outcome(
      (async () => {
        const store = stores.get(inside) as Store;
        const passphraseCost = { memoryKiB: 8, passes: 1 };
        stores.set(
          as,
          await createEncryptedStore({ store, passphrase: 'correct horse', randomBytes, passphraseCost }),
        );
      })(),
    ),

  /** How often the browser is asked not to evict the data, when it answers so. */
  async persistCalls(options: IndexedDbStoreOptions, answer: boolean) {
    let calls = 0;
    navigator.storage.persist = async () => {
      calls++;
      return answer;
    };
    const store = await createIndexedDbStore(options);
    const persisted = await store.persisted;
    await store.close();
    return { calls, persisted };
  },

  delete: (options: DeleteIndexedDbStoreOptions) => outcome(deleteIndexedDbStore(options)),

  /** Deletes the database behind the store's back, as a browser does that needs the space. */
  evict: (name: string) =>
    new Promise<void>((resolve, reject) => {
      const request = indexedDB.deleteDatabase(`sotto:${name}`);
      request.onsuccess = () => resolve();
      request.onerror = () => reject(request.error);
    }),
};

function randomBytesLong(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at += 65_536) crypto.getRandomValues(bytes.subarray(at, at + 65_536));
  return bytes;
}

export type PageApi = typeof api;
Object.assign(globalThis, { sotto: api });
