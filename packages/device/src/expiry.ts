import { decodeHex } from '@sotto/core';
import { decodeState, encodeState, type SkippedKeyId, withoutSkippedKeys } from '@sotto/double-ratchet';
import type { DeviceContext } from './context.js';
import { certainTime, storedNow, timeSince } from './own-clock.js';
import { deleteExpiredPreKeys } from './pre-keys.js';
import { forgetSeen } from './seen-messages.js';
import type { SessionRecord } from './storage/records.js';
import { endedChainTable, sessionTable, skippedKeyTable } from './storage/tables.js';
import type { ReadTransaction, Transaction } from './storage/transaction.js';
import { undamaged } from './storage/undamaged.js';
import { isHybrid } from './suites/session.js';

/** Records read in one transaction: few, so that nothing waits long. */
const BATCH = 256;

/**
 * Deletes private prekeys whose grace period is over, and ids of messages outside of sessions that are too old to be accepted
 * again. Uses a trusted time, so that a clock that is wrong once deletes nothing.
 */
export async function deleteExpired(tx: Transaction, context: DeviceContext): Promise<void> {
  const time = await certainTime(tx, context);
  if (time === undefined) return;
  await deleteExpiredPreKeys(tx, context, time);
  await forgetSeen(tx, context, time);
}

/** Where a sweep continues; `undefined` when it has finished. */
export type SweepPosition = { readonly table: 'session' | 'skipped'; readonly after: string } | undefined;

/**
 * Deletes expired message keys and idle sessions, some in each transaction. The lifetime of a record dated in the future, by a
 * clock that was ahead, begins anew.
 * @param time milliseconds since the epoch: what had expired by then is deleted
 * @param from where the previous call stopped. Default: the beginning
 * @returns where the next call continues; `undefined` when the sweep has finished
 */
export async function sweep(
  tx: Transaction,
  context: DeviceContext,
  time: number,
  from: SweepPosition = { table: 'skipped', after: '' },
): Promise<SweepPosition> {
  let after = from.after;
  if (from.table === 'skipped') {
    const next = await sweepSkippedKeys(tx, context, time, after);
    if (next !== undefined) return { table: 'skipped', after: next };
    after = '';
  }
  const next = await sweepSessions(tx, context, time, after);
  return next === undefined ? undefined : { table: 'session', after: next };
}

async function sweepSkippedKeys(
  tx: Transaction,
  context: DeviceContext,
  time: number,
  after: string,
): Promise<string | undefined> {
  const { records, next } = await tx.page(skippedKeyTable, after, BATCH);
  const now = context.clock.now();
  const expired = new Map<string, { readonly key: Uint8Array; readonly n: number }[]>();
  for (const { segments, value } of records) {
    const [session = '', key = '', n = ''] = segments;
    const isOfFuture = timeSince(value.storedAt, context) === undefined;
    if (isOfFuture) tx.put(skippedKeyTable, { ...value, storedAt: now }, session, key, n);
    if (isOfFuture || time - value.storedAt <= context.limits.skippedKeyLifetimeMs) continue;
    tx.delete(skippedKeyTable, session, key, n);
    const ids = expired.get(session) ?? [];
    ids.push({ key: decodeHex(key), n: Number(n) });
    expired.set(session, ids);
  }
  for (const [session, ids] of expired) {
    const record = await undamaged(withoutKeys(tx, context, session, ids));
    if (record !== undefined) tx.put(sessionTable, record, session);
  }
  return next;
}

/** A session without keys that were deleted; `undefined` when it is gone, or this device doesn't speak its suite. */
async function withoutKeys(
  tx: ReadTransaction,
  context: DeviceContext,
  session: string,
  ids: readonly SkippedKeyId[],
): Promise<SessionRecord | undefined> {
  const record = await tx.get(sessionTable, session);
  const ratchet = record && ratchetWithoutKeys(context, record, ids);
  return ratchet && { ...record, ratchet };
}

function ratchetWithoutKeys(
  { hybrid }: DeviceContext,
  record: SessionRecord,
  ids: readonly SkippedKeyId[],
): Uint8Array | undefined {
  if (isHybrid(record)) return hybrid?.withoutSkippedKeys(record.ratchet, ids);
  return encodeState(withoutSkippedKeys(decodeState(record.ratchet), ids));
}

async function sweepSessions(
  tx: Transaction,
  context: DeviceContext,
  time: number,
  after: string,
): Promise<string | undefined> {
  const { records, next } = await tx.page(sessionTable, after, BATCH);
  const now = storedNow(context.clock);
  for (const { segments, value } of records) {
    const [session = ''] = segments;
    const isOfFuture = timeSince(Number(value.usedAt), context) === undefined;
    // This transaction may have changed it since it was stored.
    const current = isOfFuture ? await tx.get(sessionTable, session) : undefined;
    if (current !== undefined) tx.put(sessionTable, { ...current, usedAt: now }, session);
    if (isOfFuture || time - Number(value.usedAt) <= context.limits.sessionIdleMs) continue;
    for (const table of [skippedKeyTable, endedChainTable]) {
      for (const rest of await tx.keys(table, [session])) tx.delete(table, ...rest);
    }
    tx.delete(sessionTable, session);
  }
  return next;
}
