/** An anchor in a file, on Node. */
import { readFile, rename, writeFile } from 'node:fs/promises';
import type { RevisionAnchor } from './revision-anchor.js';
import { parseName } from './store-arguments.js';

export type { RevisionAnchor } from './revision-anchor.js';

/**
 * Keeps a store's revision in a file. Put it where backups of the store don't include it: an anchor
 * that is restored together with the store can't detect the restore.
 * @param path of the file; its directory must exist
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
      // Atomically, but without fsync: an anchor that lags behind only detects less.
      await writeFile(`${path}.new`, String(revision), { mode: 0o600 });
      await rename(`${path}.new`, path);
    },
  };
}
