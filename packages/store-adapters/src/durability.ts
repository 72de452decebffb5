import { invalidArgument } from '@sotto/core';

/**
 * What a resolved commit survives.
 *
 * - `power-loss`: everything, if the disk honours flushes: each commit waits for the disk (fsync).
 * - `process-crash`: the death of the process, but not of the machine. Many times faster, but a power cut may lose
 *   the last commits: the ratchets are then older than the messages already sent, as after restoring a small backup.
 *   Only an anchor on more durable storage detects it.
 */
export type Durability = 'power-loss' | 'process-crash';

/** @throws INVALID_ARGUMENT */
export function parseDurability(durability: Durability): Durability {
  if (durability === 'power-loss' || durability === 'process-crash') return durability;
  throw invalidArgument('durability', 'neither "power-loss" nor "process-crash"');
}
