import type { RevisionAnchor } from '../revision-anchor.js';

/** The part of `Storage` that an anchor needs. */
interface KeyValueStorage {
  getItem(key: string): string | null;
  removeItem(key: string): void;
  setItem(key: string, value: string): void;
}

/**
 * An anchor in `localStorage`; `undefined` where that is unavailable (in workers, or blocked by the user).
 * @param name the name of the store
 */
export function createLocalStorageAnchor(name: string): RevisionAnchor | undefined {
  const storage = findLocalStorage();
  if (!storage) return undefined;
  const key = keyOf(name);
  return {
    async load() {
      const revision = Number(storage.getItem(key) ?? Number.NaN);
      return Number.isSafeInteger(revision) && revision > 0 ? revision : undefined;
    },
    async save(revision) {
      storage.setItem(key, String(revision));
    },
  };
}

/** Deletes the anchor of a store, so that the store doesn't count as lost. */
export function removeLocalStorageAnchor(name: string): void {
  findLocalStorage()?.removeItem(keyOf(name));
}

function keyOf(name: string): string {
  return `sotto:${name}:revision`;
}

function findLocalStorage(): KeyValueStorage | undefined {
  try {
    // Throws where the user has blocked it.
    return (globalThis as { localStorage?: KeyValueStorage }).localStorage;
  } catch {
    return undefined;
  }
}
