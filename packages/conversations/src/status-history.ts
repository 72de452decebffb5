import {
  compareBytes,
  decodeHex,
  decodeUtf8,
  encodeBase64,
  encodeHex,
  encodeUtf8,
  errorName,
  invalidArgument,
  isSottoError,
  type Logger,
  type PublicKey,
  type Write,
} from '@sotto/core';
import type { Conversation, ReceivedMessage } from '@sotto/messenger';
import type {
  StatusClient,
  StatusContent,
  StatusOutgoing,
  StatusReceipt,
} from '@sotto/status-messages/client';
import { conversationKey } from './conversation.js';
import type { Entry, Message } from './entry.js';
import type { History } from './history.js';
import { receivedMessage } from './received-message.js';
import {
  earlyPrefix,
  earlyRecord,
  entryRecord,
  PAGE_SIZE,
  payloadText,
  put,
  read,
  referenceRecord,
  type StoredConversation,
  type StoredEarly,
  type StoredEntry,
  type StoredMessage,
  type StoredPlace,
  type StoredReaction,
  type StoredStatus,
} from './storage.js';
import { decodeText, encodeText } from './text.js';

/** Edits and deletions kept for messages that aren't here yet, in each conversation; the oldest are dropped first. */
const MOST_EARLY = 64;
/** Reactions kept for a message; further ones are dropped. Each costs 150 bytes, and anyone in a public chat can make some. */
const MOST_REACTIONS = 256;
/** Those of one person, retracted ones included: as many as there are kinds, so that one person can't keep others from reacting. */
const MOST_REACTIONS_OF_ONE = 6;

/** Most messages that a read receipt names, in each conversation: nobody reads more at once. */
const MOST_READ = 256;

type ChangeOf<W extends StatusContent['what']> = Extract<StatusContent, { readonly what: W }>;

/** The writes that contents of a Status message come to. Reads what it has written; nothing is stored before the commit. */
export class StatusBatch {
  readonly #history: History;
  readonly #storedAt: number;
  readonly #writes = new Map<string, Write>();
  readonly #entries = new Map<string, StoredEntry>();
  readonly #conversations = new Map<string, StoredConversation>();

  constructor(history: History, storedAt: number) {
    this.#history = history;
    this.#storedAt = storedAt;
  }

  get writes(): readonly Write[] {
    return [...this.#writes.values()];
  }

  /** Keys of the conversations that it changes. */
  readonly changed = new Set<string>();

  add(writes: readonly Write[]): void {
    for (const write of writes) this.#writes.set(write.key, write);
  }

  /**
   * Adds what contents and receipts come to.
   * @param readReceipts whether those that say more than `delivered` count
   * @returns all writes
   */
  async addAll(
    contents: readonly StatusContent[],
    message: ReceivedMessage,
    before: (conversation: Conversation) => Promise<StoredConversation>,
    receipts: readonly StatusReceipt[],
    readReceipts: boolean,
  ): Promise<readonly Write[]> {
    for (const content of contents) await this.addContent(content, message, before);
    for (const receipt of receipts)
      if (receipt.what === 'delivered' || readReceipts) await this.receipt(receipt);
    return this.writes;
  }

  /**
   * Adds what a content comes to. Groups are noted afterwards, as those of the messenger.
   * @param before the conversation as it is stored
   */
  async addContent(
    content: StatusContent,
    message: ReceivedMessage,
    before: (conversation: Conversation) => Promise<StoredConversation>,
  ): Promise<void> {
    switch (content.what) {
      case 'edit':
        return this.edit(content);
      case 'delete':
        return this.delete(content);
      case 'reaction':
        return this.react(content);
      case 'message':
      case 'unknown': {
        const isMessage = content.what === 'message';
        // Devices of one identity tell each other settings and the like.
        if (!isMessage && content.own) return;
        const key = conversationKey(content.conversation);
        const stored = await before(content.conversation);
        const common = { ...receivedMessage(message, content.own), id: content.messageId.slice(2) };
        const status = isMessage ? storedStatusOf(content) : undefined;
        if (status !== undefined) return this.append(key, stored, { ...common, status });
        const payload = payloadText(isMessage ? encodeUtf8(content.body.text) : content.payload);
        return this.appendEntry(key, stored, { storedAt: this.#storedAt, message: { ...common, payload } });
      }
      // The rest is not part of a conversation.
      case 'group':
      case 'contact':
      case 'pairing':
        return;
    }
  }

  /** Appends a message, with an edit or a deletion that came before it. */
  async append(
    key: string,
    before: StoredConversation,
    message: StoredMessage & { readonly status: StoredStatus },
    outgoingId?: string,
  ): Promise<void> {
    const id = message.status.id.slice(2);
    const early = await this.#history.get<StoredEarly>(earlyRecord(key, id, message.sender));
    let { status } = message;
    if (early?.edit !== undefined) status = { ...status, text: early.edit.text, editedAt: early.edit.clock };
    if (early?.deleted) status = withoutContent(status);
    const entry = { storedAt: this.#storedAt, message: { ...message, status } };
    const current = this.#conversations.get(key) ?? before;
    const { stored, writes } = this.#history.append(key, current, entry, outgoingId);
    this.add(writes);
    this.add([this.#history.referenceWrite(key, id, current.next)]);
    if (early !== undefined) this.add([{ type: 'delete', key: earlyRecord(key, id, message.sender) }]);
    this.#conversations.set(key, stored);
    this.#entries.set(entryRecord(key, current.next), entry);
    this.changed.add(key);
  }

  /** Appends a message of other kinds. */
  appendEntry(key: string, before: StoredConversation, entry: StoredEntry): void {
    const { stored, writes } = this.#history.append(key, this.#conversations.get(key) ?? before, entry);
    this.add(writes);
    this.#conversations.set(key, stored);
    this.changed.add(key);
  }

  /** Replaces the text of a message, if its author did; kept for later when the message isn't here. */
  async edit(content: ChangeOf<'edit'>): Promise<void> {
    const { author, clock, target, text } = content;
    if (!isText(text)) return;
    await this.#change(conversationKey(content.conversation), target, author, {
      apply: (status) =>
        status.deleted || !isAbove(clock, status.editedAt)
          ? undefined
          : { ...status, text, editedAt: String(clock) },
      early: (before) =>
        isAbove(clock, before?.edit?.clock) ? { ...before, edit: { text, clock: String(clock) } } : undefined,
    });
  }

  /** Deletes the content of a message, if its author did; kept for later when the message isn't here. */
  async delete(content: ChangeOf<'delete'>): Promise<void> {
    await this.#change(conversationKey(content.conversation), content.target, content.author, {
      apply: (status) => (status.deleted ? undefined : withoutContent(status)),
      early: (before) => ({ ...before, deleted: true }),
    });
  }

  /** Adds a reaction to a message, or takes it back. One to a message that isn't here is dropped. */
  async react(content: ChangeOf<'reaction'>): Promise<void> {
    const key = conversationKey(content.conversation);
    const found = await this.#find(key, content.target);
    if (found === undefined || found.status.deleted) return;
    const { author, clock, reaction, retracted } = content;
    const by = encodeHex(author);
    const reactions = found.status.reactions ?? [];
    const isSame = (other: StoredReaction) => other.by === by && other.reaction === reaction;
    const old = reactions.find(isSame);
    if (!isAbove(clock, old?.clock)) return;
    const others = reactions.filter((other) => !isSame(other));
    if (others.filter((other) => other.by === by).length >= MOST_REACTIONS_OF_ONE) return;
    if (old === undefined && reactions.length >= MOST_REACTIONS) return;
    const next: StoredReaction = { by, reaction, clock: String(clock), ...(retracted && { retracted }) };
    this.#replace(key, found, { ...found.status, reactions: [...others, next] });
  }

  /** Notes what a recipient reports about a message of ours. What isn't ours, or didn't go to them, is left alone. */
  async receipt({ conversation, messageId, recipient, what }: StatusReceipt): Promise<void> {
    const key = conversationKey(conversation);
    const found = await this.#find(key, messageId);
    const by = encodeHex(recipient);
    const recipients = found?.entry.message.recipients ?? [];
    const known = recipients.find((one) => one.by === by);
    if (found === undefined || known === undefined || known.told === 'read' || known.told === what) return;
    const told = recipients.map((one) => (one === known ? { by, told: what } : one));
    this.#put(key, found.record, {
      ...found.entry,
      message: { ...found.entry.message, recipients: told },
    });
  }

  async #change(
    key: string,
    target: string,
    author: PublicKey,
    change: {
      apply(status: StoredStatus): StoredStatus | undefined;
      early(before: Omit<StoredEarly, 'at'> | undefined): Omit<StoredEarly, 'at'> | undefined;
    },
  ): Promise<void> {
    const name = encodeHex(author);
    const found = await this.#find(key, target);
    if (found !== undefined) {
      const status = found.entry.message.sender === name ? change.apply(found.status) : undefined;
      if (status !== undefined) this.#replace(key, found, status);
      return;
    }
    const id = target.slice(2);
    if (!/^0x[0-9a-f]{64}$/.test(target)) return;
    const early = change.early(await this.#history.get<StoredEarly>(earlyRecord(key, id, name)));
    if (early === undefined) return;
    const record = earlyRecord(key, id, name);
    const old = await oldestEarly(this.#history, key, MOST_EARLY - 1, record);
    this.add(old.map((other) => ({ type: 'delete', key: other })));
    this.add([put<StoredEarly>(record, { ...early, at: this.#storedAt })]);
  }

  async #find(key: string, target: string) {
    if (!/^0x[0-9a-f]{64}$/.test(target)) return undefined;
    const reference = referenceRecord(key, target.slice(2));
    const written = this.#writes.get(reference);
    const place =
      written?.type === 'put'
        ? read<StoredPlace>(written.value)
        : await this.#history.get<StoredPlace>(reference);
    if (place === undefined) return undefined;
    const record = entryRecord(key, place.number);
    const entry = this.#entries.get(record) ?? (await this.#history.storedEntry(key, place.number));
    if (entry === undefined || !('message' in entry)) return undefined;
    const { status } = entry.message;
    return status?.id === target ? { record, entry, status } : undefined;
  }

  #replace(
    key: string,
    { record, entry }: { record: string; entry: Extract<StoredEntry, { message: unknown }> },
    status: StoredStatus,
  ): void {
    this.#put(key, record, { ...entry, message: { ...entry.message, status } });
  }

  #put(key: string, record: string, entry: StoredEntry): void {
    this.#entries.set(record, entry);
    this.add([put(record, entry)]);
    this.changed.add(key);
  }
}

/** Keys of what came before its message, the oldest first, but for the latest ones and one that is about to be written. */
async function oldestEarly(
  history: History,
  key: string,
  kept: number,
  except: string,
): Promise<readonly string[]> {
  const prefix = earlyPrefix(key);
  const all = [...(await history.records<StoredEarly>(prefix))]
    .map(([rest, { at }]) => ({ at, record: `${prefix}${rest}` }))
    .filter(({ record }) => record !== except)
    .sort((one, other) => one.at - other.at);
  return all.slice(0, Math.max(0, all.length - kept)).map(({ record }) => record);
}

/** What is kept of a message; `undefined` when its text can't be shown. */
function storedStatusOf({ messageId, body, replyTo }: ChangeOf<'message'>): StoredStatus | undefined {
  const { text } = body;
  if (!(body.kind === 'image' && text === '') && !isText(text)) return undefined;
  const image =
    body.kind === 'image'
      ? { picture: encodeBase64(body.image.payload), format: body.image.format }
      : undefined;
  return { id: messageId, text, ...(replyTo !== '' && { replyTo }), ...(image && { image }) };
}

function withoutContent({ id, replyTo }: StoredStatus): StoredStatus {
  return { id, text: '', ...(replyTo !== undefined && { replyTo }), deleted: true };
}

function isText(text: string): boolean {
  try {
    decodeText(encodeText(text));
    return true;
  } catch {
    return false;
  }
}

function isAbove(clock: bigint, other: string | undefined): boolean {
  return other === undefined || clock > BigInt(other);
}

/** What is kept of a message of ours. */
export function ownStatusOf(
  id: string,
  content: Extract<StatusOutgoing, { kind: 'text' | 'image' }>,
): StoredStatus {
  const { text = '', replyTo } = content;
  const image = content.kind === 'image' ? content.image : undefined;
  return {
    id,
    text,
    ...(replyTo !== undefined && { replyTo }),
    ...(image && { image: { picture: payloadText(image.payload), format: image.format } }),
  };
}

/** A picture to be sent. */
export interface PictureToSend {
  /** The encoded picture; borrowed. It travels inside the message: scale it down. */
  readonly picture: Uint8Array;
  /** Its format. */
  readonly mediaType: 'image/png' | 'image/jpeg' | 'image/webp' | 'image/gif';
  /** Text that goes with it. */
  readonly text?: string | undefined;
}

const FORMATS = Object.freeze({ 'image/png': 1, 'image/jpeg': 2, 'image/webp': 3, 'image/gif': 4 });

/** What a picture is sent as. @throws INVALID_TEXT, LIMIT_EXCEEDED */
export function pictureContent(
  { picture, mediaType, text = '' }: PictureToSend,
  replyTo: string | undefined,
): Extract<StatusOutgoing, { kind: 'image' }> {
  const plain = text === '' ? '' : decodeUtf8(encodeText(text));
  return { kind: 'image', text: plain, image: { payload: picture, format: FORMATS[mediaType] }, replyTo };
}

/** @throws INVALID_ARGUMENT for an unknown reaction */
export function checkReaction(reaction: number): void {
  if (!Number.isInteger(reaction) || reaction < 1 || reaction > 6)
    throw invalidArgument('reaction', 'not 1 to 6');
}

/** Gives up a message, and resolves to whether the Status client has it: not one to a public chat, or a group of the messenger. */
export async function giveUp(
  status: StatusClient,
  messageId: string,
  alongside: readonly Write[],
): Promise<boolean> {
  try {
    await status.giveUp(messageId, { alongside });
    return true;
  } catch (error) {
    if (isSottoError(error, 'NOT_FOUND')) return false;
    throw error;
  }
}

/** What removes conversations from the list. */
interface Removing {
  get(conversation: Conversation): object | undefined;
  remove(conversation: Conversation): Promise<void>;
}

/** Removes the groups to which a person added us and that the user has not joined. */
export async function removeInvitations(
  status: StatusClient,
  conversations: Removing,
  identity: PublicKey,
): Promise<void> {
  for (const { id: groupId, state, addedBy } of await status.groups.list()) {
    const conversation = { kind: 'group', groupId } as const;
    const isTheirs = state === 'invited' && compareBytes(addedBy, identity) === 0;
    if (isTheirs && conversations.get(conversation) !== undefined) await conversations.remove(conversation);
  }
}

/**
 * Tells the authors of unread messages that they were read.
 * @param stored the conversation, before it was read
 * @param write goes into the commit of the first receipt
 * @returns whether it was stored
 */
export async function tellRead(
  status: StatusClient,
  conversation: Exclude<Conversation, { readonly kind: 'public' }>,
  stored: StoredConversation,
  entries: ReadEntries,
  write: Write,
  logger: Logger,
): Promise<boolean> {
  // Only there are messages acknowledged.
  const { kind } = conversation;
  if (kind === 'group' && (await status.groups.get(conversation.groupId)) === undefined) return false;
  const read = new Map<string, string[]>();
  for (const { sender, reference } of await unreadMessages(stored, entries)) {
    const author = encodeHex(sender);
    if (reference !== undefined) read.set(author, [...(read.get(author) ?? []), reference]);
  }
  let isStored = false;
  for (const [author, references] of read) {
    try {
      const alongside = isStored ? [] : [write];
      const isSent = await status.sendRead(decodeHex(author), conversation, references, { alongside });
      isStored ||= isSent;
    } catch (error) {
      if (isSottoError(error, 'CLOSED')) throw error;
      logger.warn('a read receipt was not sent', { error: errorName(error) });
    }
  }
  return isStored;
}

/** Reads a page of the conversation, as `Conversations.entries` does. */
type ReadEntries = (page: {
  readonly before: number;
  readonly from: number;
  readonly limit: number;
}) => Promise<readonly Entry[]>;

/** The last unread messages of a conversation, {@link MOST_READ} at most. */
async function unreadMessages(
  { unread, next }: StoredConversation,
  entries: ReadEntries,
): Promise<readonly Message[]> {
  const found: Message[] = [];
  const most = Math.min(unread, MOST_READ);
  for (let before = next; before > 0 && found.length < most; before -= PAGE_SIZE) {
    const page = await entries({ before, from: before - PAGE_SIZE, limit: PAGE_SIZE });
    const received = page.filter((entry) => entry.kind === 'message').filter(({ own }) => !own);
    found.unshift(...received.slice(-(most - found.length)));
  }
  return found;
}
