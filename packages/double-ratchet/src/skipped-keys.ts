import { compareBytes } from '@sotto/core';
import type { RatchetLimits } from './limits.js';

/** Names a skipped message: the ratchet key of its chain and its number there. */
export interface SkippedKeyId {
  /** The sender's ratchet public key. */
  readonly key: Uint8Array;
  /** From 0. */
  readonly n: number;
}

/** A message key kept for a message that hasn't arrived yet. Secret. */
export interface SkippedKey extends SkippedKeyId {
  /** 32 bytes. */
  readonly messageKey: Uint8Array;
}

/** Changes to the stored skipped keys, to be made in the same atomic write as the next state. */
export interface SkippedKeyChanges {
  /** Keys to store. */
  readonly stored: readonly SkippedKey[];
  /** Keys to delete. */
  readonly deleted: readonly SkippedKeyId[];
}

/** Message keys `first .. first + count - 1` of one chain, stored together. */
export interface SkippedRun {
  /** The sender's ratchet public key. */
  readonly key: Uint8Array;
  /** Number of the first message. */
  readonly first: number;
  /** How many messages, at least one. */
  readonly count: number;
  /** How many messages the session had received when these were stored: their age counts from there. */
  readonly storedAt: number;
}

/**
 * Which skipped keys exist, oldest first. Part of the ratchet state; holds no secrets, so that each key
 * can be a record of its own that a step doesn't rewrite.
 */
export type SkippedKeyIndex = readonly SkippedRun[];

/** How many keys the index lists. */
export function countSkippedKeys(index: SkippedKeyIndex): number {
  return index.reduce((sum, run) => sum + run.count, 0);
}

function findRun(index: SkippedKeyIndex, id: SkippedKeyId): number {
  return index.findIndex(
    (run) => id.n >= run.first && id.n < run.first + run.count && compareBytes(run.key, id.key) === 0,
  );
}

/** Whether the index lists a key. */
export function hasSkippedKey(index: SkippedKeyIndex, id: SkippedKeyId): boolean {
  return findRun(index, id) !== -1;
}

/** The index without a key; the same index if the key wasn't listed. */
export function removeSkippedKey(index: SkippedKeyIndex, id: SkippedKeyId): SkippedKeyIndex {
  const at = findRun(index, id);
  const run = index[at];
  if (run === undefined) return index;
  const before = { ...run, count: id.n - run.first };
  const after = { ...run, first: id.n + 1, count: run.first + run.count - id.n - 1 };
  return [...index.slice(0, at), ...[before, after].filter(({ count }) => count > 0), ...index.slice(at + 1)];
}

function* idsOf(run: SkippedRun, count = run.count): Generator<SkippedKeyId> {
  for (let i = 0; i < count; i++) yield { key: run.key, n: run.first + i };
}

/** Every key that the index lists, oldest first. For deleting a session. */
export function* listSkippedKeys(index: SkippedKeyIndex): Generator<SkippedKeyId> {
  for (const run of index) yield* idsOf(run);
}

/** Drops what the limits no longer allow, oldest first. */
export function evictSkippedKeys(
  index: SkippedKeyIndex,
  received: number,
  limits: RatchetLimits,
): { readonly kept: SkippedKeyIndex; readonly evicted: readonly SkippedKeyId[] } {
  let excess = countSkippedKeys(index) - limits.maxStoredKeys;
  const evicted: SkippedKeyId[] = [];
  const kept: SkippedRun[] = [];
  for (const run of index) {
    const tooOld = received - run.storedAt >= limits.maxKeyAge;
    const drop = tooOld ? run.count : Math.min(run.count, Math.max(0, excess));
    evicted.push(...idsOf(run, drop));
    excess -= drop;
    if (drop < run.count) kept.push({ ...run, first: run.first + drop, count: run.count - drop });
  }
  return { kept: evicted.length === 0 ? index : kept, evicted };
}
