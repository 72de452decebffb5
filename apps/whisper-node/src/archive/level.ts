import { mkdir, readdir, statfs } from 'node:fs/promises';
import type { Logger } from '@sotto/core';
import { ClassicLevel } from 'classic-level';

export type Level = ClassicLevel<Uint8Array, Uint8Array>;

export type BatchOperation =
  | { readonly type: 'put'; readonly key: Uint8Array; readonly value: Uint8Array }
  | { readonly type: 'del'; readonly key: Uint8Array };

/** Free bytes needed to reopen a database after a failed write. */
const ROOM = 32 * 1024 * 1024;

/** A LevelDB database in a directory, not opened yet. */
export function createLevel(path: string): Level {
  return new ClassicLevel(path, { keyEncoding: 'view', valueEncoding: 'view' });
}

/**
 * Opens the database in a directory, which is created with access for its owner alone.
 *
 * @returns `damaged` when it had to be repaired
 * @throws an Error with a text for people when another process has it, or it can't be opened
 */
export async function openLevel(
  path: string,
  logger: Logger,
): Promise<{ readonly level: Level; readonly damaged: boolean }> {
  await mkdir(path, { recursive: true, mode: 0o700 });
  // LevelDB would consider it empty, and remove the rest.
  const beheaded = await hasLostItsHead(path);
  if (beheaded) {
    logger.warn('archive.damaged', { reason: 'CURRENT is missing' });
    await ClassicLevel.repair(path);
  }
  const level = createLevel(path);
  try {
    await level.open();
    return { level, damaged: beheaded };
  } catch (error) {
    if (codeOf(error) === 'LEVEL_LOCKED') {
      const advice = 'stop it, or give this one a directory of its own with --data';
      throw new Error(`another process has the archive in ${path}: ${advice}`, { cause: error });
    }
    logger.warn('archive.damaged', { reason: reasonOf(error) });
  }
  try {
    await ClassicLevel.repair(path);
    await level.open();
  } catch (error) {
    const advice = 'move it away to start with an empty one';
    throw new Error(`the archive in ${path} can't be opened, ${advice}: ${reasonOf(error)}`, {
      cause: error,
    });
  }
  return { level, damaged: true };
}

/**
 * After a failed write, LevelDB accepts nothing until it is reopened. While the disk is full it stays as it is, so
 * that it can still be read.
 *
 * @throws an Error when it can't be reopened now
 */
export async function reopenLevel(level: Level): Promise<void> {
  const { bavail, bsize } = await statfs(level.location);
  if (bavail * bsize < ROOM) throw new Error('the disk is full');
  await level.close();
  await level.open();
}

async function hasLostItsHead(path: string): Promise<boolean> {
  const files = await readdir(path);
  return files.some((name) => /\.(ldb|sst)$/.test(name)) && !files.includes('CURRENT');
}

/** Whether an error is due to damaged bytes on the disk. */
export function isDamage(error: unknown): boolean {
  return codeOf(error) === 'LEVEL_CORRUPTION';
}

function codeOf(error: unknown): string | undefined {
  const { code, cause } = error as { code?: string; cause?: { code?: string } };
  return cause?.code ?? code;
}

/** LevelDB's message, which is in the cause. */
export function reasonOf(error: unknown): string {
  const { cause } = error as { cause?: unknown };
  return (cause instanceof Error ? cause : (error as Error)).message;
}
