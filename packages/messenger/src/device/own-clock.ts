import type { Clock } from '@sotto/core';
import type { UnitOfWork } from '../storage/ledger.js';
import { clockTable } from '../storage/tables.js';
import type { DeviceContext } from './context.js';

/** How long a reading of our clock has to stand before anything is deleted by it. */
const STANDS_AFTER_MS = 24 * 60 * 60_000;

/**
 * Reads our clock, and gives a time that has certainly come: an earlier reading, a day old or more, that no later reading
 * has contradicted. What time deletes for good is deleted by this one, so that a start with a clock that is ahead, or far
 * behind, deletes nothing that is still needed. `undefined` while there is no such reading.
 */
export async function certainTime(
  work: UnitOfWork,
  { clock }: Pick<DeviceContext, 'clock'>,
): Promise<number | undefined> {
  const now = Math.trunc(clock.now());
  const known = await work.get(clockTable);
  const observedAt = Number(known?.observedAt ?? 0n);
  const certainAt = Number(known?.certainAt ?? 0n);
  if (known === undefined || now < observedAt) {
    // What was certain still is, unless it lies in the future as well.
    const stands = now < certainAt ? 0 : certainAt;
    work.put(clockTable, { observedAt: BigInt(now), certainAt: BigInt(stands) });
    return stands === 0 ? undefined : stands;
  }
  if (now - observedAt < STANDS_AFTER_MS) return certainAt === 0 ? undefined : certainAt;
  work.put(clockTable, { observedAt: BigInt(now), certainAt: BigInt(observedAt) });
  return observedAt;
}

/**
 * How long ago something happened, in milliseconds; `undefined` when it lies in the future by our clock, which then was
 * wrong at one of the two times, and the stored time proves nothing.
 */
export function timeSince(
  storedMs: number,
  { clock, limits }: Pick<DeviceContext, 'clock' | 'limits'>,
): number | undefined {
  const elapsed = clock.now() - storedMs;
  if (elapsed >= 0) return elapsed;
  return elapsed >= -limits.maxClockAheadMs ? 0 : undefined;
}

/** Our clock's time as records have it: whole milliseconds since the epoch. A clock may give fractions. */
export function storedNow(clock: Clock): bigint {
  return BigInt(Math.trunc(clock.now()));
}
