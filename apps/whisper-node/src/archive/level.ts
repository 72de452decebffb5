import { mkdir } from 'node:fs/promises';
import { ClassicLevel } from 'classic-level';

export type Level = ClassicLevel<Uint8Array, Uint8Array>;

export type BatchOperation =
  | { readonly type: 'put'; readonly key: Uint8Array; readonly value: Uint8Array }
  | { readonly type: 'del'; readonly key: Uint8Array };

/** Opens LevelDB in a directory, which is made for its owner alone. One process at a time. */
export async function openLevel(path: string): Promise<Level> {
  await mkdir(path, { recursive: true, mode: 0o700 });
  const level: Level = new ClassicLevel(path, { keyEncoding: 'view', valueEncoding: 'view' });
  await level.open();
  return level;
}
