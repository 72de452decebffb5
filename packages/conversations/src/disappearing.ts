import type { Clock, Write } from '@sotto/core';
import type { Timer } from './conversation-message.js';
import type { History } from './history.js';
import { DISAPPEARING_MAX_SECONDS } from './limits.js';
import type { SteadyTime } from './steady-time.js';
import {
  entryRecord,
  expiryOf,
  expiryPrefix,
  put,
  read,
  type StoredExpiring,
  type StoredMessage,
  unreadTimersPrefix,
} from './storage.js';

/** How far ahead of our clock a setting may have been made, in milliseconds: later ones don't count, since none could replace them. */
const MAX_AHEAD_MS = 24 * 60 * 60 * 1_000;
/** Longest wait for the next message to disappear, in milliseconds: timers stand still while a computer sleeps. */
const MAX_WAIT_MS = 60_000;

/** Whether a setting that arrives replaces the one that is there. */
export function replaces(next: Timer, before: Timer | undefined, now: number): boolean {
  if (next.changedAt * 1_000 > now + MAX_AHEAD_MS) return false;
  const { seconds, changedAt } = before ?? { seconds: 0, changedAt: 0 };
  return (
    next.changedAt > changedAt || (next.changedAt === changedAt && orderOf(next.seconds) < orderOf(seconds))
  );
}

function orderOf(seconds: number): number {
  return seconds === 0 ? DISAPPEARING_MAX_SECONDS + 1 : seconds;
}

/** The setting that a user makes after another. */
export function timerAfter(before: Timer | undefined, seconds: number, now: number): Timer {
  return { seconds, changedAt: Math.max(Math.floor(now / 1_000), (before?.changedAt ?? 0) + 1) };
}

/** Messages of which one commit begins or ends the time. */
const AT_ONCE = 64;

/** Begins the time of messages that disappear after they are read, and resolves to the numbers of some; to none when there are no more. */
export async function beginRead(history: History, key: string): Promise<readonly number[]> {
  const prefix = unreadTimersPrefix(key);
  const writes: Write[] = [];
  const numbers: number[] = [];
  for (const [record] of await history.first(prefix, AT_ONCE)) {
    const number = Number(record.slice(prefix.length));
    writes.push({ type: 'delete', key: record });
    numbers.push(number);
    const stored = await history.readable(key, number);
    if (stored === undefined || !('message' in stored)) continue;
    const expiresAt = history.expiryAfter(stored.message.timer);
    if (expiresAt === undefined) continue;
    const message = { ...stored.message, expiresAt };
    const [expiry] = history.expiryWrites(key, number, message);
    writes.push(put(entryRecord(key, number), { ...stored, message }), expiry as Write);
  }
  if (numbers.length > 0) await history.commit([...writes, history.timeWrite()]);
  return numbers;
}

/**
 * Deletes messages whose time has come, and resolves to the numbers of some by conversation; to `undefined` when there are no
 * more.
 */
export async function expire(
  history: History,
  now: number,
): Promise<ReadonlyMap<string, readonly number[]> | undefined> {
  const writes = new Map<string, Write>();
  const found = new Map<string, [number: number, message: StoredMessage | undefined][]>();
  for (const [record, value] of await history.first(expiryPrefix, AT_ONCE)) {
    if (expiryOf(record) > now) break;
    writes.set(record, { type: 'delete', key: record });
    const expired = await messageOf(history, value);
    if (expired === undefined) continue;
    const { key, number, message } = expired;
    found.set(key, [...(found.get(key) ?? []), [number, message]]);
  }
  if (writes.size === 0) return undefined;
  for (const [key, messages] of found)
    for (const write of await history.deletion(key, messages)) writes.set(write.key, write);
  await history.commit([...writes.values(), history.timeWrite()]);
  return new Map([...found].map(([key, messages]) => [key, messages.map(([number]) => number)]));
}

/** The message that a record says, without what is damaged of it; `undefined` when it isn't there any more. */
async function messageOf(history: History, record: Uint8Array) {
  let place: StoredExpiring | undefined;
  try {
    place = read<StoredExpiring>(record);
    // Its conversation may have been removed, and have begun again.
    const message = await history.messageAt(place, place.id);
    return message && { key: place.conversation, number: place.number, message };
  } catch (error) {
    history.reportDamage(error);
    return place && { key: place.conversation, number: place.number, message: undefined };
  }
}

/** Waits for messages to disappear. */
export class Expiry {
  readonly #history: History;
  readonly #clock: Clock;
  readonly #time: SteadyTime;
  readonly #run: () => void;
  #cancel = () => {};
  #dueAt = Number.POSITIVE_INFINITY;
  #closed = false;

  /** @param run is to delete what has expired and then call {@link plan} */
  constructor(history: History, clock: Clock, time: SteadyTime, run: () => void) {
    this.#history = history;
    this.#clock = clock;
    this.#time = time;
    this.#run = run;
  }

  /** Plans for the next message. */
  async plan(): Promise<void> {
    this.#dueAt = Number.POSITIVE_INFINITY;
    this.#cancel();
    const [next] = await this.#history.first(expiryPrefix, 1);
    if (next !== undefined) this.note(expiryOf(next[0]));
  }

  /** Notes that a message disappears at a time. */
  note(expiresAt: number): void {
    if (this.#closed || expiresAt >= this.#dueAt) return;
    this.#cancel();
    this.#dueAt = expiresAt;
    const now = this.#time.now();
    const wait = Math.max(0, Math.min(expiresAt - now, MAX_WAIT_MS));
    this.#cancel = this.#clock.after(wait, () => {
      // Our clock may have been set back meanwhile.
      this.#time.reached(now + wait);
      this.#run();
    });
  }

  close(): void {
    this.#closed = true;
    this.#cancel();
  }
}
