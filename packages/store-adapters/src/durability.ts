import { invalidArgument } from '@sotto/core';

/**
 * What a commit that was answered survives.
 *
 * - `power-loss`: everything, as far as the disk keeps its word: each commit waits for the disk (fsync).
 * - `process-crash`: the death of the process, but not of the machine. Many times faster, and after a power cut the
 *   last commits may be missing: the ratchets are older than what was sent with them, which is a restored backup in
 *   miniature. Only with an anchor on something more durable is it noticed.
 */
export type Durability = 'power-loss' | 'process-crash';

/** @throws INVALID_ARGUMENT */
export function parseDurability(durability: Durability): Durability {
  if (durability === 'power-loss' || durability === 'process-crash') return durability;
  throw invalidArgument('durability', 'neither "power-loss" nor "process-crash"');
}
