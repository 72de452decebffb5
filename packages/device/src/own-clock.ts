import type { Clock } from '@sotto/core';
import type { DeviceContext } from './context.js';
import { clockTable } from './storage/tables.js';
import type { Transaction } from './storage/transaction.js';

/** Age at which a reading of our clock is trusted enough to delete by it. */
const STANDS_AFTER_MS = 24 * 60 * 60_000;

/**
 * Reads our clock, and returns a trusted time: an earlier reading, at least a day old, that no later reading has
 * contradicted. Expiry uses this time, so that a start with a clock that is ahead, or far behind, deletes nothing that is
 * still needed. `undefined` until there is such a reading.
 */
export async function certainTime(
  tx: Transaction,
  { clock }: Pick<DeviceContext, 'clock'>,
): Promise<number | undefined> {
  const now = Math.trunc(clock.now());
  const known = await tx.get(clockTable);
  const observedAt = Number(known?.observedAt ?? 0n);
  const certainAt = Number(known?.certainAt ?? 0n);
  if (known === undefined || now < observedAt) {
    // An earlier trusted time stays valid unless it is in the future, too.
    const stands = now < certainAt ? 0 : certainAt;
    tx.put(clockTable, { observedAt: BigInt(now), certainAt: BigInt(stands) });
    return stands === 0 ? undefined : stands;
  }
  if (now - observedAt < STANDS_AFTER_MS) return certainAt === 0 ? undefined : certainAt;
  tx.put(clockTable, { observedAt: BigInt(now), certainAt: BigInt(observedAt) });
  return observedAt;
}

/** What a comparison of a stored time with our clock needs. */
export interface ClockContext {
  readonly clock: Clock;
  readonly limits: Pick<DeviceContext['limits'], 'maxClockAheadMs'>;
}

/**
 * How long ago something happened, in milliseconds; `undefined` when it is in the future by our clock, which was
 * wrong then or is now, so the stored time proves nothing.
 */
export function timeSince(storedMs: number, { clock, limits }: ClockContext): number | undefined {
  const elapsed = clock.now() - storedMs;
  if (elapsed >= 0) return elapsed;
  return elapsed >= -limits.maxClockAheadMs ? 0 : undefined;
}

/**
 * Whether something happened less than the given number of milliseconds ago, by a stored time of our clock. False for 0,
 * which stands for never, and for a time in the future, which proves nothing.
 */
export function happenedWithin(storedMs: bigint, intervalMs: number, context: ClockContext): boolean {
  if (storedMs === 0n) return false;
  const elapsed = timeSince(Number(storedMs), context);
  return elapsed !== undefined && elapsed < intervalMs;
}

/** Our clock's time as records have it: whole milliseconds since the epoch. A clock may give fractions. */
export function storedNow(clock: Clock): bigint {
  return BigInt(Math.trunc(clock.now()));
}
