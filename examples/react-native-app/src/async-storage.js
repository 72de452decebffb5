// A store over React Native's AsyncStorage, as in the README of @sotto/store-adapters: the changes of a commit are first
// written to a journal, which is one item; that is the moment of the commit.
import { decodeBase64, encodeBase64 } from '@sotto/core';
import { createEngineStore } from '@sotto/store-adapters/engine';

const JOURNAL = 'sotto-journal';
const RECORD = 'sotto:';

class AsyncStorageEngine {
  #storage;
  #unsettled = true;
  #settling;

  constructor(storage) {
    this.#storage = storage;
  }

  async get(keys) {
    await this.#settle();
    const pairs = await this.#storage.multiGet(keys.map((key) => RECORD + key));
    return pairs.map(([, text]) => (text === null ? undefined : decodeBase64(text)));
  }

  async page({ from, exclusive, below }, limit) {
    await this.#settle();
    const keys = (await this.#storage.getAllKeys())
      .filter((key) => key.startsWith(RECORD))
      .map((key) => key.slice(RECORD.length))
      .filter((key) => (exclusive ? key > from : key >= from) && key < below)
      .sort()
      .slice(0, limit);
    const values = await this.get(keys);
    return keys.map((key, i) => [key, values[i]]);
  }

  async write(changes) {
    await this.#settle();
    const entries = changes.map(({ key, value }) => [RECORD + key, value ? encodeBase64(value) : null]);
    await this.#storage.setItem(JOURNAL, JSON.stringify(entries));
    this.#unsettled = true;
    await this.#settle().catch(() => {});
  }

  async close() {}

  #settle() {
    if (!this.#unsettled) return Promise.resolve();
    this.#settling ??= this.#makeChanges().finally(() => {
      this.#settling = undefined;
    });
    return this.#settling;
  }

  async #makeChanges() {
    const journal = await this.#storage.getItem(JOURNAL);
    if (journal !== null) {
      const entries = JSON.parse(journal);
      await this.#storage.multiSet(entries.filter((entry) => entry[1] !== null));
      await this.#storage.multiRemove(entries.filter(([, text]) => text === null).map(([key]) => key));
      await this.#storage.removeItem(JOURNAL);
    }
    this.#unsettled = false;
  }
}

/** A store in AsyncStorage. There is one for each app, as their keys are the same. */
export function createAsyncStorageStore(storage) {
  return createEngineStore(new AsyncStorageEngine(storage));
}
