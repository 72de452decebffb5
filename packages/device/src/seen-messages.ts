import { encodeHex, SottoError } from '@sotto/core';
import type { DeviceContext } from './context.js';
import type { SeenIndexRecord } from './storage/records.js';
import { seenIndexTable, seenTable } from './storage/tables.js';
import type { Transaction } from './storage/transaction.js';

/** Messages are remembered, and forgotten, by day. */
const DAY_MS = 24 * 60 * 60_000;
/** Days of which messages are remembered, by what they say and by our clock: twice as many as there can be honestly. */
const MOST_BUCKETS = 200;

/** The parts of a message that no one on the way can change. */
export interface SeenMessage {
  /** 32 bytes; another one on each public channel. */
  readonly messageId: Uint8Array;
  /** Milliseconds since the epoch, signed by the sender; `undefined` when the message has no such time. */
  readonly signedAt: number | undefined;
  /** Milliseconds since the epoch, as the transport claims; anyone who passes the message on can raise it. */
  readonly sentAt: number | undefined;
}

/**
 * Remembers a message outside of ratchets; refuses repetitions, and messages older than the memory reaches. Messages are
 * indexed by the time that their sender signed, so that a repetition is found whatever our clock says; those without one,
 * or from the future, by our clock.
 *
 * @throws DUPLICATE_MESSAGE, MESSAGE_TOO_OLD; LIMIT_EXCEEDED when more were received in a day than can be remembered
 */
export async function refuseRepeated(
  tx: Transaction,
  context: DeviceContext,
  message: SeenMessage,
): Promise<void> {
  const { clock, limits } = context;
  const { messageId, signedAt, sentAt } = message;
  const now = clock.now();
  const id = encodeHex(messageId);
  const index = (await tx.get(seenIndexTable, 'all')) ?? { floor: 0, counts: new Map() };
  const dated = signedAt === undefined ? undefined : bucketName('d', dayOf(signedAt));
  const undated = [...index.counts.keys()].filter((bucket) => bucket.startsWith('u'));
  for (const bucket of dated === undefined ? undated : [dated, ...undated]) {
    if (index.counts.has(bucket) && (await tx.get(seenTable, bucket, id)) !== undefined) {
      throw new SottoError('DUPLICATE_MESSAGE', 'This message was received before.', {
        messageId: encodeHex(messageId),
      });
    }
  }
  const time = Math.min(signedAt ?? Number.POSITIVE_INFINITY, sentAt ?? Number.POSITIVE_INFINITY);
  if (time !== Number.POSITIVE_INFINITY && dayOf(time) < index.floor) {
    throw new SottoError(
      'MESSAGE_TOO_OLD',
      'This message is too old to tell whether it was received before.',
      {
        messageId: encodeHex(messageId),
      },
    );
  }
  const isFuture = signedAt !== undefined && signedAt > now + limits.maxClockAheadMs;
  const bucket = dated === undefined || isFuture ? bucketName('u', dayOf(now)) : dated;
  const counts = new Map(index.counts).set(bucket, (index.counts.get(bucket) ?? 0) + 1);
  tx.put(seenTable, new Uint8Array(0), bucket, id);
  tx.put(seenIndexTable, { ...index, counts }, 'all');
  // A sender who forges dates can't make the index larger than that.
  if (total(counts) > limits.maxSeenMessages || counts.size > MOST_BUCKETS)
    await forgetOldest(tx, { ...index, counts }, bucket);
}

/**
 * Forgets days that have expired by the given time, one (the oldest) in each call. After a clock was ahead for long, what it
 * made us forget is refused until today, and no longer.
 * @param time milliseconds since the epoch, trusted
 */
export async function forgetSeen(tx: Transaction, context: DeviceContext, time: number): Promise<void> {
  const index = await tx.get(seenIndexTable, 'all');
  if (index === undefined) return;
  const known = Math.min(index.floor, dayOf(context.clock.now()));
  const floor = Math.max(known, dayOf(time - context.limits.seenRetentionMs));
  const [oldest] = bucketsOf(index);
  if (oldest !== undefined && dayIn(oldest) < floor) await forgetOldest(tx, { ...index, floor });
  else if (floor !== index.floor) tx.put(seenIndexTable, { ...index, floor }, 'all');
}

async function forgetOldest(tx: Transaction, index: SeenIndexRecord, except?: string): Promise<void> {
  const oldest = bucketsOf(index).find((bucket) => bucket !== except);
  if (oldest === undefined) {
    const actual = total(index.counts);
    throw new SottoError(
      'LIMIT_EXCEEDED',
      'Too many messages were received in a day to detect repetitions.',
      {
        what: 'messages outside of sessions in a day',
        limit: actual - 1,
        actual,
      },
    );
  }
  for (const segments of await tx.keys(seenTable, [oldest])) tx.delete(seenTable, ...segments);
  const counts = new Map(index.counts);
  counts.delete(oldest);
  const floor = Math.max(index.floor, oldest.startsWith('d') ? dayIn(oldest) + 1 : 0);
  tx.put(seenIndexTable, { floor, counts }, 'all');
}

function bucketsOf(index: SeenIndexRecord): string[] {
  return [...index.counts.keys()].toSorted((a, b) => dayIn(a) - dayIn(b));
}

function total(counts: ReadonlyMap<string, number>): number {
  let sum = 0;
  for (const count of counts.values()) sum += count;
  return sum;
}

function dayOf(time: number): number {
  return Math.max(0, Math.floor(time / DAY_MS));
}

/** `d` and the day that a sender signed, or `u` and the day of our clock. */
function bucketName(kind: 'd' | 'u', day: number): string {
  return `${kind}${String(day).padStart(6, '0')}`;
}

function dayIn(bucket: string): number {
  return Number(bucket.slice(1));
}
