import { isSottoError, type Logger, type Store, type Write } from '@sotto/core';
import type { Conversation } from '@sotto/messenger';
import { parseConversationKey } from './conversation.js';
import type { Timer } from './conversation-message.js';
import type { Entry, Message, NoticeContent } from './entry.js';
import type { SteadyTime } from './steady-time.js';
import {
  type Codec,
  conversationRecord,
  conversationsPrefix,
  ENTRY_DIGITS,
  earlyPrefix,
  entriesPrefix,
  entryOf,
  entryRecord,
  expiryRecord,
  groupRecord,
  nameRecord,
  namesPrefix,
  needsCodec,
  outgoingPrefix,
  outgoingRecord,
  PAGE_SIZE,
  pagePrefix,
  put,
  read,
  referenceRecord,
  referencesPrefix,
  type StoredConversation,
  type StoredEntry,
  type StoredGroup,
  type StoredMessage,
  type StoredName,
  type StoredPlace,
  type StoredRecipient,
  type StoredSettings,
  type StoredState,
  type StoredTime,
  settingsRecord,
  storedNotice,
  timeRecord,
  timerRecord,
  unreadTimerRecord,
  unreadTimersPrefix,
} from './storage.js';

/** Up to as many entries are read one by one: a listing reads the whole page, and arriving messages are few. */
const FEW = 8;
/** Records deleted in one commit. */
const REMOVED_AT_ONCE = 256;

/** Code that is loaded when it is needed. */
type Parts = Codec & Pick<typeof import('./deletion.js'), 'deletion'>;

/** The records of conversations in a store. Independent of the messenger; callers must not run calls concurrently. */
export class History {
  readonly #store: Store;
  readonly #logger: Logger;
  readonly #time: SteadyTime;
  readonly #loadParts: () => Promise<Parts>;
  /** Ids of messages that have not been sent. */
  readonly #outgoing = new Set<string>();
  #lastOrder = 0;

  constructor(store: Store, logger: Logger, time: SteadyTime, loadParts: () => Promise<Parts>) {
    this.#loadParts = loadParts;
    this.#store = store;
    this.#time = time;
    this.#logger = logger;
  }

  /** All conversations. Damaged records are logged and left out. */
  async conversations(): Promise<
    readonly { readonly conversation: Conversation; readonly stored: StoredConversation }[]
  > {
    const found: { conversation: Conversation; stored: StoredConversation }[] = [];
    await this.#each(conversationsPrefix, (key, value) => {
      const stored = read<StoredConversation>(value);
      this.#lastOrder = Math.max(this.#lastOrder, stored.order);
      found.push({ conversation: parseConversationKey(key), stored });
    });
    return found;
  }

  /** The position in the list for what is stored now. */
  nextOrder(): number {
    return ++this.#lastOrder;
  }

  async conversation(key: string): Promise<StoredConversation | undefined> {
    return this.get<StoredConversation>(conversationRecord(key));
  }

  /** As {@link conversation}, and `undefined` for a damaged one, which is logged. */
  async readableConversation(key: string): Promise<StoredConversation | undefined> {
    return this.#unlessDamaged(() => this.conversation(key));
  }

  /** The number after those of all entries that a conversation has: 0, unless its record was lost. */
  async nextNumber(key: string): Promise<number> {
    const keys = await this.firstKeys(entriesPrefix(key));
    return Number(keys.at(-1)?.slice(-ENTRY_DIGITS) ?? -1) + 1;
  }

  async putConversation(key: string, stored: StoredConversation): Promise<void> {
    await this.#store.commit([this.conversationWrite(key, stored)]);
  }

  conversationWrite(key: string, stored: StoredConversation): Write {
    return put(conversationRecord(key), stored);
  }

  /** The entries from one number up to, but not including, another. */
  async entries(key: string, from: number, to: number): Promise<readonly Entry[]> {
    if (to - from <= FEW) {
      const few: Entry[] = [];
      for (let number = from; number < to; number++) {
        const entry = await this.#entry(key, number);
        if (entry !== undefined) few.push(entry);
      }
      return few;
    }
    const found: [number: number, stored: StoredEntry][] = [];
    for (let page = Math.floor(from / PAGE_SIZE); page * PAGE_SIZE < to; page++) {
      await this.#each(pagePrefix(key, page), (digits, value) => {
        const number = Number(digits);
        if (number >= from && number < to) found.push([number, read<StoredEntry>(value)]);
      });
    }
    const entries: Entry[] = [];
    for (const [number, stored] of found) {
      const entry = await this.#entryOf(number, stored);
      if (entry !== undefined) entries.push(entry);
    }
    return entries;
  }

  /** A message by its number; `undefined` when it isn't there or can't be read. */
  async message(key: string, number: number): Promise<Message | undefined> {
    const entry = number < 0 ? undefined : await this.#entry(key, number);
    return entry?.kind === 'message' ? entry : undefined;
  }

  async #entry(key: string, number: number): Promise<Entry | undefined> {
    const stored = await this.readable(key, number);
    return stored && this.#entryOf(number, stored);
  }

  async #entryOf(number: number, stored: StoredEntry): Promise<Entry | undefined> {
    const codec = needsCodec(stored) ? await this.#loadParts() : undefined;
    try {
      return entryOf(number, stored, codec);
    } catch (error) {
      this.reportDamage(error);
      return undefined;
    }
  }

  /**
   * The writes that append an entry to a conversation.
   * @param outgoingId id of a message whose state is to be tracked
   */
  append(
    key: string,
    before: StoredConversation,
    entry: StoredEntry,
    outgoingId?: string,
  ): { readonly stored: StoredConversation; readonly writes: readonly Write[] } {
    const number = before.next;
    const message = 'message' in entry ? entry.message : undefined;
    const stored: StoredConversation = {
      ...(before.timer && { timer: before.timer }),
      lastActivity: entry.storedAt,
      order: this.nextOrder(),
      unread: before.unread + (message !== undefined && !message.own ? 1 : 0),
      next: number + 1,
      lastMessage: message === undefined ? before.lastMessage : number,
    };
    const writes = [put(conversationRecord(key), stored), put(entryRecord(key, number), entry)];
    if (message?.expiresAt !== undefined) writes.push(...this.expiryWrites(key, number, message));
    else if (message?.timer !== undefined && !message.own)
      writes.push(put(unreadTimerRecord(key, number), {}));
    if (outgoingId !== undefined) {
      this.#outgoing.add(outgoingId);
      const place: StoredPlace = { conversation: key, number };
      writes.push(put(outgoingRecord(outgoingId), place));
    }
    return { stored, writes };
  }

  /** @param also written in the same commit */
  async addNotice(
    key: string,
    before: StoredConversation,
    notice: NoticeContent,
    storedAt: number,
    also: readonly Write[] = [],
  ): Promise<StoredConversation> {
    const { stored, writes } = this.append(key, before, { storedAt, notice: storedNotice(notice) });
    await this.#store.commit([...writes, ...also]);
    return stored;
  }

  /** Ids of all messages whose state may still change, from earlier runs included. */
  async outgoing(): Promise<readonly string[]> {
    await this.#each(outgoingPrefix, (id) => void this.#outgoing.add(id));
    return [...this.#outgoing];
  }

  isOutgoing(id: string): boolean {
    return this.#outgoing.has(id);
  }

  /**
   * Stores the state of a message of ours, and returns where it is, and when it disappears; `undefined` when its state is final.
   * @param failure error code of a failed message
   * @param recipient for whom it failed, if only for one of several; hex
   */
  async setState(
    id: string,
    state: StoredState,
    failure?: string,
    recipient?: string,
  ): Promise<(StoredPlace & { readonly expiresAt?: number | undefined }) | undefined> {
    const place = await this.get<StoredPlace>(outgoingRecord(id));
    if (place === undefined) return undefined;
    let expiresAt: number | undefined;
    const key = entryRecord(place.conversation, place.number);
    const stored = await this.get<StoredEntry>(key);
    const writes: Write[] = [];
    if (stored !== undefined && 'message' in stored && stored.message.id === id) {
      const { failure: _, recipients, ...message } = stored.message;
      expiresAt = state === 'sent' ? this.expiryAfter(message.timer) : undefined;
      const next: StoredMessage = {
        ...message,
        state,
        ...(expiresAt !== undefined && { expiresAt }),
        ...(failure !== undefined && { failure }),
        ...(recipients && {
          recipients: recipients.map((one) => withFailure(one, state, failure, recipient)),
        }),
      };
      writes.push(put(key, { ...stored, message: next }));
      if (expiresAt !== undefined) writes.push(...this.expiryWrites(place.conversation, place.number, next));
    }
    if (state === 'sent') writes.push({ type: 'delete', key: outgoingRecord(id) });
    await this.#store.commit(writes);
    if (state === 'sent') this.#outgoing.delete(id);
    return { ...place, expiresAt };
  }

  /** The state of a message of ours, unless it is final. */
  async stateOf(id: string): Promise<StoredState | undefined> {
    const place = await this.get<StoredPlace>(outgoingRecord(id));
    return place && (await this.messageAt(place, id))?.state;
  }

  /** A message of ours; `undefined` when its conversation was removed meanwhile, even if it exists again. */
  async messageAt({ conversation, number }: StoredPlace, id: string): Promise<StoredMessage | undefined> {
    const stored = await this.get<StoredEntry>(entryRecord(conversation, number));
    return stored !== undefined && 'message' in stored && stored.message.id === id
      ? stored.message
      : undefined;
  }

  /**
   * The writes that delete a message of ours that is given up, and the key of its conversation; call {@link deleted} when they
   * are stored. `undefined` when there is no such message.
   */
  async deleteOutgoing(id: string): Promise<
    | {
        readonly key: string;
        readonly reference: string | undefined;
        readonly writes: readonly Write[];
      }
    | undefined
  > {
    const place = await this.get<StoredPlace>(outgoingRecord(id));
    if (place === undefined) return undefined;
    const { conversation: key, number } = place;
    const message = await this.messageAt(place, id);
    const writes = message === undefined ? [] : await this.#deletion(key, number, message);
    const reference = message?.status?.id;
    return { key, reference, writes: [{ type: 'delete', key: outgoingRecord(id) }, ...writes] };
  }

  /**
   * Deletes a message here.
   * @returns whether it was there
   */
  async deleteMessage(key: string, number: number, id: string): Promise<boolean> {
    const message = await this.messageAt({ conversation: key, number }, id);
    if (message === undefined) return false;
    await this.#store.commit(await this.#deletion(key, number, message));
    return true;
  }

  async #deletion(key: string, number: number, message: StoredMessage): Promise<readonly Write[]> {
    const { deletion } = await this.#loadParts();
    return deletion(this, key, [[number, message]]);
  }

  /** When a message disappears whose time begins now, in milliseconds; `undefined`: never. @param timer seconds */
  expiryAfter(timer: number | undefined): number | undefined {
    return timer === undefined ? undefined : this.#time.now() + 1_000 * timer;
  }

  /** The writes by which a message disappears when its time comes. */
  expiryWrites(key: string, number: number, { expiresAt = 0 }: StoredMessage): readonly Write[] {
    return [put(expiryRecord(expiresAt, key, number), {}), this.timeWrite()];
  }

  /** The write that keeps the latest time. */
  timeWrite(): Write {
    return put<StoredTime>(timeRecord, { latest: this.#time.now() });
  }

  /** Continues with the time that earlier runs have seen. */
  async loadTime(): Promise<void> {
    const time = await this.#unlessDamaged(() => this.get<StoredTime>(timeRecord));
    this.#time.reached(time?.latest ?? 0);
  }

  /** A stored entry; `undefined` for a damaged one, which is logged. */
  async readable(key: string, number: number): Promise<StoredEntry | undefined> {
    return this.#unlessDamaged(() => this.storedEntry(key, number));
  }

  /** Whether there are records under a prefix. */
  async has(prefix: string): Promise<boolean> {
    return (await this.firstKeys(prefix, 1)).length > 0;
  }

  /** The keys of the first records under a prefix. Those that the store finds damaged are logged and left out. */
  async firstKeys(prefix: string, limit?: number): Promise<readonly string[]> {
    const found: string[] = [];
    try {
      for await (const { key } of this.#store.list(prefix, { limit })) found.push(key);
    } catch (error) {
      this.reportDamage(error);
    }
    return found;
  }

  /** Notes that the writes of {@link deleteOutgoing} are stored. */
  deleted(id: string): void {
    this.#outgoing.delete(id);
  }

  /** The write that notes where a Status message is. @param id 64 hex digits */
  referenceWrite(key: string, id: string, number: number): Write {
    return put<StoredPlace>(referenceRecord(key, id), { conversation: key, number });
  }

  async storedEntry(key: string, number: number): Promise<StoredEntry | undefined> {
    return this.get<StoredEntry>(entryRecord(key, number));
  }

  async setProtection(
    key: string,
    number: number,
    protection: Message['protection'],
    sealedSender: boolean,
  ): Promise<void> {
    const record = entryRecord(key, number);
    const stored = await this.get<StoredEntry>(record);
    if (stored === undefined || !('message' in stored)) return;
    const message = { ...stored.message, protection, ...(sealedSender && { sealedSender }) };
    await this.#store.commit([put(record, { ...stored, message })]);
  }

  /** The names that the user gave, by identity in hex. */
  async names(): Promise<ReadonlyMap<string, string>> {
    const found = new Map<string, string>();
    await this.#each(namesPrefix, (identity, value) => {
      found.set(identity, read<StoredName>(value).name);
    });
    return found;
  }

  /** The write that stores a name, by identity in hex, or deletes an empty one. */
  nameWrite(identity: string, name: string): Write {
    const key = nameRecord(identity);
    return name === '' ? { type: 'delete', key } : put<StoredName>(key, { name });
  }

  /** Deletes a name, if there is one. */
  async forgetName(identity: string): Promise<void> {
    if ((await this.#store.get(nameRecord(identity))) === undefined) return;
    await this.#store.commit([this.nameWrite(identity, '')]);
  }

  async settings(): Promise<StoredSettings> {
    return (await this.get<StoredSettings>(settingsRecord)) ?? { readReceipts: false };
  }

  async putSettings(settings: StoredSettings): Promise<void> {
    await this.#store.commit([put(settingsRecord, settings)]);
  }

  async group(groupId: string): Promise<StoredGroup | undefined> {
    return this.get<StoredGroup>(groupRecord(groupId));
  }

  /** The write that stores a group as of its last notice. */
  groupWrite(groupId: string, group: StoredGroup): Write {
    return put(groupRecord(groupId), group);
  }

  /** Deletes what the last notice said of a group. */
  async forgetGroup(groupId: string): Promise<void> {
    await this.#store.commit([{ type: 'delete', key: groupRecord(groupId) }]);
  }

  /**
   * Removes a conversation: its entries first, so that after a crash the rest is still in the list.
   * @param timer is kept for when it begins again, since the others go on by it
   */
  async remove(key: string, timer?: Timer): Promise<void> {
    for (const prefix of [
      entriesPrefix(key),
      referencesPrefix(key),
      earlyPrefix(key),
      unreadTimersPrefix(key),
    ]) {
      for (;;) {
        const records = await this.firstKeys(prefix, REMOVED_AT_ONCE);
        if (records.length === 0) break;
        await this.#store.commit(records.map((record) => ({ type: 'delete', key: record })));
      }
    }
    const writes: Write[] = [{ type: 'delete', key: conversationRecord(key) }];
    if (timer !== undefined) writes.push(put(timerRecord(key), timer));
    await this.#store.commit(writes);
  }

  /** The timer of a conversation that was removed. */
  async keptTimer(key: string): Promise<Timer | undefined> {
    return this.#unlessDamaged(() => this.get<Timer>(timerRecord(key)));
  }

  /** The records under a prefix, by the rest of their keys. Damaged ones are logged and left out. */
  async records<T extends object>(prefix: string): Promise<ReadonlyMap<string, T>> {
    const found = new Map<string, T>();
    await this.#each(prefix, (rest, value) => void found.set(rest, read<T>(value)));
    return found;
  }

  async commit(writes: readonly Write[]): Promise<void> {
    await this.#store.commit(writes);
  }

  /** A record; `undefined` when there is none. @throws STATE_CORRUPT, STATE_VERSION_UNSUPPORTED */
  async get<T extends object>(key: string): Promise<T | undefined> {
    const record = await this.#store.get(key);
    return record && read<T>(record.value);
  }

  /** The records under a prefix, by the rest of their keys; damaged ones are logged and left out. */
  async #each(prefix: string, take: (rest: string, value: Uint8Array) => void): Promise<void> {
    try {
      for await (const { key, value } of this.#store.list(prefix)) {
        try {
          take(key.slice(prefix.length), value);
        } catch (error) {
          this.reportDamage(error);
        }
      }
    } catch (error) {
      // A store that finds records damaged lists the others first.
      this.reportDamage(error);
    }
  }

  async #unlessDamaged<T>(read: () => Promise<T | undefined>): Promise<T | undefined> {
    try {
      return await read();
    } catch (error) {
      this.reportDamage(error);
      return undefined;
    }
  }

  /** Logs that a record is damaged. @throws other errors */
  reportDamage(error: unknown): void {
    if (!isSottoError(error) || !DAMAGE.has(error.code)) throw error;
    this.#logger.warn('a record of a conversation is damaged', { error: error.code });
  }
}

/** A recipient after a change of the message's state. */
function withFailure(
  recipient: StoredRecipient,
  state: StoredState,
  failure: string | undefined,
  failedFor: string | undefined,
): StoredRecipient {
  if (state === 'failed' && recipient.by === failedFor && failure !== undefined)
    return { ...recipient, failure };
  if (state === 'failed' || recipient.failure === undefined) return recipient;
  const { failure: _, ...rest } = recipient;
  return rest;
}

const DAMAGE: ReadonlySet<string> = new Set([
  'STATE_CORRUPT',
  'STORE_CORRUPT',
  'STORE_ROLLBACK',
  'INVALID_TEXT',
]);
