import type { RevisionAnchor } from '../revision-anchor.js';

/** The part of `Storage` that an anchor needs. */
interface KeyValueStorage {
  getItem(key: string): string | null;
  removeItem(key: string): void;
  setItem(key: string, value: string): void;
}

/**
 * An anchor in `localStorage`, `undefined` where there is none (workers, blocked by the user).
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

/** Forgets what was noted of a store, so that it isn't missed. */
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
