import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/**
 * An empty directory on the disk, removed when the test is over.
 * @param whenDone Vitest's `afterAll` or `afterEach`, for a directory that several tests share
 */
export function temporaryDirectory(whenDone: (remove: () => void) => void = onTestFinished): string {
  const { path, remove } = createTemporaryDirectory();
  whenDone(remove);
  return path;
}

/** An empty directory on the disk, which the caller removes. */
export function createTemporaryDirectory(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'sotto-test-'));
  return {
    path,
    // A process that was told to exit may still write there for a moment.
    remove: () => rmSync(path, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 }),
  };
}
