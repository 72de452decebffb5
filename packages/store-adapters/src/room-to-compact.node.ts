import { statfs } from 'node:fs/promises';
import { SottoError } from '@sotto/core';

/** What an engine may need in addition to its size: logs not yet merged, and new files being written. */
const MARGIN_BYTES = 8 * 1024 * 1024;

/**
 * Refuses to compact when the disk can't hold everything twice: it would fail half-way, with a full disk.
 * @param path of a file or directory on the disk
 * @param size bytes that are to be rewritten
 * @throws STORE_UNAVAILABLE
 */
export async function checkRoomToCompact(path: string, size: number): Promise<void> {
  // Where the free space is unknown, compacting is tried.
  const disk = await statfs(path).catch(() => undefined);
  if (disk === undefined || disk.bavail * disk.bsize >= size + MARGIN_BYTES) return;
  const details = { reason: 'not enough space on the disk to compact' };
  throw new SottoError('STORE_UNAVAILABLE', `The store can't be compacted now: ${details.reason}.`, details);
}
