import {
  type Clock,
  decodeHex,
  errorName,
  invalidArgument,
  isSottoError,
  type Logger,
  type PublicKey,
  type Write,
} from '@sotto/core';
import type { Conversation, Messenger, ReceivedMessage } from '@sotto/messenger';
import { conversationKey } from './conversation.js';
import { encodeConversationMessage, type ShownMessage, type Timer } from './conversation-message.js';
import { deletion } from './deletion.js';
import type { Entry } from './entry.js';
import type { History } from './history.js';
import { DISAPPEARING_MAX_SECONDS } from './limits.js';
import type { SteadyTime } from './steady-time.js';
import {
  entryRecord,
  expiryOf,
  expiryPrefix,
  expiryRecord,
  put,
  type StoredConversation,
  type StoredMessage,
  storedNotice,
  unreadTimerRecord,
  unreadTimersPrefix,
} from './storage.js';

/** How far ahead of our clock a setting may have been made, in milliseconds: later ones don't count, since none could replace them. */
const MAX_AHEAD_MS = 24 * 60 * 60 * 1_000;
/** Longest wait for the next message to disappear, in milliseconds: timers stand still while a computer sleeps. */
const MAX_WAIT_MS = 60_000;

/** A setting, unless it was made while a clock was far ahead: nobody else has taken it over, and any other may replace it. */
function plausible(timer: Timer | undefined, now: number): Timer | undefined {
  return timer !== undefined && timer.changedAt * 1_000 <= now + MAX_AHEAD_MS ? timer : undefined;
}

/** Whether a setting that arrives replaces the one that is there. */
export function replaces(next: Timer, before: Timer | undefined, now: number): boolean {
  if (next.changedAt * 1_000 > now + MAX_AHEAD_MS) return false;
  const { seconds, changedAt } = plausible(before, now) ?? { seconds: 0, changedAt: 0 };
  return (
    next.changedAt > changedAt || (next.changedAt === changedAt && orderOf(next.seconds) < orderOf(seconds))
  );
}

function orderOf(seconds: number): number {
  return seconds === 0 ? DISAPPEARING_MAX_SECONDS + 1 : seconds;
}

/** When a setting is made that replaces another, in seconds since the epoch. @param now milliseconds */
export function changedAfter(before: Timer | undefined, now: number): number {
  return Math.max(Math.floor(now / 1_000), (plausible(before, now)?.changedAt ?? 0) + 1);
}

/** @throws INVALID_ARGUMENT for a time that can't be set */
export function checkSeconds(seconds: number | undefined): void {
  if (seconds === undefined) return;
  if (!Number.isInteger(seconds) || seconds < 1 || seconds > DISAPPEARING_MAX_SECONDS)
    throw invalidArgument('seconds', `not from 1 to ${DISAPPEARING_MAX_SECONDS}`);
}

/**
 * Whether a setting that came with a message replaces the one that is there.
 * @param isListed whether the conversation is in the list
 */
export function isNews(
  timer: Timer | undefined,
  { late, request }: Pick<ReceivedMessage, 'late' | 'request'>,
  isListed: boolean,
  before: Timer | undefined,
  now: number,
): boolean {
  // Whoever isn't accepted sets nothing.
  if (timer === undefined || late || request) return false;
  // It doesn't begin a conversation when it says what is so anyway.
  return (isListed || timer.seconds !== (before?.seconds ?? 0)) && replaces(timer, before, now);
}

/** Writes that come to a state of a conversation. */
interface Appended {
  readonly stored: StoredConversation;
  readonly writes: readonly Write[];
}

/** The writes that change when messages disappear, with a notice if that is another time than before. */
function appendTimer(
  history: History,
  key: string,
  before: StoredConversation,
  timer: Timer,
  by: PublicKey,
  storedAt: number,
): Appended {
  const { seconds } = timer;
  if (seconds === (before.timer?.seconds ?? 0)) {
    const stored = { ...before, timer };
    return { stored, writes: [history.conversationWrite(key, stored)] };
  }
  const notice = storedNotice({ what: 'disappearing-changed', by, seconds: seconds || undefined });
  return history.append(key, { ...before, timer }, { storedAt, notice });
}

/**
 * Tells a conversation, and stores, when messages disappear from now on.
 * @returns what `send` of the messenger threw; it may be stored even so
 */
export async function sendTimer(
  messenger: Messenger,
  history: History,
  conversation: Conversation,
  before: StoredConversation,
  seconds: number,
  now: number,
): Promise<unknown> {
  const timer = { seconds, changedAt: changedAfter(before.timer, now) };
  const payload = encodeConversationMessage({ kind: 'timer-change', timer });
  const key = conversationKey(conversation);
  const { identity } = messenger;
  try {
    await messenger.send(conversation, payload, {
      alongside: () => appendTimer(history, key, before, timer, identity, now).writes,
    });
    return undefined;
  } catch (error) {
    return error;
  }
}

/**
 * The writes that a received message of ours comes to.
 * @param isNews whether it changes when messages disappear
 */
export function received(
  history: History,
  key: string,
  before: StoredConversation,
  { storedAt, message }: { readonly storedAt: number; readonly message: StoredMessage },
  { kind, timer }: ShownMessage,
  isNews: boolean,
): Appended {
  const changed =
    timer !== undefined && isNews
      ? appendTimer(history, key, before, timer, decodeHex(message.sender) as PublicKey, storedAt)
      : { stored: before, writes: [] };
  if (kind === 'timer-change') return changed;
  const seconds = timer?.seconds || undefined;
  const expiresAt = message.own ? history.expiryAfter(seconds) : undefined;
  const { stored, writes } = history.append(key, changed.stored, {
    storedAt,
    message: {
      ...message,
      ...(seconds !== undefined && { timer: seconds }),
      ...(expiresAt !== undefined && { expiresAt }),
    },
  });
  // The later state of the conversation counts.
  const all = new Map([...changed.writes, ...writes].map((write) => [write.key, write]));
  return { stored, writes: [...all.values()] };
}

/** Messages of which one commit begins or ends the time. */
const AT_ONCE = 64;

/** Begins the time of messages that disappear after they are read, and resolves to the numbers of some; to none when there are no more. */
async function beginSome(history: History, key: string): Promise<readonly number[]> {
  const prefix = unreadTimersPrefix(key);
  const writes: Write[] = [];
  const numbers: number[] = [];
  for (const record of await history.firstKeys(prefix, AT_ONCE)) {
    const number = Number(record.slice(prefix.length));
    writes.push({ type: 'delete', key: record });
    numbers.push(number);
    const stored = await history.readable(key, number);
    if (stored === undefined || !('message' in stored) || stored.message.expiresAt !== undefined) continue;
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
async function expireSome(
  history: History,
  now: number,
): Promise<ReadonlyMap<string, readonly number[]> | undefined> {
  const writes = new Map<string, Write>();
  const found = new Map<string, [number: number, message: StoredMessage | undefined][]>();
  for (const record of await history.firstKeys(expiryPrefix, AT_ONCE)) {
    if (expiryOf(record).time > now) break;
    writes.set(record, { type: 'delete', key: record });
    const { conversation: key, number } = expiryOf(record);
    const expired = await messageOf(history, record);
    if (expired !== undefined) found.set(key, [...(found.get(key) ?? []), [number, expired.message]]);
  }
  if (writes.size === 0) return undefined;
  for (const [key, messages] of found)
    for (const write of await deletion(history, key, messages)) writes.set(write.key, write);
  await history.commit([...writes.values(), history.timeWrite()]);
  return new Map([...found].map(([key, messages]) => [key, messages.map(([number]) => number)]));
}

/** The message that ends with a record, `message: undefined` for a damaged one; `undefined` when it isn't there any more. */
async function messageOf(history: History, record: string) {
  const { time, conversation, number } = expiryOf(record);
  try {
    const stored = await history.storedEntry(conversation, number);
    // Its conversation may have been removed, and have begun again.
    const isIt = stored !== undefined && 'message' in stored && stored.message.expiresAt === time;
    return isIt ? { message: stored.message } : undefined;
  } catch (error) {
    history.reportDamage(error);
    return { message: undefined };
  }
}

/** What {@link Expiry} needs of the conversations. */
interface ExpiryHost {
  inTurn(run: () => Promise<void>): Promise<void>;
  /** Runs something once more, some time later. */
  later(run: () => Promise<void>): void;
  /** Messages have changed or are gone. */
  changed(key: string, numbers: readonly number[]): Promise<void>;
}

/** Deletes messages when their time comes. Call it in turn. */
export class Expiry {
  readonly #history: History;
  readonly #clock: Clock;
  readonly #time: SteadyTime;
  readonly #logger: Logger;
  readonly #host: ExpiryHost;
  #cancel = () => {};
  #dueAt = Number.POSITIVE_INFINITY;
  #closed = false;

  constructor(history: History, clock: Clock, time: SteadyTime, logger: Logger, host: ExpiryHost) {
    this.#history = history;
    this.#clock = clock;
    this.#time = time;
    this.#logger = logger;
    this.#host = host;
  }

  /** Begins the time of the messages of a conversation that disappear after they are read. @throws STORE codes */
  async beginRead(key: string): Promise<void> {
    for (;;) {
      const numbers = await beginSome(this.#history, key);
      if (numbers.length === 0) break;
      await this.#host.changed(key, numbers);
    }
    await this.#plan();
  }

  /**
   * Lets go what is still among entries that were read, though its time has come, or begun: a computer may have slept, or the
   * record that says so be damaged.
   * @param isRead whether no message of the conversation is unread
   */
  async mend(key: string, entries: readonly Entry[], isRead: boolean): Promise<void> {
    const now = this.#time.now();
    const writes = entries.flatMap((entry) => {
      if (entry.kind !== 'message' || entry.timer === undefined) return [];
      const { number, expiresAt, own } = entry;
      if (expiresAt !== undefined)
        return now < expiresAt ? [] : [put(expiryRecord(expiresAt, key, number), {})];
      return isRead && !own ? [put(unreadTimerRecord(key, number), {})] : [];
    });
    if (writes.length === 0) return;
    await this.#host.inTurn(async () => {
      await this.#history.commit(writes);
      await this.beginRead(key);
      await this.expire();
    });
  }

  /** Deletes the messages whose time has come, later if that fails. */
  async expire(): Promise<void> {
    if (this.#closed) return;
    try {
      for (;;) {
        const expired = await expireSome(this.#history, this.#time.now());
        if (expired === undefined) break;
        for (const [key, numbers] of expired) await this.#host.changed(key, numbers);
      }
      await this.#plan();
    } catch (error) {
      if (this.#closed || isSottoError(error, 'CLOSED')) return;
      this.#logger.warn('messages not deleted yet', { error: errorName(error) });
      this.#host.later(() => this.expire());
    }
  }

  async #plan(): Promise<void> {
    this.#dueAt = Number.POSITIVE_INFINITY;
    this.#cancel();
    const [next] = await this.#history.firstKeys(expiryPrefix, 1);
    if (next === undefined) return;
    // How far time has come, for a clock that is behind again at the next start: once a minute, while anything is to disappear.
    await this.#history.commit([this.#history.timeWrite()]);
    this.note(expiryOf(next).time);
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
      this.#host.inTurn(() => this.expire()).catch(() => undefined);
    });
  }

  close(): void {
    this.#closed = true;
    this.#cancel();
  }
}
