import { statfs } from 'node:fs/promises';
import { SottoError } from '@sotto/core';

/** What an engine may hold beyond its size: logs that were not merged, and the beginnings of new files. */
const MARGIN_BYTES = 8 * 1024 * 1024;

/**
 * Refuses to compact where the disk can't hold everything twice: it would fail half-way, with the disk full.
 * @param path of a file or directory on the disk
 * @param size bytes that are to be rewritten
 * @throws STORE_UNAVAILABLE
 */
export async function checkRoomToCompact(path: string, size: number): Promise<void> {
  // Where the system doesn't say, compacting is tried.
  const disk = await statfs(path).catch(() => undefined);
  if (disk === undefined || disk.bavail * disk.bsize >= size + MARGIN_BYTES) return;
  const details = { reason: 'not enough space on the disk to compact' };
  throw new SottoError('STORE_UNAVAILABLE', `The store can't be compacted now: ${details.reason}.`, details);
}
