import {
  type Clock,
  compareBytes,
  copyBytes,
  decodeHex,
  decodeUtf8,
  encodeHex,
  errorName,
  invalidArgument,
  isSottoError,
  type Logger,
  type PublicKey,
  SottoError,
  type Store,
  silentLogger,
  systemClock,
  type Write,
} from '@sotto/core';
import type {
  Contact,
  Conversation,
  DeviceOutcome,
  Group,
  GroupChangeLost,
  MemberOutcome,
  Messenger,
  MessengerEvents,
  ReceivedMessage,
  SendOptions,
  TakenMessage,
} from '@sotto/messenger';
import type {
  StatusClient,
  StatusContent,
  StatusEnvelope,
  StatusGroupInfo,
  StatusOutgoing,
  StatusTaken,
} from '@sotto/status-messages/client';
import { type ConversationProtection, type ConversationSummary, conversationKey } from './conversation.js';
import type { ShownMessage, Timer } from './conversation-message.js';
import type { Expiry } from './disappearing.js';
import type { Entry, Message, NoticeContent } from './entry.js';
import type { HiddenMessage, HiddenMessageHandler, HiddenMessageHandlers } from './hidden-message.js';
import { History } from './history.js';
import type { DISAPPEARING_MAX_SECONDS } from './limits.js';
import { LocalSettings } from './local-settings.js';
import { type Person, parsePersonName } from './person.js';
import { receivedMessage } from './received-message.js';
import type { PictureToSend, StatusBatch } from './status-history.js';
import { SteadyTime } from './steady-time.js';
import {
  expiryPrefix,
  PAGE_SIZE,
  payloadText,
  referenceRecord,
  type StoredConversation,
  type StoredEntry,
  type StoredPlace,
  type StoredState,
  unreadTimersPrefix,
} from './storage.js';
import { encodeText } from './text.js';

/** What {@link createConversations} needs. */
export interface ConversationsOptions {
  /** Not started yet: messages that it emits before are missed until its next start. */
  readonly messenger: Messenger;
  /** The messenger's store; the messenger closes it. */
  readonly store: Store;
  /**
   * Talks to Status clients: made by `createStatusClient` of `@sotto/status-messages/client` over the same messenger. Everything is then
   * sent in their encoding, also to other Sotto users, who need this option to read it; plain texts are still read. Default: plain
   * texts only.
   */
  readonly status?: StatusClient | undefined;
  /** Default: the system clock. */
  readonly clock?: Clock | undefined;
  /** Receives events and codes, never contents. Default: nothing is logged. */
  readonly logger?: Logger | undefined;
}

/** A change to show. */
export type Change =
  /** Entries of a conversation were added or changed, or its line in the list. */
  | {
      readonly what: 'conversation';
      readonly key: string;
      /**
       * Numbers of the entries that were added, changed or deleted; empty when only the line in the list has changed.
       * `undefined`: any of them.
       */
      readonly numbers?: readonly number[] | undefined;
    }
  /**
   * A message of someone else was stored: what a notification is made of. Precedes the change of the conversation.
   * `quiet`: the conversation is muted or a request, so nobody wants to be disturbed.
   */
  | {
      readonly what: 'received';
      readonly key: string;
      readonly conversation: Conversation;
      readonly message: Message;
      readonly quiet: boolean;
    }
  /** A conversation was removed. */
  | { readonly what: 'removed'; readonly key: string }
  /** A person was added, renamed, verified, removed or blocked. */
  | { readonly what: 'people' };

/** How a text is sent. */
export interface SendTextOptions {
  /** Called with the number of recipients for whom it has been encrypted: members of a group, some at a time; otherwise one. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
  /** `reference` of the message that it replies to. Only with the option `status`. */
  readonly replyTo?: string | undefined;
}

/** How a file is sent. */
export interface SendFileOptions extends Pick<SendTextOptions, 'onProgress'> {
  /** Text that goes with it. */
  readonly text?: string | undefined;
}

/**
 * Keeps the conversations of a messenger in its store: call it between `createMessenger` and `start`. From then on it
 * handles and acknowledges all messages; don't do so elsewhere.
 * @throws STORE codes, STATE_CORRUPT, STATE_VERSION_UNSUPPORTED
 */
export async function createConversations(options: ConversationsOptions): Promise<Conversations> {
  const conversations = new Conversations(options);
  await conversations.load();
  return conversations;
}

/** Code that a bundler makes a chunk of its own of. */
type StatusParts = typeof import('./status-history.js');
type Parts = typeof import('./files-and-timers.js');

interface Row {
  readonly conversation: Conversation;
  stored: StoredConversation;
  lastMessage: Message | undefined;
  /** Of a 1:1 without messages: whether a device of the peer is known. */
  deviceKnown: boolean;
  /** Whether the peer, or who added us to the Status group, waits to be accepted. */
  request: boolean;
  group: Group | undefined;
}

const EMPTY: StoredConversation = { lastActivity: 0, order: 0, unread: 0, next: 0, lastMessage: -1 };
/** Most conversations kept with people whom the user hasn't accepted; the oldest are removed first. */
const MOST_REQUESTS = 256;
/** Wait after a storage error before a message is retried, in milliseconds. */
const RETRY_MS = 5_000;

/** The conversations of one device. Made by {@link createConversations}. */
export class Conversations {
  readonly #messenger: Messenger;
  readonly #history: History;
  readonly #local: LocalSettings;
  readonly #status: StatusClient | undefined;
  /** Loaded with the option `status`. */
  #statusParts: StatusParts | undefined;
  #parts: Parts | undefined;
  readonly #clock: Clock;
  readonly #time: SteadyTime;
  /** Made with the first message that disappears. */
  #expiry: Expiry | undefined;
  readonly #logger: Logger;
  readonly #rows = new Map<string, Row>();
  /** Contacts by identity in hex: the messenger keeps who they are, this package their names. */
  readonly #contacts = new Map<string, Contact>();
  readonly #names = new Map<string, string>();
  /** Identities that wrote and that the user hasn't accepted, in hex. */
  #requests: ReadonlySet<string> = new Set();
  readonly #listeners = new Set<(change: Change) => void>();
  readonly #hidden: HiddenMessageHandlers = new Map();
  readonly #stops: (() => void)[] = [];
  readonly #retries = new Set<() => void>();
  /** Changes of conversations run one after another, so that numbers and counts are right. */
  #tail: Promise<unknown> = Promise.resolve();
  #readReceipts = false;
  #closed = false;

  /** @internal */
  constructor({
    messenger,
    store,
    status,
    clock = systemClock,
    logger = silentLogger,
  }: ConversationsOptions) {
    this.#messenger = messenger;
    this.#status = status;
    this.#clock = clock;
    this.#logger = logger;
    this.#time = new SteadyTime(clock);
    this.#history = new History(store, logger, this.#time, () => this.#loadParts());
    this.#local = new LocalSettings(this.#history);
  }

  /** @internal Reads what is stored and begins to listen. */
  async load(): Promise<void> {
    const messenger = this.#messenger;
    if (this.#status !== undefined) this.#statusParts = await import('./status-history.js');
    await this.#history.loadTime();
    if (await this.#history.has(expiryPrefix)) await (await this.#timers()).expire();
    for (const contact of await messenger.contacts.list()) {
      this.#contacts.set(encodeHex(contact.identity), contact);
    }
    for (const [identity, name] of await this.#history.names()) {
      if (this.#contacts.has(identity)) this.#names.set(identity, name);
    }
    await this.#loadRequests();
    await this.#local.load();
    for (const { conversation, stored } of await this.#history.conversations()) {
      await this.#addRow(conversation, stored);
    }
    for (const name of messenger.chats.list()) await this.#ensure({ kind: 'public', name });
    const groups = [
      ...(await messenger.groups.list()).filter(({ joined }) => joined),
      ...((await this.#status?.groups.list()) ?? []).filter(({ state }) => state !== 'left'),
    ];
    // A group with a notice but without a row was removed on this device.
    for (const { id: groupId } of groups)
      if ((await this.#history.group(groupId)) === undefined) await this.#ensure({ kind: 'group', groupId });
    this.#readReceipts = (await this.#history.settings()).readReceipts;
    const unsent = await this.#unsent();
    const failed = this.#failed();
    for (const id of await this.#history.outgoing()) {
      if (unsent.has(id)) continue;
      if (!failed.has(id)) await this.#noteState(id, 'sent');
      else if ((await this.#history.stateOf(id)) === 'pending')
        await this.#noteState(id, 'failed', failed.get(id));
    }
    this.#stops.push(
      ...this.#listen(),
      messenger.on('sent', ({ id }) => this.#inTurn(() => this.#settle(id))),
      messenger.on('sendFailed', ({ id, error }) =>
        this.#inTurn(() => this.#noteState(id, 'failed', error.code)),
      ),
      messenger.on('groupChanged', ({ groupId }) => this.#inTurn(() => this.#noteGroup(groupId))),
      messenger.on('groupChangeLost', (lost) => this.#inTurn(() => this.#noteLostChange(lost))),
      messenger.on('deviceAdded', (event) => this.#inTurn(() => this.#noteDevice(event))),
      messenger.on('accepted', ({ identity }) => this.#inTurn(() => this.#noteLetIn(identity))),
      messenger.on('blocked', ({ identity }) => this.#inTurn(() => this.#noteLetIn(identity))),
      messenger.on('contactChanged', ({ identity, contact }) => this.#noteContact(identity, contact)),
      messenger.on('decryptionFailed', ({ sender, answered }) =>
        this.#inTurn(() => this.#noteDecryptionFailed(sender, answered)),
      ),
    );
  }

  #listen(): readonly (() => void)[] {
    if (this.#status === undefined)
      return [this.#messenger.on('message', (message) => this.#inTurn(() => this.#take(message)))];
    return [
      this.#status.on('message', (envelope) =>
        this.#inTurn(() =>
          envelope.isStatus ? this.#takeStatus(envelope) : this.#take(envelope.message, envelope),
        ),
      ),
      this.#status.on('sent', ({ messageId }) => this.#inTurn(() => this.#settle(messageId.slice(2)))),
      this.#status.on('sendFailed', ({ messageId, recipient, error }) =>
        this.#inTurn(() => this.#noteState(messageId.slice(2), 'failed', error.code, encodeHex(recipient))),
      ),
      this.#status.on('groupChanged', ({ group }) => this.#inTurn(() => this.#noteStatusGroup(group))),
      this.#status.on('groupForgotten', ({ groupId }) =>
        this.#inTurn(() => this.#noteForgottenGroup(groupId)),
      ),
    ];
  }

  /** Ids of messages that wait for the transport. */
  async #unsent(): Promise<ReadonlySet<string>> {
    const unsent = new Set(await this.#messenger.outbox.pending());
    for (const id of this.#status?.unsent() ?? []) unsent.add(id.slice(2));
    return unsent;
  }

  /** Ids of messages of which a part has failed, with the code of the error where it is known. */
  #failed(): ReadonlyMap<string, string | undefined> {
    const failed = new Map<string, string | undefined>();
    for (const id of this.#messenger.outbox.failed()) failed.set(id, undefined);
    for (const [id, code] of this.#status?.failed() ?? []) failed.set(id.slice(2), code);
    return failed;
  }

  /** Stops listening, and waits for what is in progress. Close the messenger, and the option `status`, after it. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#expiry?.close();
    for (const stop of this.#stops.splice(0)) stop();
    for (const cancel of this.#retries) cancel();
    await this.#tail;
    this.#listeners.clear();
  }

  /** Adds a listener for changes; the returned function removes it. */
  subscribe(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Reads the hidden messages of one kind, for a package that builds on this one. The handler is called in the order in which they
   * arrived, also of people whom the user hasn't accepted; what it returns is stored exactly once, in the commit that
   * acknowledges the message. Add it before the messenger starts. Those that nobody reads are dropped.
   * @returns removes the handler
   */
  onHidden<K extends HiddenMessage['kind']>(kind: K, handler: HiddenMessageHandler<K>): () => void {
    this.#hidden.set(kind, handler);
    return () => this.#hidden.delete(kind);
  }

  /**
   * Sends a message that isn't shown, neither here nor there. Status clients ignore it.
   * @param conversation not a public chat
   * @param options as of `send` of the messenger
   * @throws NOT_PERMITTED for a public chat or a Status group; LIMIT_EXCEEDED; INVALID_TEXT; what `send` of the messenger throws
   */
  async sendHidden(
    conversation: Conversation,
    message: HiddenMessage,
    options: Pick<SendOptions, 'alongside' | 'ownCopy'> = {},
  ): Promise<void> {
    await this.#checkPlain(conversation, 'send hidden messages');
    const { encodeConversationMessage } = await this.#loadParts();
    await this.#messenger.send(conversation, encodeConversationMessage(message), options);
  }

  // Reading

  /**
   * All conversations, most recent first. Those with `request` are with people whom the user hasn't accepted, or Status groups to which
   * such people added us: show them separately. Groups of ours are never requests; their members need not be people whom the user knows.
   */
  list(): readonly ConversationSummary[] {
    return [...this.#rows]
      .sort(([, a], [, b]) => b.stored.order - a.stored.order)
      .map(([key, row]) => this.#summaryOf(key, row));
  }

  /** The summary of one conversation; `undefined` when it isn't in the list. */
  get(conversation: Conversation): ConversationSummary | undefined {
    const key = conversationKey(conversation);
    const row = this.#rows.get(key);
    return row && this.#summaryOf(key, row);
  }

  /**
   * A page of a conversation, in order: the last `limit` entries before number `before`, by default the latest 50, and none before number
   * `from`. Entries that were deleted or are damaged don't count.
   * @throws STORE_UNAVAILABLE, CLOSED
   */
  async entries(
    conversation: Conversation,
    {
      before = Number.POSITIVE_INFINITY,
      from = 0,
      limit = 50,
    }: {
      readonly before?: number | undefined;
      readonly from?: number | undefined;
      readonly limit?: number | undefined;
    } = {},
  ): Promise<readonly Entry[]> {
    const key = conversationKey(conversation);
    const found: Entry[] = [];
    let end = Math.min(before, this.#rows.get(key)?.stored.next ?? 0);
    const first = Math.max(0, from);
    // Deleted entries leave gaps, which are skipped in larger steps.
    for (let step = limit; end > first && found.length < limit; step = PAGE_SIZE) {
      const start = Math.max(first, end - step);
      const now = this.#time.now();
      // A computer that has slept may not have deleted them yet.
      const isThere = (entry: Entry) => entry.kind === 'notice' || !(now >= (entry.expiresAt as number));
      const page = await this.#history.entries(key, start, end);
      if (page.some(isTimed)) this.#mend(key, page);
      found.unshift(...page.filter(isThere));
      end = start;
    }
    return found.slice(-limit);
  }

  #mend(key: string, page: readonly Entry[]): void {
    const isRead = this.#rows.get(key)?.stored.unread === 0;
    this.#timers()
      .then((timers) => timers.mend(key, page, isRead))
      .catch(() => undefined);
  }

  /** A person as this user knows them; also a stranger. */
  person(identity: PublicKey): Person {
    const key = encodeHex(identity);
    const contact = this.#contacts.get(key);
    return {
      identity,
      name: this.#names.get(key) ?? '',
      contact: contact !== undefined,
      verified: contact?.verified ?? false,
      mismatch: this.#local.hasMismatch(key),
      blocked: this.#messenger.requests.blocked().some((other) => compareBytes(other, identity) === 0),
    };
  }

  /** The contacts, sorted by name; those without a name last. */
  contacts(): readonly Person[] {
    return [...this.#contacts.values()]
      .map(({ identity }) => this.person(identity))
      .sort(
        (a, b) =>
          Number(a.name === '') - Number(b.name === '') ||
          a.name.localeCompare(b.name) ||
          compareBytes(a.identity, b.identity),
      );
  }

  // People

  /** Our own: 33 bytes, borrowed from the messenger. */
  get identity(): PublicKey {
    return this.#messenger.identity;
  }

  /**
   * Adds a contact, or renames one. Names are local.
   * @param who a contact code, or an identity of 33 or 65 bytes
   * @throws what `contacts.add` of the messenger and {@link parsePersonName} throw
   */
  async addContact(who: string | Uint8Array, name = ''): Promise<Person> {
    const parsed = parsePersonName(name);
    return this.#inTurn(async () => {
      const { identity } = await this.#messenger.contacts.add(who, {
        alongside: (contact) => [this.#history.nameWrite(encodeHex(contact.identity), parsed)],
      });
      this.#names.set(encodeHex(identity), parsed);
      this.#tell({ what: 'people' });
      return this.person(identity);
    });
  }

  /** Removes a contact, with name and verification; the conversation stays. */
  async removeContact(identity: PublicKey): Promise<void> {
    await this.#inTurn(async () => {
      await this.#messenger.contacts.setVerified(identity, false);
      await this.#messenger.contacts.remove(identity, { alongside: this.#withoutName(identity) });
    });
  }

  /**
   * Notes whether the user has compared safety numbers with a contact.
   * @throws NOT_FOUND for a person who is not a contact
   */
  async setVerified(identity: PublicKey, verified: boolean): Promise<void> {
    await this.#inTurn(async () => {
      const name = encodeHex(identity);
      if (!this.#contacts.has(name)) throw notFound('contact', name);
      await this.#messenger.contacts.setVerified(identity, verified);
      if (!verified || !this.#local.hasMismatch(name)) return;
      await this.#local.setMismatch(name, undefined);
      this.#tell({ what: 'people' });
    });
  }

  /**
   * Notes that safety numbers were compared and are different: someone may be intercepting messages. A contact is no longer
   * verified. Remembered, also of people who are not contacts, until {@link setVerified} or {@link clearMismatch}.
   * @throws STORE codes
   */
  async reportMismatch(identity: PublicKey): Promise<void> {
    await this.#setMismatch(identity, this.#clock.now());
  }

  /** Forgets that safety numbers were different. @throws STORE codes */
  async clearMismatch(identity: PublicKey): Promise<void> {
    await this.#setMismatch(identity, undefined);
  }

  async #setMismatch(identity: PublicKey, at: number | undefined): Promise<void> {
    await this.#inTurn(async () => {
      const name = encodeHex(identity);
      await this.#local.setMismatch(name, at);
      if (at !== undefined && this.#contacts.has(name))
        await this.#messenger.contacts.setVerified(identity, false);
      this.#tell({ what: 'people' });
    });
  }

  /**
   * Accepts a person who wrote: their conversation is no longer a request, and a Status client's contact request is answered. Answering, or
   * adding a contact, does the same; but further contact requests of someone who was removed or blocked wait for this method.
   * @throws INVALID_PUBLIC_KEY, STORE codes
   */
  async accept(identity: PublicKey): Promise<void> {
    if (this.#status === undefined) await this.#messenger.requests.accept(identity);
    else await this.#status.contacts.accept(identity);
    await this.#tail;
  }

  /**
   * Accepts to be in a Status group that is a request: joins it, which tells all members, and accepts their messages. A group is joined
   * without this when the user has accepted the person who added us. Only with the option `status`.
   * @param groupId 64 hex digits
   * @throws NOT_FOUND, STORE codes
   */
  async acceptGroup(groupId: string): Promise<void> {
    if (this.#status === undefined) throw withoutStatus('group');
    await this.#status.groups.join(groupId);
    await this.#tail;
  }

  /**
   * Blocks a person: what they send is dropped, and they are no longer a contact with a name, nor verified. Their conversation stays
   * unless it was a request; so do the Status groups to which they added us.
   * @throws INVALID_PUBLIC_KEY, INVALID_ARGUMENT for our own identity, STORE codes
   */
  async block(identity: PublicKey): Promise<void> {
    const conversation: Conversation = { kind: 'direct', peer: identity };
    const isRequest = await this.#inTurn(async () => {
      const { request = false } = this.#rows.get(conversationKey(conversation)) ?? {};
      await this.#messenger.requests.block(identity, { alongside: this.#withoutName(identity) });
      return request;
    });
    if (isRequest) await this.remove(conversation);
    await this.#statusParts?.removeInvitations(this.#status as StatusClient, this, identity);
    await this.#tail;
  }

  /** Unblocks a person. @throws INVALID_PUBLIC_KEY, STORE codes */
  async unblock(identity: PublicKey): Promise<void> {
    await this.#inTurn(async () => {
      await this.#messenger.requests.unblock(identity);
      this.#tell({ what: 'people' });
    });
  }

  /** The people whose safety numbers were different, see {@link reportMismatch}. */
  mismatches(): readonly Person[] {
    return this.#local.mismatches().map((identity) => this.person(identity));
  }

  /** The people whom the user blocked. */
  blocked(): readonly Person[] {
    return this.#messenger.requests.blocked().map((identity) => this.person(identity));
  }

  #withoutName(identity: PublicKey): readonly Write[] {
    return [this.#history.nameWrite(encodeHex(identity), '')];
  }

  // Conversations

  /** Makes sure that a conversation is in the list; joins a public chat. */
  async open(conversation: Conversation): Promise<ConversationSummary> {
    return this.#inTurn(async () => {
      if (conversation.kind === 'public') await this.#messenger.chats.join(conversation.name);
      return this.#ensure(conversation);
    });
  }

  /**
   * Removes a conversation and its entries from this device. Leaves a public chat, but not a group. When it begins again, messages
   * disappear as they did, since the others go on by that.
   */
  async remove(conversation: Conversation): Promise<void> {
    await this.#inTurn(async () => {
      const key = conversationKey(conversation);
      if (conversation.kind === 'public') await this.#messenger.chats.leave(conversation.name);
      await this.#history.remove(key, await this.#timerOf(conversation));
      await this.#local.forget(key);
      this.#rows.delete(key);
      this.#tell({ what: 'removed', key });
    });
  }

  /**
   * Keeps what was written and not sent yet, over restarts; `draft` of the summary. An empty text deletes it, and so does the
   * commit that stores the next message to this conversation.
   * @throws LIMIT_EXCEEDED beyond `DRAFT_MAX_LENGTH`; STORE codes
   */
  async setDraft(conversation: Conversation, text: string): Promise<void> {
    const key = conversationKey(conversation);
    const kept = this.#local.noteDraft(key, text);
    await this.#inTurn(async () => {
      if (await this.#local.storeDraft(key, kept)) this.#tellOf(key, []);
    });
  }

  /** What was written to a conversation and not sent yet; empty when there is nothing. */
  draft(conversation: Conversation): string {
    return this.#local.draft(conversationKey(conversation));
  }

  /**
   * Wants no notifications of a conversation for some time: messages are `quiet`, and everything else is as before.
   * @param until milliseconds since the epoch by our clock; `Infinity`: for good. 0: wants them again
   * @throws STORE codes
   */
  async setMuted(conversation: Conversation, until: number): Promise<void> {
    await this.#inTurn(async () => {
      const key = conversationKey(conversation);
      await this.#local.setMuted(key, until);
      this.#tellOf(key, []);
    });
  }

  /** Until when a conversation is muted, in milliseconds since the epoch by our clock, whether that is over or not; 0: it never was. */
  mutedUntil(conversation: Conversation): number {
    return this.#local.mutedUntil(conversationKey(conversation));
  }

  /**
   * Sets the count of unread messages to 0. While read receipts are switched on, their authors are told, if the user has accepted them.
   * @param upTo number of the last message that was read on another device of ours: later ones stay unread, and nobody is told. What
   *   was read stays read
   * @throws STORE codes
   */
  async markRead(conversation: Conversation, upTo = Number.POSITIVE_INFINITY): Promise<void> {
    await this.#inTurn(async () => {
      const key = conversationKey(conversation);
      const row = this.#rows.get(key);
      if (row === undefined) return;
      const isHere = upTo >= row.stored.next;
      const later = isHere
        ? []
        : await this.entries(conversation, { from: upTo + 1, limit: Number.POSITIVE_INFINITY });
      const unread = later.filter((entry) => entry.kind === 'message' && !entry.own).length;
      if (unread >= row.stored.unread) return;
      if (unread === 0) await this.#beginRead(key);
      const stored = { ...row.stored, unread };
      const write = this.#history.conversationWrite(key, stored);
      if (!isHere || !(await this.#tellRead(conversation, row, write)))
        await this.#history.putConversation(key, stored);
      row.stored = stored;
      this.#tellOf(key, []);
    });
  }

  /** Begins the time of messages that disappear after they are read. */
  async #beginRead(key: string): Promise<void> {
    if (await this.#history.has(unreadTimersPrefix(key))) await (await this.#timers()).beginRead(key);
  }

  /** Loads what files and messages that disappear need, with the first of them. */
  async #loadParts(): Promise<Parts> {
    this.#parts ??= await import('./files-and-timers.js');
    return this.#parts;
  }

  async #timerOf(conversation: Conversation): Promise<Timer | undefined> {
    const key = conversationKey(conversation);
    const row = this.#rows.get(key);
    return row === undefined ? this.#history.keptTimer(key) : row.stored.timer;
  }

  async #noteExpiry(expiresAt: number | undefined): Promise<void> {
    if (expiresAt !== undefined) (await this.#timers()).note(expiresAt);
  }

  async #timers(): Promise<Expiry> {
    const { Expiry } = await this.#loadParts();
    this.#expiry ??= new Expiry(this.#history, this.#clock, this.#time, this.#logger, {
      inTurn: (run) => this.#inTurn(run),
      later: (run) => this.#later(run),
      changed: (key, numbers) => this.#noteChanged(key, numbers),
    });
    if (this.#closed) this.#expiry.close();
    return this.#expiry;
  }

  /**
   * Sets after how many seconds new messages of a conversation disappear, and tells everyone in it: from when they were read, on each device, or
   * sent. Messages that are there stay as they are. Whoever wants to keep a message can: it is up to their software.
   * @param seconds 1 to {@link DISAPPEARING_MAX_SECONDS}; `undefined`: they don't any more
   * @throws NOT_PERMITTED for a public chat or a Status group; INVALID_ARGUMENT; what `send` of the messenger throws. Nothing is
   *   changed then
   */
  async setDisappearing(conversation: Conversation, seconds: number | undefined): Promise<void> {
    await this.#inTurn(async () => {
      const { checkSeconds, sendTimer } = await this.#loadParts();
      checkSeconds(seconds);
      await this.#checkPlain(conversation, 'let messages disappear');
      const key = conversationKey(conversation);
      const row = await this.#rowFor(conversation);
      const { next, timer: before } = row.stored;
      if ((before?.seconds ?? 0) === (seconds ?? 0)) return;
      const failure = await sendTimer(
        this.#messenger,
        this.#history,
        conversation,
        row.stored,
        seconds ?? 0,
        this.#clock.now(),
      );
      await this.#reload(key, row);
      if (row.stored.next === next) throw failure ?? closed();
      this.#tellOf(key, [next]);
    });
  }

  /** Refuses conversations in which nothing but texts can be sent. @throws NOT_PERMITTED */
  async #checkPlain(conversation: Conversation, what: string): Promise<void> {
    const { kind } = conversation;
    if (kind === 'public') throw notPermitted(`${what} in a public chat`);
    if (kind === 'group' && (await this.#status?.groups.get(conversation.groupId)) !== undefined)
      throw notPermitted(`${what} in a Status group`);
  }

  /**
   * Whether authors are told that their messages were read, and whether we note what they report about ours. Off until it is switched on. Only
   * with the option `status`.
   */
  get readReceipts(): boolean {
    return this.#readReceipts;
  }

  /** Switches read receipts on or off, both ways. @throws STORE codes */
  async setReadReceipts(readReceipts: boolean): Promise<void> {
    await this.#inTurn(async () => {
      await this.#history.putSettings({ readReceipts });
      this.#readReceipts = readReceipts;
    });
  }

  /**
   * Tells the authors of unread messages.
   * @param write goes into the commit of the first receipt
   * @returns whether it was stored
   */
  async #tellRead(conversation: Conversation, row: Row, write: Write): Promise<boolean> {
    const status = this.#status;
    if (status === undefined || !this.#readReceipts || row.request || conversation.kind === 'public')
      return false;
    const { tellRead } = this.#statusParts as StatusParts;
    return tellRead(
      status,
      conversation,
      row.stored,
      (page) => this.entries(conversation, page),
      write,
      this.#logger,
    );
  }

  /**
   * The message with a `reference`, such as one that another message replies to; `undefined` when it isn't here.
   * @throws STORE codes
   */
  async byReference(conversation: Conversation, reference: string): Promise<Message | undefined> {
    const key = conversationKey(conversation);
    if (!/^0x[0-9a-f]{64}$/.test(reference)) return undefined;
    const place = await this.#history.get<StoredPlace>(referenceRecord(key, reference.slice(2)));
    return place && this.#history.message(key, place.number);
  }

  /**
   * Sends a text. Resolves when it is stored, in one commit here and in the messenger; it is `pending` until the
   * transport has accepted all of it.
   * @throws INVALID_TEXT, LIMIT_EXCEEDED for the text; what `send` of the messenger throws. Nothing
   *   is kept of it then
   */
  async send(conversation: Conversation, text: string, options: SendTextOptions = {}): Promise<Message> {
    const payload = encodeText(text);
    const { replyTo } = options;
    if (this.#status === undefined && replyTo !== undefined) throw withoutStatus('replyTo');
    return this.#inTurn(async () => {
      const plain = decodeUtf8(payload);
      const timer = await this.#timerOf(conversation);
      if (timer?.seconds) {
        // Status clients know of no timers.
        const { encodeConversationMessage } = await this.#loadParts();
        const timed = encodeConversationMessage({ kind: 'text', text: plain, replyTo, timer });
        return this.#sendPayload(conversation, timed, options, timer);
      }
      if (this.#status === undefined) return this.#sendPayload(conversation, payload, options);
      return this.#sendStatus(conversation, { kind: 'text', text: plain, replyTo }, options);
    });
  }

  /**
   * Sends a file that is stored elsewhere, such as by `uploadAttachment` of `@sotto/attachments`. Resolves as {@link send}.
   * @param attachment 1 to {@link ATTACHMENT_MAX_BYTES} bytes that describe it, as `encodeAttachment` makes them; borrowed
   * @throws NOT_PERMITTED for a public chat, where anyone could read the file, or a Status group; INVALID_ARGUMENT, LIMIT_EXCEEDED for
   *   the attachment; as {@link send}
   */
  async sendFile(
    conversation: Conversation,
    attachment: Uint8Array,
    { text = '', onProgress }: SendFileOptions = {},
  ): Promise<Message> {
    // Before anything else happens: the caller may change it afterwards.
    const bytes = copyBytes(attachment, 'attachment');
    return this.#inTurn(async () => {
      const { encodeConversationMessage, fileMessage } = await this.#loadParts();
      const timer = await this.#timerOf(conversation);
      const payload = encodeConversationMessage(fileMessage(bytes, text, timer));
      await this.#checkPlain(conversation, 'send files');
      return this.#sendPayload(conversation, payload, { onProgress }, timer);
    });
  }

  async #sendPayload(
    conversation: Conversation,
    payload: Uint8Array,
    { onProgress }: SendTextOptions,
    timer?: Timer,
  ): Promise<Message> {
    const key = conversationKey(conversation);
    const row = await this.#rowFor(conversation);
    const { next } = row.stored;
    const alongside = (taken: TakenMessage) => {
      const { storedAt, message } = this.#ownEntry(conversation, payload, taken);
      const entry = { storedAt, message: { ...message, ...(timer?.seconds && { timer: timer.seconds }) } };
      const { writes } = this.#history.append(key, row.stored, entry, taken.id);
      return [...writes, ...this.#local.withoutDraft(key)];
    };
    let failure: unknown;
    try {
      const result = await this.#messenger.send(conversation, payload, { onProgress, alongside });
      if (result.kind === 'group') await this.#noteProtection(key, next, result.members);
    } catch (error) {
      failure = error;
    }
    return this.#sent(key, row, next, failure);
  }

  /** The message that was sent as number `next`. @throws the failure, if it was not stored */
  async #sent(key: string, row: Row, next: number, failure: unknown): Promise<Message> {
    // The messenger resumes a fan-out that fails later: the result is that of the stored message.
    await this.#reload(key, row);
    if (row.stored.next === next) throw failure ?? closed();
    const message = row.lastMessage as Message;
    this.#local.draftSent(key);
    this.#tellOf(key, [next]);
    // A message to ourselves alone counts as sent.
    await this.#settle(message.id);
    return message;
  }

  /**
   * Sends a picture inside a message. Only with the option `status`.
   * @throws NOT_PERMITTED where messages disappear: {@link sendFile} instead; as {@link send}
   */
  async sendPicture(
    conversation: Conversation,
    picture: PictureToSend,
    options: SendTextOptions = {},
  ): Promise<Message> {
    if (this.#statusParts === undefined) throw withoutStatus('picture');
    const content = this.#statusParts.pictureContent(picture, options.replyTo);
    return this.#inTurn(async () => {
      const timer = await this.#timerOf(conversation);
      if (timer?.seconds) throw notPermitted('let pictures disappear');
      return this.#sendStatus(conversation, content, options);
    });
  }

  /**
   * Replaces the text of a message of ours, for everyone whose client knows edits. Only with the option `status`.
   * @throws NOT_PERMITTED for a message of others, INVALID_ARGUMENT for one without a `reference`; as {@link send}
   */
  async edit(conversation: Conversation, message: Message, text: string): Promise<void> {
    const plain = decodeUtf8(encodeText(text));
    if (!message.own) throw notPermitted('edit a message of others');
    const target = referenceOf(message);
    await this.#sendChange(conversation, { kind: 'edit', target, text: plain }, (batch, common) =>
      batch.edit({ what: 'edit', ...common, target, text: plain }),
    );
  }

  /**
   * Deletes the content of a message of ours, for everyone whose client knows deletions. Only with the option `status`.
   * @throws NOT_PERMITTED for a message of others, INVALID_ARGUMENT for one without a `reference`; as {@link send}
   */
  async deleteForAll(conversation: Conversation, message: Message): Promise<void> {
    if (!message.own) throw notPermitted('delete a message of others');
    const target = referenceOf(message);
    await this.#sendChange(conversation, { kind: 'delete', target }, (batch, common) =>
      batch.delete({ what: 'delete', ...common, target }),
    );
  }

  /**
   * Reacts to a message, or takes a reaction back. Only with the option `status`.
   * @param reaction 1 love, 2 thumbs up, 3 thumbs down, 4 laugh, 5 sad, 6 angry
   * @throws INVALID_ARGUMENT for a message without a `reference`; as {@link send}
   */
  async react(
    conversation: Conversation,
    message: Message,
    reaction: number,
    { retracted = false }: { readonly retracted?: boolean | undefined } = {},
  ): Promise<void> {
    const target = referenceOf(message);
    this.#statusParts?.checkReaction(reaction);
    await this.#sendChange(conversation, { kind: 'reaction', target, reaction, retracted }, (batch, common) =>
      batch.react({ what: 'reaction', ...common, target, reaction, retracted, reactionId: '' }),
    );
  }

  async #sendStatus(
    conversation: Conversation,
    content: Extract<StatusOutgoing, { kind: 'text' | 'image' }>,
    { onProgress }: SendTextOptions,
  ): Promise<Message> {
    const status = this.#status;
    if (status === undefined) throw withoutStatus('picture');
    const key = conversationKey(conversation);
    const row = await this.#rowFor(conversation);
    const { next } = row.stored;
    const alongside = (taken: StatusTaken) => {
      const entry = this.#ownEntry(conversation, new Uint8Array(0), taken);
      const recipients = taken.recipients.map((identity) => ({ by: encodeHex(identity) }));
      const status = (this.#statusParts as StatusParts).ownStatusOf(taken.messageId, content);
      const message = { ...entry.message, status, ...(recipients.length > 0 && { recipients }) };
      const { writes } = this.#history.append(key, row.stored, { ...entry, message }, taken.id);
      return [
        ...writes,
        ...this.#local.withoutDraft(key),
        this.#history.referenceWrite(key, taken.messageId.slice(2), next),
      ];
    };
    let failure: unknown;
    try {
      const { members } = await status.send(conversation, content, { onProgress, alongside });
      // A copy that is tried again later may be less protected than the others.
      const areAll = members.every(({ result }) => 'devices' in result);
      if (areAll) await this.#noteProtection(key, next, members);
    } catch (error) {
      failure = error;
    }
    return this.#sent(key, row, next, failure);
  }

  /** Sends a change of a message, and applies it here in the same commit. */
  async #sendChange(
    conversation: Conversation,
    content: Extract<StatusOutgoing, { target: string }>,
    apply: (batch: StatusBatch, common: StatusCommon) => Promise<void>,
  ): Promise<void> {
    const status = this.#status;
    if (status === undefined) throw withoutStatus('change of a message');
    await this.#inTurn(async () => {
      const key = conversationKey(conversation);
      const author = this.#messenger.identity;
      const batch = this.#newBatch();
      await status.send(conversation, content, {
        prepare: (message) => apply(batch, { conversation, author, own: true, ...message }),
        alongside: () => batch.writes,
      });
      await this.#noteChanged(key);
    });
  }

  /**
   * Retries the failed parts of a message: it is `pending` again.
   * @throws NOT_FOUND when no part of it has failed; STORE codes
   */
  async retry(id: string): Promise<void> {
    await this.#inTurn(async () => {
      const status = this.#status;
      // Copies for the members of a Status group have ids of their own.
      if (status?.failed().has(`0x${id}`)) await status.retry(`0x${id}`);
      else await this.#messenger.outbox.retry(id);
      await this.#noteState(id, 'pending');
    });
  }

  /**
   * Gives up a failed or pending message, and deletes it here. Parts of it may have been delivered already.
   * @throws NOT_FOUND when no part of it has failed or waits; STORE codes
   */
  async giveUp(id: string): Promise<void> {
    await this.#inTurn(() => this.#giveUpNow(id));
  }

  async #giveUpNow(id: string): Promise<void> {
    const deleted = await this.#history.deleteOutgoing(id);
    // One commit: it is deleted here if and only if it is not sent.
    await this.#giveUp(id, deleted?.reference, deleted?.writes ?? []);
    if (deleted === undefined) return;
    this.#history.deleted(id);
    await this.#noteChanged(deleted.key);
  }

  async #giveUp(id: string, reference: string | undefined, alongside: readonly Write[]): Promise<void> {
    // So that it isn't repeated either.
    const isDone = await this.#statusParts?.giveUp(
      this.#status as StatusClient,
      reference ?? `0x${id}`,
      alongside,
    );
    if (!isDone) await this.#messenger.outbox.giveUp(id, { alongside });
  }

  /**
   * Deletes a message here, and nowhere else. One of ours that has not been sent yet is given up.
   * @throws NOT_FOUND when it isn't there; STORE codes
   */
  async deleteForMe(conversation: Conversation, { id, number }: Message): Promise<void> {
    await this.#inTurn(async () => {
      const isUnsent = (await this.#history.stateOf(id)) !== undefined;
      try {
        if (isUnsent) return await this.#giveUpNow(id);
      } catch (error) {
        // It has just been sent.
        if (!isSottoError(error, 'NOT_FOUND')) throw error;
      }
      const key = conversationKey(conversation);
      if (!(await this.#history.deleteMessage(key, number, id))) throw notFound('message', id);
      await this.#noteChanged(key);
    });
  }

  /** @param numbers of the entries that were changed or deleted; `undefined`: any of them */
  async #noteChanged(key: string, numbers?: readonly number[]): Promise<void> {
    const row = this.#rows.get(key);
    if (row !== undefined) await this.#reload(key, row);
    this.#tellOf(key, numbers);
  }

  /** A group's message counts as protected as the least protected of its copies. */
  async #noteProtection(key: string, number: number, members: readonly MemberOutcome[]): Promise<void> {
    const copies = members.flatMap(({ result }) => ('devices' in result ? result : []));
    const protection = weakestOf(copies.flatMap(({ devices }) => devices));
    const sealedSender = copies.length > 0 && copies.every((copy) => copy.sealedSender);
    if (protection === 'dr' && !sealedSender) return;
    await this.#history.setProtection(key, number, protection, sealedSender);
  }

  #ownEntry(
    conversation: Conversation,
    payload: Uint8Array,
    { id, devices, sealedSender }: Pick<TakenMessage, 'id' | 'devices' | 'sealedSender'>,
  ): Extract<StoredEntry, { readonly message: unknown }> {
    const now = this.#clock.now();
    const protection = conversation.kind === 'public' ? 'public' : weakestOf(devices);
    return {
      storedAt: now,
      message: {
        id,
        sender: encodeHex(this.#messenger.identity),
        own: true,
        installationId: this.#messenger.installationId,
        state: 'pending',
        protection,
        ...(sealedSender && { sealedSender }),
        verified: true,
        sentAt: now,
        payload: payloadText(payload),
      },
    };
  }

  // Events of the messenger

  /** @param envelope of the option `status`, which acknowledges the message */
  async #take(message: ReceivedMessage, envelope?: StatusEnvelope): Promise<void> {
    const { conversation } = message;
    const acknowledge = async (writes: readonly Write[]) =>
      envelope === undefined
        ? message.acknowledge({ alongside: writes })
        : (await envelope.acknowledge({ alongside: () => writes })) !== undefined;
    const key = conversationKey(conversation);
    try {
      // Blocking a request deletes its messages, and this one arrived just before.
      if (message.request && this.person(message.sender).blocked) {
        await acknowledge([]);
        return;
      }
      const mayBeOurs = conversation.kind !== 'public' && message.payload[0] === 0;
      const codec = mayBeOurs ? await this.#loadParts() : undefined;
      const any = codec?.decodeConversationMessage(message.payload);
      if (codec && any && codec.isHidden(any)) {
        await codec.takeHidden(this.#hidden, any, message, acknowledge);
        return;
      }
      const ours = any as ShownMessage | undefined;
      const before = await this.#timerOf(conversation);
      const now = this.#clock.now();
      const isNews = codec?.isNews(ours?.timer, message, this.#rows.has(key), before, now) ?? false;
      if (ours?.kind === 'timer-change' && !isNews) {
        await acknowledge([]);
        return;
      }
      const row = await this.#rowFor(conversation);
      const storedAt = this.#clock.now();
      const payload = payloadText(message.payload);
      const plain = { ...receivedMessage(message, message.ownCopy), id: message.id, payload };
      const { stored, writes } =
        codec === undefined || ours === undefined
          ? this.#history.append(key, row.stored, { storedAt, message: plain })
          : codec.received(this.#history, key, row.stored, { storedAt, message: plain }, ours, isNews);
      // One commit: it enters the history as it leaves the inbox.
      if (!(await acknowledge(writes))) return;
      const { next } = row.stored;
      row.stored = stored;
      row.lastMessage = (await this.#history.message(key, stored.lastMessage)) ?? row.lastMessage;
      if (message.request && !row.request) {
        row.request = true;
        await this.#removeOldRequests();
      }
      if (message.ownCopy) await this.#noteExpiry(row.lastMessage?.expiresAt);
      await this.#tellReceived(key, next, stored.next);
      const numbers = Array.from({ length: stored.next - next }, (_, i) => next + i);
      this.#tellOf(key, numbers);
    } catch (error) {
      // Still in the inbox: it is redelivered after a restart, or retried now.
      if (this.#closed || isSottoError(error, 'CLOSED')) return;
      this.#logger.warn('message not stored yet', { error: errorName(error) });
      this.#later(() => this.#take(message, envelope));
    }
  }

  #newBatch(): StatusBatch {
    const { StatusBatch } = this.#statusParts as StatusParts;
    return new StatusBatch(this.#history, this.#clock.now());
  }

  /** Stores what a Status client sent, in the commit that acknowledges it. */
  async #takeStatus(envelope: StatusEnvelope): Promise<void> {
    const { message } = envelope;
    let batch = this.#newBatch();
    try {
      if (message.request && this.person(message.sender).blocked) {
        await envelope.acknowledge();
        return;
      }
      const contents = await envelope.acknowledge({
        alongside: async (all, receipts) => {
          batch = this.#newBatch();
          const before = async (conversation: Conversation) => (await this.#rowFor(conversation)).stored;
          return batch.addAll(all, message, before, receipts, this.#readReceipts);
        },
      });
      if (contents === undefined) return;
      // Before anything is shown of it.
      for (const content of contents) if (content.what === 'group') this.#noteInvitation(content.group);
      for (const key of batch.changed) {
        const row = this.#rows.get(key);
        if (row === undefined) continue;
        const { next } = row.stored;
        await this.#reload(key, row);
        if (message.request && row.conversation.kind === 'direct' && !row.request) {
          row.request = true;
          await this.#removeOldRequests();
        }
        await this.#tellReceived(key, next, row.stored.next);
        this.#tellOf(key);
      }
      for (const content of contents)
        if (content.what === 'group') await this.#noteStatusGroup(content.group);
    } catch (error) {
      if (this.#closed || isSottoError(error, 'CLOSED')) return;
      this.#logger.warn('message not stored yet', { error: errorName(error) });
      this.#later(() => this.#takeStatus(envelope));
    }
  }

  async #noteStatusGroup(group: StatusGroupInfo): Promise<void> {
    const conversation: Conversation = { kind: 'group', groupId: group.id };
    const known = this.#rows.get(conversationKey(conversation));
    if (known === undefined && group.state === 'left') return;
    const row = await this.#rowFor(conversation);
    this.#noteInvitation(group);
    await this.#noteGroupState(conversation, groupOf(group));
    if (row.request) await this.#removeOldRequests();
  }

  /** A Status group is a request until it is joined: someone added us whom the user hasn't accepted. */
  #noteInvitation(group: StatusGroupInfo): void {
    const row = this.#rows.get(conversationKey({ kind: 'group', groupId: group.id }));
    if (row === undefined) return;
    row.request = group.state === 'invited';
    row.group = groupOf(group);
  }

  /** The Status client had no room for a group any more; what it was like isn't needed either. */
  async #noteForgottenGroup(groupId: string): Promise<void> {
    const key = conversationKey({ kind: 'group', groupId });
    if (this.#rows.get(key)?.request) {
      await this.#history.remove(key);
      this.#rows.delete(key);
      this.#tell({ what: 'removed', key });
    }
    await this.#history.forgetGroup(groupId);
  }

  /** The outbox has sent all parts; a fan-out may still have members left. */
  async #settle(id: string): Promise<void> {
    if (!this.#history.isOutgoing(id)) return;
    if ((await this.#unsent()).has(id) || this.#failed().has(id)) return;
    await this.#noteState(id, 'sent');
  }

  async #noteState(id: string, state: StoredState, failure?: string, recipient?: string): Promise<void> {
    const place = await this.#history.setState(id, state, failure, recipient);
    if (place === undefined) return;
    const { conversation: key, number, expiresAt } = place;
    const row = this.#rows.get(key);
    if (row?.lastMessage?.id === id) await this.#reload(key, row);
    await this.#noteExpiry(expiresAt);
    this.#tellOf(key, [number]);
  }

  async #noteGroup(groupId: string): Promise<void> {
    const conversation: Conversation = { kind: 'group', groupId };
    const group = await this.#messenger.groups.get(groupId);
    const known = this.#rows.get(conversationKey(conversation));
    // Changes of a group that was removed here, or that we never joined, are not shown.
    if (known === undefined && !group.joined) return;
    await this.#noteGroupState(conversation, group);
  }

  async #noteGroupState(
    conversation: Extract<Conversation, { readonly kind: 'group' }>,
    group: Group,
  ): Promise<void> {
    const { groupId } = conversation;
    const before = await this.#history.group(groupId);
    const members = group.members.map(encodeHex);
    const notice: NoticeContent = {
      what: 'group-changed',
      name: group.name === before?.name ? undefined : group.name,
      joined: group.members.filter((_, i) => !before?.members.includes(members[i] as string)),
      left: (before?.members ?? [])
        .filter((member) => !members.includes(member))
        .map((member) => decodeHex(member) as PublicKey),
    };
    const row = await this.#rowFor(conversation);
    row.group = group;
    if (notice.name === undefined && notice.joined.length + notice.left.length === 0) {
      this.#tellOf(conversationKey(conversation));
    } else {
      const noted = this.#history.groupWrite(groupId, { name: group.name, members });
      await this.#addNotice(conversation, row, notice, [noted]);
    }
  }

  async #noteLostChange({ groupId, kind, author, subjects, reason }: GroupChangeLost): Promise<void> {
    const conversation: Conversation = { kind: 'group', groupId };
    const row = this.#rows.get(conversationKey(conversation));
    if (row === undefined) return;
    await this.#addNotice(conversation, row, { what: 'group-change-lost', kind, author, subjects, reason });
  }

  async #noteDevice(event: MessengerEvents['deviceAdded']): Promise<void> {
    if (event.own) return;
    const conversation: Conversation = { kind: 'direct', peer: event.identity };
    const row = this.#rows.get(conversationKey(conversation));
    if (row === undefined) return;
    row.deviceKnown = true;
    // At first contact every device is new.
    if (!event.firstContact) {
      const { installationId } = event;
      await this.#addNotice(conversation, row, { what: 'new-device', installationId });
    } else this.#tellOf(conversationKey(conversation));
  }

  /** A person was accepted or blocked: the conversation is no longer a request. */
  async #noteLetIn(identity: PublicKey): Promise<void> {
    await this.#loadRequests();
    const key = conversationKey({ kind: 'direct', peer: identity });
    const row = this.#rows.get(key);
    if (row?.request) {
      row.request = false;
      this.#tellOf(key, []);
    }
    this.#tell({ what: 'people' });
  }

  #noteContact(identity: PublicKey, contact: Contact | undefined): void {
    const key = encodeHex(identity);
    if (contact === undefined) {
      this.#contacts.delete(key);
      this.#names.delete(key);
      this.#inTurn(() => this.#history.forgetName(key)).catch(() => undefined);
    } else this.#contacts.set(key, contact);
    this.#tell({ what: 'people' });
  }

  async #loadRequests(): Promise<void> {
    const requests = await this.#messenger.requests.list();
    this.#requests = new Set(requests.map(({ identity }) => encodeHex(identity)));
  }

  /** Strangers can begin any number of conversations, and add us to groups: beyond a bound the oldest are removed. */
  async #removeOldRequests(): Promise<void> {
    const requests = [...this.#rows]
      .filter(([, { request }]) => request)
      .sort(([, a], [, b]) => a.stored.order - b.stored.order);
    for (const [key] of requests.slice(0, Math.max(0, requests.length - MOST_REQUESTS))) {
      await this.#history.remove(key);
      this.#rows.delete(key);
      this.#tell({ what: 'removed', key });
    }
  }

  async #noteDecryptionFailed(sender: PublicKey, answered: boolean): Promise<void> {
    const conversation: Conversation = { kind: 'direct', peer: sender };
    // Strangers can send any amount of garbage, so it doesn't begin a conversation.
    const row = this.#rows.get(conversationKey(conversation));
    if (row !== undefined)
      await this.#addNotice(conversation, row, { what: 'decryption-failed', sender, answered });
  }

  async #addNotice(
    conversation: Conversation,
    row: Row,
    notice: NoticeContent,
    also: readonly Write[] = [],
  ): Promise<void> {
    const key = conversationKey(conversation);
    row.stored = await this.#history.addNotice(key, row.stored, notice, this.#clock.now(), also);
    this.#tellOf(key, [row.stored.next - 1]);
  }

  // Rows

  async #ensure(conversation: Conversation): Promise<ConversationSummary> {
    const key = conversationKey(conversation);
    const row = await this.#rowFor(conversation);
    if (row.stored.order === 0) {
      const stored = { ...row.stored, lastActivity: this.#clock.now(), order: this.#history.nextOrder() };
      await this.#history.putConversation(key, stored);
      row.stored = stored;
      this.#tellOf(key, []);
    }
    return this.#summaryOf(key, row);
  }

  #summaryOf(key: string, row: Row): ConversationSummary {
    const muted = this.#local.isMuted(key, this.#clock.now());
    const { expiresAt } = row.lastMessage ?? {};
    // A computer that has slept may not have deleted it yet.
    const isGone = expiresAt !== undefined && this.#time.now() >= expiresAt;
    const summary = { ...summaryOf(key, row), draft: this.#local.draft(key), muted };
    return isGone ? { ...summary, lastMessage: undefined } : summary;
  }

  async #rowFor(conversation: Conversation): Promise<Row> {
    const key = conversationKey(conversation);
    return (
      this.#rows.get(key) ??
      (await this.#addRow(conversation, {
        ...EMPTY,
        timer: await this.#timerOf(conversation),
        // One whose record is damaged goes on after its entries, rather than over them.
        next: await this.#history.nextNumber(key),
      }))
    );
  }

  async #addRow(conversation: Conversation, stored: StoredConversation): Promise<Row> {
    const key = conversationKey(conversation);
    const row: Row = {
      conversation,
      stored,
      lastMessage: await this.#history.message(key, stored.lastMessage),
      deviceKnown:
        conversation.kind === 'direct' && (await this.#messenger.devices.list(conversation.peer)).length > 0,
      request: conversation.kind === 'direct' && this.#requests.has(encodeHex(conversation.peer)),
      group: undefined,
    };
    if (conversation.kind === 'group') {
      const group = await this.#status?.groups.get(conversation.groupId);
      if (group !== undefined) row.request = group.state === 'invited';
      row.group =
        group === undefined
          ? await this.#messenger.groups.get(conversation.groupId).catch(() => undefined)
          : groupOf(group);
    }
    this.#rows.set(key, row);
    return row;
  }

  async #reload(key: string, row: Row): Promise<void> {
    row.stored = (await this.#history.readableConversation(key)) ?? row.stored;
    row.lastMessage = await this.#history.message(key, row.stored.lastMessage);
  }

  #inTurn<T>(run: () => Promise<T>): Promise<T> {
    const result = this.#tail.then(run);
    this.#tail = result.catch((error) => {
      if (!isSottoError(error, 'CLOSED')) this.#logger.warn('not done', { error: errorName(error) });
    });
    return result;
  }

  /** Reports the messages of others among the entries from one number up to, but not including, another. */
  async #tellReceived(key: string, from: number, to: number): Promise<void> {
    const row = this.#rows.get(key);
    if (row === undefined) return;
    const { conversation, request } = row;
    const quiet = request || this.#local.isMuted(key, this.#clock.now());
    for (let number = from; number < to; number++) {
      const { lastMessage } = row;
      const message = lastMessage?.number === number ? lastMessage : await this.#history.message(key, number);
      if (message === undefined || message.own) continue;
      this.#tell({ what: 'received', key, conversation, message, quiet });
    }
  }

  #later(run: () => Promise<void>): void {
    const cancel = this.#clock.after(RETRY_MS, () => {
      this.#retries.delete(cancel);
      this.#inTurn(run).catch(() => undefined);
    });
    this.#retries.add(cancel);
  }

  /** @param numbers as of a {@link Change} */
  #tellOf(key: string, numbers?: readonly number[]): void {
    this.#tell({ what: 'conversation', key, numbers });
  }

  #tell(change: Change): void {
    for (const listener of this.#listeners) {
      try {
        listener(change);
      } catch (error) {
        this.#logger.error('listener failed', { error: errorName(error) });
      }
    }
  }
}

/** What contents about a conversation have in common. */
type StatusCommon = Pick<
  Extract<StatusContent, { readonly what: 'delete' }>,
  'conversation' | 'author' | 'own' | 'messageId' | 'clock'
>;

/** A Status group as applications know groups. It has no state that could be compared. */
function groupOf({ id, name, members, admins, state }: StatusGroupInfo): Group {
  return { id, name, members, admins, membershipHash: '', joined: state === 'joined' };
}

function referenceOf({ reference }: Message): string {
  if (reference === undefined) throw invalidArgument('message', 'a plain text, which nothing can refer to');
  return reference;
}

function closed(): SottoError<'CLOSED'> {
  return new SottoError('CLOSED', 'The conversations were closed.', { what: 'messenger' });
}

function withoutStatus(what: string): SottoError<'INVALID_ARGUMENT'> {
  return invalidArgument(what, 'the conversations were created without the option status');
}

function notPermitted(what: string): SottoError<'NOT_PERMITTED'> {
  return new SottoError('NOT_PERMITTED', `You cannot ${what}.`, { what });
}

function summaryOf(key: string, row: Row): Omit<ConversationSummary, 'draft' | 'muted'> {
  const { conversation, stored, lastMessage, request, group } = row;
  const { lastActivity, unread, next } = stored;
  return {
    key,
    conversation,
    lastActivity,
    unread,
    lastMessage,
    protection: protectionOf(row),
    request,
    group,
    next,
    disappearing: stored.timer?.seconds || undefined,
  };
}

function isTimed(entry: Entry): boolean {
  return entry.kind === 'message' && entry.timer !== undefined;
}

function protectionOf({ conversation, lastMessage, deviceKnown }: Row): ConversationProtection {
  if (conversation.kind === 'public') return 'public';
  if (lastMessage?.protection === 'pq') return 'post-quantum';
  if (lastMessage !== undefined) return lastMessage.protection === 'dh' ? 'identity-key' : 'ratchet';
  return conversation.kind === 'group' || deviceKnown ? 'ratchet' : 'identity-key';
}

/** How the least protected copy of a message is; `dr` where that is not known yet. */
function weakestOf(devices: readonly DeviceOutcome[]): 'pq' | 'dr' | 'dh' {
  const sent = devices.flatMap((device) => ('sent' in device ? device.sent : []));
  if (sent.includes('dh')) return 'dh';
  return sent.length > 0 && sent.every((protection) => protection === 'pq') ? 'pq' : 'dr';
}

function notFound(what: SottoError<'NOT_FOUND'>['details']['what'], id: string): SottoError<'NOT_FOUND'> {
  return new SottoError('NOT_FOUND', `No such ${what} exists.`, { what, id });
}
