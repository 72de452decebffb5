/** An anchor in a file, on Node. */
import { readFile, rename, writeFile } from 'node:fs/promises';
import type { RevisionAnchor } from './revision-anchor.js';
import { parseName } from './store-arguments.js';

export type { RevisionAnchor } from './revision-anchor.js';

/**
 * Keeps a store's revision in a file. Put it where a backup of the store, and a restore, doesn't reach: what is
 * restored together with the store can't tell that it is old.
 * @param path of the file; its directory must be there
 * @throws INVALID_ARGUMENT
 */
export function createFileAnchor(path: string): RevisionAnchor {
  parseName(path, 'path');
  return {
    async load() {
      try {
        const revision = Number(await readFile(path, 'utf8'));
        return Number.isSafeInteger(revision) && revision > 0 ? revision : undefined;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
        throw error;
      }
    },
    async save(revision) {
      // Whole or not at all. It isn't forced to the disk: an anchor that lags behind only notices less.
      await writeFile(`${path}.new`, String(revision), { mode: 0o600 });
      await rename(`${path}.new`, path);
    },
  };
}
