import { isSottoError, type Logger, type Store, type Write } from '@sotto/core';
import { APPLICATION_PREFIX } from '@sotto/messenger';
import { StoredClock, StoredEntry } from './generated/sotto/device_sync/v1/sync.js';
import { type Entry, nameOf, recordOf } from './registers.js';
import { entryOfWire, entryToWire } from './sync-message.js';

/*
 * Kept in the messenger's store:
 *
 * app/device-sync/entry/<first half of the SHA-256 of kind and key> StoredEntry
 * app/device-sync/clock                                             StoredClock; there once everything was read
 */
const ROOT = `${APPLICATION_PREFIX}device-sync`;
const ENTRIES = `${ROOT}/entry/`;
const CLOCK = `${ROOT}/clock`;

/** An entry as this device keeps it. */
export interface KeptEntry extends Entry {
  /** It was set on another device, and isn't applied here yet. */
  readonly pending: boolean;
  /** What was seen here last, see `Reading`. */
  readonly seen: Uint8Array | undefined;
}

export function entryWrite({ pending, seen, ...entry }: KeptEntry): Write {
  const value = StoredEntry.encode({ entry: entryToWire(entry), pending, seen }).finish();
  return { type: 'put', key: `${ENTRIES}${recordOf(nameOf(entry))}`, value };
}

export function entryDeletion(name: string): Write {
  return { type: 'delete', key: `${ENTRIES}${recordOf(name)}` };
}

export function clockWrite(time: number): Write {
  return { type: 'put', key: CLOCK, value: StoredClock.encode({ time: BigInt(time) }).finish() };
}

/**
 * What earlier runs have kept. Damaged records are logged and left out: what they said comes from the other devices, or is
 * read here once more.
 * @returns `latest` is `undefined` before everything was read for the first time; `isComplete`: no entry was left out
 */
export async function readAll(
  store: Store,
  logger: Logger,
): Promise<{
  readonly latest: number | undefined;
  readonly entries: readonly KeptEntry[];
  readonly isComplete: boolean;
}> {
  const entries: KeptEntry[] = [];
  let isComplete = true;
  const damaged = (error: unknown) => {
    if (isSottoError(error) && (error.code === 'STORE_UNAVAILABLE' || error.code === 'CLOSED')) throw error;
    logger.warn('a record of the agreement with other devices is damaged');
  };
  try {
    for await (const { value } of store.list(ENTRIES)) {
      try {
        const { entry, pending, seen } = StoredEntry.decode(value);
        if (entry !== undefined) entries.push({ ...entryOfWire(entry), pending, seen });
      } catch (error) {
        damaged(error);
        isComplete = false;
      }
    }
  } catch (error) {
    // A store that finds records damaged lists the others first.
    damaged(error);
    isComplete = false;
  }
  try {
    const clock = await store.get(CLOCK);
    return { latest: clock && Number(StoredClock.decode(clock.value).time), entries, isComplete };
  } catch (error) {
    damaged(error);
    // That of the entries will do.
    return { latest: 0, entries, isComplete };
  }
}
