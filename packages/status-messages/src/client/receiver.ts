import { encodeHex, isSottoError, type PublicKey, SottoError } from '@sotto/core';
import type { Conversation, ReceivedMessage } from '@sotto/messenger';
import { checkLimit, malformed } from '@sotto/protocol-codec/internal';
import {
  type ChatMessage,
  CONTACT_STATE,
  CONTENT_TYPE,
  type ContactRequestState,
  checkChatMessage,
  decodeChatMessage,
} from '../chat-message.js';
import { CHAT_TYPE, checkDisplayName, type MessageContext } from '../checks.js';
import { raisedClock } from '../clock.js';
import {
  checkContactUpdate,
  checkPairInstallation,
  decodeContactRequestAnswer,
  decodeContactUpdate,
  decodePairInstallation,
  defaultContactRequestId,
} from '../contacts.js';
import { conversationOf } from '../conversation.js';
import { decodeDatasyncPayload, directGroupId } from '../datasync.js';
import { formatIdentity } from '../identity-text.js';
import { decodeMembershipUpdate } from '../membership.js';
import {
  checkDeleteMessage,
  checkEditMessage,
  checkEmojiReaction,
  decodeDeleteMessage,
  decodeEditMessage,
  decodeEmojiReaction,
  type EmojiReaction,
  reactionId,
} from '../message-changes.js';
import { type AuthoredMessage, MESSAGE_TYPE, openMessage, READ_RECEIPT_TYPE } from '../metadata.js';
import { PROFILE_2024, type StatusProfile } from '../profile.js';
import type { StatusBody, StatusContact, StatusContent, StatusReceipt } from './contents.js';
import { getPeer, nowOf, profileOf, type StatusContext } from './context.js';
import type { Delivery } from './delivery.js';
import { aheadError, type GroupStates, isAhead, notPermitted, statusGroupId } from './groups.js';
import type { HeldMessages } from './held.js';
import type { StatusPayload } from './read-payload.js';
import {
  type ChatRecord,
  type ContactSide,
  chatKey,
  type Draft,
  type GroupRecord,
  groupKey,
  heldKey,
  NEW_CHAT,
  type PeerRecord,
  peerKey,
  type RingRecord,
  ringKey,
  type SeenRecord,
  seenKey,
} from './records.js';
import { forNow, isForNow, refusingForNow } from './undecided.js';

/** The states of one side of a contact request. */
const SIDE = CONTACT_STATE;

/** What the client does once a message is stored. */
export interface AfterReceiving {
  /** Someone whom the user has accepted asks to become contacts. @param peer hex */
  answer(peer: string): void;
  /** Someone whom the user has accepted added us to a group. */
  join(groupId: string): void;
  /**
   * Makes room for a group that is new to us.
   * @param isUninvited whether someone added us whom the user hasn't accepted
   * @throws LIMIT_EXCEEDED
   */
  makeRoom(draft: Draft, isUninvited: boolean): Promise<void>;
}

/** Types that clients of 2020 don't send. */
const TYPES_OF_2024: ReadonlySet<number> = new Set([
  MESSAGE_TYPE.emojiReaction,
  MESSAGE_TYPE.editMessage,
  MESSAGE_TYPE.deleteMessage,
  MESSAGE_TYPE.acceptContactRequest,
  MESSAGE_TYPE.retractContactRequest,
]);

/** What a message comes to besides its contents. */
interface Outcome {
  /** What it reports about messages of ours. */
  readonly receipts: StatusReceipt[];
  /** Whether it need not come again. */
  isFinal: boolean;
}

/** A message that is being processed. */
interface Opened extends AuthoredMessage {
  readonly outcome: Outcome;
  readonly message: ReceivedMessage;
  /** Hex. */
  readonly sender: string;
  readonly own: boolean;
  readonly profile: StatusProfile;
}

/** Processes received payloads: each changes a draft, which is stored with the message. */
export class StatusReceiver {
  readonly #context: StatusContext;
  readonly #delivery: Delivery;
  readonly #groups: GroupStates;
  readonly #held: HeldMessages;
  readonly #after: AfterReceiving;

  constructor(
    context: StatusContext,
    delivery: Delivery,
    groups: GroupStates,
    held: HeldMessages,
    after: AfterReceiving,
  ) {
    this.#context = context;
    this.#held = held;
    this.#delivery = delivery;
    this.#groups = groups;
    this.#after = after;
  }

  /**
   * Processes what came in one payload. Repeats, and what is refused, give no contents.
   * @returns contents, and what the sender reports about messages of ours
   * @throws STORE codes
   */
  async process(
    draft: Draft,
    message: ReceivedMessage,
    { messages, datasync }: StatusPayload,
  ): Promise<{ readonly contents: readonly StatusContent[]; readonly receipts: readonly StatusReceipt[] }> {
    const { sender, conversation } = message;
    const scope = conversation.kind === 'public' ? `p-${conversation.name}` : encodeHex(sender);
    const contents: StatusContent[] = [];
    const receipts: StatusReceipt[] = [];
    if (datasync !== undefined) receipts.push(...this.#delivery.acknowledged(draft, sender, datasync.acks));
    if (datasync !== undefined && datasync.groupOffers.length > 0) await this.#learn(draft, sender, '2024');
    for (const enclosed of messages) {
      const { bytes, messageId, datasyncId } = enclosed;
      const id = messageId.slice(2);
      let isFinal = true;
      if ((await draft.get<SeenRecord>(seenKey(scope, id))) === undefined) {
        const branch = draft.branch();
        try {
          if (message.request) await this.#countStranger(branch, sender);
          const outcome: Outcome = { receipts: [], isFinal: true };
          contents.push(...(await this.#open(branch, message, bytes, outcome)));
          receipts.push(...outcome.receipts);
          ({ isFinal } = outcome);
          if (isFinal) await this.#remember(branch, scope, id);
          draft.merge(branch);
        } catch (error) {
          if (!isSottoError(error) || error.code.startsWith('STORE_') || error.code.startsWith('STATE_'))
            throw error;
          // It may be for a group that we learn of later: without an acknowledgement it comes again.
          isFinal = error.code !== 'NOT_FOUND' && !isForNow(error);
          draft.onCommit(() => this.#context.events.emit('refused', { sender, error }));
          if (isFinal) await this.#remember(draft, scope, id);
          else if (datasyncId === undefined && conversation.kind === 'direct' && !message.request)
            this.#held.hold(draft, message, enclosed);
        }
      }
      const held = heldKey(scope, id);
      if (isFinal && this.#held.has(held)) this.#held.drop(draft, held);
      if (datasyncId !== undefined && isFinal) this.#delivery.acknowledge(draft, sender, datasyncId);
    }
    return { contents, receipts };
  }

  /** A payload can hold many messages, and the messenger counts payloads. @throws LIMIT_EXCEEDED */
  async #countStranger(draft: Draft, sender: PublicKey): Promise<void> {
    const name = encodeHex(sender);
    const before = await getPeer(draft, name);
    const strangeMessages = (before.strangeMessages ?? 0) + 1;
    await refusingForNow(() =>
      checkLimit('messages of a stranger', strangeMessages, this.#context.limits.maxStrangerMessages),
    );
    this.#putPeer(draft, name, { ...before, strangeMessages });
  }

  async #open(
    draft: Draft,
    message: ReceivedMessage,
    bytes: Uint8Array,
    outcome: Outcome,
  ): Promise<readonly StatusContent[]> {
    const { crypto, decodeLimits: limits, identity } = this.#context;
    const sender = encodeHex(message.sender);
    const profile = profileOf(this.#context, await getPeer(draft, sender));
    const authored = openMessage(crypto, bytes, message.sender, { profile, limits });
    const own = crypto.equalBytes(message.sender, identity.publicKey);
    const opened: Opened = { ...authored, message, sender, own, profile, outcome };
    const isBare = message.conversation.kind === 'public' && message.senderInstallation === '';
    if (!own && isBare) await this.#learn(draft, message.sender, '2020');
    if (!own && TYPES_OF_2024.has(opened.type)) await this.#learn(draft, message.sender, '2024');
    const { payload } = opened;
    switch (opened.type) {
      case MESSAGE_TYPE.chatMessage:
        return this.#chatMessage(draft, opened, decodeChatMessage(payload, { limits }));
      case MESSAGE_TYPE.editMessage: {
        const edit = decodeEditMessage(payload, { limits });
        checkEditMessage(edit, this.#sent(opened));
        const base = await this.#place(draft, opened, edit);
        return [{ what: 'edit', ...base, target: edit.messageId, text: edit.text }];
      }
      case MESSAGE_TYPE.deleteMessage: {
        const deletion = decodeDeleteMessage(payload, { limits });
        checkDeleteMessage(deletion);
        const base = await this.#place(draft, opened, deletion);
        return [{ what: 'delete', ...base, target: deletion.messageId }];
      }
      case MESSAGE_TYPE.emojiReaction:
        return this.#reaction(draft, opened, decodeEmojiReaction(payload, { limits }));
      case MESSAGE_TYPE.membershipUpdate:
        return this.#membershipUpdate(draft, opened);
      case MESSAGE_TYPE.contactUpdate:
        return this.#contactUpdate(draft, opened);
      case MESSAGE_TYPE.acceptContactRequest:
      case MESSAGE_TYPE.retractContactRequest:
        return this.#contactAnswer(draft, opened);
      case MESSAGE_TYPE.pairInstallation:
        return this.#pairing(opened);
      case READ_RECEIPT_TYPE:
        return this.#readReceipt(opened);
      default: {
        const { author, messageId, type } = opened;
        return [
          { what: 'unknown', conversation: message.conversation, author, own, messageId, type, payload },
        ];
      }
    }
  }

  async #chatMessage(draft: Draft, opened: Opened, chat: ChatMessage): Promise<readonly StatusContent[]> {
    checkChatMessage(chat, this.#sent(opened));
    const base = await this.#place(draft, opened, chat);
    const contents: StatusContent[] = [];
    const body = bodyOf(chat);
    if (base.conversation.kind === 'direct') {
      const news = await this.#noteChat(draft, opened, chat, base.conversation.peer, body);
      if (news !== undefined) contents.push(news);
    } else if (body.kind === 'contact-request') {
      throw malformed('chat message', 'a contact request outside of a 1:1 conversation');
    }
    if (!opened.own && isOf2024(chat)) await this.#learn(draft, opened.message.sender, '2024');
    contents.push({
      what: 'message',
      ...base,
      body,
      timestamp: Number(chat.timestamp),
      replyTo: chat.responseTo,
      displayName: chat.displayName,
    });
    return contents;
  }

  /** What a 1:1 message tells besides its text. */
  async #noteChat(
    draft: Draft,
    { own, messageId, message }: Opened,
    chat: ChatMessage,
    peer: PublicKey,
    body: StatusBody,
  ): Promise<StatusContent | undefined> {
    const name = encodeHex(peer);
    const before = await getPeer(draft, name);
    const asks = body.kind === 'contact-request';
    const clock = this.#capped(chat.clock);
    if (own) {
      if (!asks) return undefined;
      // Asked from another device of ours.
      const local = this.#newer(before.local, SIDE.sent, chat.clock);
      this.#putPeer(draft, name, { ...before, local, ourRequest: messageId });
      return this.#contactNews(peer, before, { ...before, local });
    }
    let after: PeerRecord = { ...before, displayName: chat.displayName || before.displayName };
    if (chat.contactRequestState !== undefined)
      after = { ...after, remote: this.#remoteOf(after.remote, chat.contactRequestState) };
    if (asks) {
      const remote = { state: SIDE.received, clock };
      const asksAgain = await this.#isFormerContact(before, message.sender);
      after = { ...after, remote, theirRequest: messageId, answered: false, asksAgain };
      if (!message.request && !asksAgain) draft.onCommit(() => this.#after.answer(name));
    }
    if (JSON.stringify(after) !== JSON.stringify(before)) this.#putPeer(draft, name, after);
    return this.#contactNews(peer, before, after);
  }

  async #contactUpdate(draft: Draft, opened: Opened): Promise<readonly StatusContent[]> {
    const { message, own, sender } = opened;
    this.#checkPrivate(opened);
    const { crypto, decodeLimits: limits } = this.#context;
    const update = decodeContactUpdate(opened.payload, { limits });
    checkContactUpdate(update);
    checkDisplayName('contact update', update.displayName, PROFILE_2024);
    const before = await getPeer(draft, sender);
    if (own || update.clock < BigInt(before.remote.clock)) return [];
    const state = update.contactRequestState;
    const asks =
      state === undefined
        ? true
        : state.localState === SIDE.sent || state.localState === CONTACT_STATE.mutual;
    const remote =
      state === undefined
        ? { state: SIDE.received, clock: this.#capped(update.clock) }
        : this.#remoteOf(before.remote, state);
    const isNew = asks && before.remote.state !== SIDE.received;
    const asksAgain = isNew ? await this.#isFormerContact(before, message.sender) : before.asksAgain;
    const after: PeerRecord = {
      ...before,
      asksAgain,
      remote,
      displayName: update.displayName || before.displayName,
      ...(isNew && {
        theirRequest: defaultContactRequestId(crypto, message.sender),
        answered: before.local.state === SIDE.sent,
      }),
    };
    this.#putPeer(draft, sender, after);
    if (isNew && !after.answered && !message.request && !asksAgain)
      draft.onCommit(() => this.#after.answer(sender));
    if (state !== undefined || update.displayName !== '') await this.#learn(draft, message.sender, '2024');
    const news = this.#contactNews(message.sender, before, after);
    return news === undefined ? [] : [news];
  }

  async #contactAnswer(draft: Draft, opened: Opened): Promise<readonly StatusContent[]> {
    const { message, own, sender } = opened;
    this.#checkPrivate(opened);
    const { crypto, decodeLimits: limits, identity } = this.#context;
    const { id, clock } = decodeContactRequestAnswer(opened.payload, { limits });
    if (own) return [];
    const before = await getPeer(draft, sender);
    const accepts = opened.type === MESSAGE_TYPE.acceptContactRequest;
    const isOurs = id === before.ourRequest || id === defaultContactRequestId(crypto, identity.publicKey);
    if (accepts && (!isOurs || before.local.state !== SIDE.sent)) {
      throw malformed('contact request', 'the accepted request is not ours');
    }
    if (clock < BigInt(before.remote.clock)) return [];
    const remote = { state: accepts ? SIDE.received : SIDE.none, clock: this.#capped(clock) };
    const after: PeerRecord = { ...before, remote };
    this.#putPeer(draft, sender, after);
    const news = this.#contactNews(message.sender, before, after);
    return news === undefined ? [] : [news];
  }

  #readReceipt(opened: Opened): readonly StatusContent[] {
    this.#checkPrivate(opened);
    const { crypto, decodeLimits, identity, limits } = this.#context;
    const { message, own, payload } = opened;
    const { receipts } = opened.outcome;
    const read = decodeDatasyncPayload(payload, { limits: decodeLimits })?.groupOffers ?? [];
    if (own) return [];
    const direct = directGroupId(crypto, identity.publicKey, message.sender);
    for (const { groupId, messageIds } of read) {
      const conversation: Conversation = crypto.equalBytes(groupId, direct)
        ? { kind: 'direct', peer: message.sender }
        : { kind: 'group', groupId: encodeHex(groupId) };
      for (const id of messageIds) {
        if (receipts.length >= limits.maxReadAtOnce) return [];
        const messageId = `0x${encodeHex(id)}`;
        receipts.push({ what: 'read', messageId, recipient: message.sender, conversation });
      }
    }
    return [];
  }

  async #pairing(opened: Opened): Promise<readonly StatusContent[]> {
    const { messenger, decodeLimits: limits } = this.#context;
    const pairing = decodePairInstallation(opened.payload, { limits });
    checkPairInstallation(pairing, this.#sent(opened));
    if (!opened.own) throw notPermitted('pair a device with another identity');
    const { installationId, name, deviceType } = pairing;
    if (!(await messenger.devices.list()).some((device) => device.installationId === installationId)) {
      throw new SottoError('NOT_FOUND', 'The device that asks to be paired is in no bundle.', {
        what: 'device',
        id: '',
      });
    }
    return [{ what: 'pairing', installationId, name, deviceType }];
  }

  async #membershipUpdate(draft: Draft, opened: Opened): Promise<readonly StatusContent[]> {
    this.#checkPrivate(opened);
    const { crypto, decodeLimits: limits } = this.#context;
    const { message, own } = opened;
    const update = decodeMembershipUpdate(opened.payload, { limits });
    const by = formatIdentity(crypto, message.sender);
    const contents: StatusContent[] = [];
    const groupId = statusGroupId(crypto, update.chatId);
    const hasMessage = update.message !== undefined || update.emojiReaction !== undefined;
    if (update.events.length > 0) {
      const { before, record, refused, isPartial } = await refusingForNow(() =>
        this.#groups.receive(draft, update.chatId, update.events, by),
      );
      // Events that don't count keep no text from the user; without one, it is not acknowledged, so that they come again.
      if (record === undefined && refused !== undefined && !hasMessage) throw forNow(refused);
      if (isPartial && !hasMessage) opened.outcome.isFinal = false;
      if (record !== undefined) {
        const group = this.#groups.describe(record);
        const isAccepted = record.from === by ? !message.request : await this.#isAccepted(group.addedBy);
        if (before === undefined) {
          const isUninvited = group.state !== 'joined' && !isAccepted;
          await refusingForNow(() => this.#after.makeRoom(draft, isUninvited));
        }
        contents.push({ what: 'group', by: message.sender, group });
        // Joining writes to all members: only whoever added us can bring it about, and only if the user accepted them.
        if (group.state === 'invited' && record.from === by && !message.request && !own)
          draft.onCommit(() => this.#after.join(groupId));
      }
    }
    const { message: chat, emojiReaction } = update;
    for (const part of [chat, emojiReaction]) {
      if (part !== undefined && (part.chatId !== update.chatId || part.messageType !== CHAT_TYPE.group))
        throw malformed('membership update', 'a message to another conversation');
    }
    if (chat !== undefined) contents.push(...(await this.#chatMessage(draft, opened, chat)));
    if (emojiReaction !== undefined) contents.push(...(await this.#reaction(draft, opened, emojiReaction)));
    return contents;
  }

  async #reaction(draft: Draft, opened: Opened, reaction: EmojiReaction): Promise<readonly StatusContent[]> {
    const { profile } = opened;
    const now = nowOf(this.#context);
    if (profile.maxClockAheadMs !== undefined && isAhead(reaction.clock, now))
      throw aheadError(reaction.clock, now);
    checkEmojiReaction(reaction, { profile, nowMs: now });
    const base = await this.#place(draft, opened, reaction);
    return [
      {
        what: 'reaction',
        ...base,
        target: reaction.messageId,
        reaction: reaction.type,
        retracted: reaction.retracted,
        reactionId: reactionId(this.#context.crypto, opened.author, reaction),
      },
    ];
  }

  /** The conversation of a message; raises its clock. */
  async #place(
    draft: Draft,
    opened: Opened,
    named: { readonly chatId: string; readonly messageType: number; readonly clock: bigint },
  ): Promise<{
    readonly conversation: Conversation;
    readonly author: PublicKey;
    readonly own: boolean;
    readonly messageId: string;
    readonly clock: bigint;
  }> {
    const { crypto, identity, messenger } = this.#context;
    const { author, own, messageId, message, profile } = opened;
    const { clock } = named;
    const common = { author, own, messageId, clock };
    const from = message.conversation;
    if (from.kind === 'group') {
      if (named.messageType !== CHAT_TYPE.group || named.chatId !== from.groupId)
        throw malformed('message', 'it names another conversation');
      await this.#raiseChat(draft, `g-${from.groupId}`, clock);
      return { ...common, conversation: from };
    }
    if ((from.kind === 'public') !== (named.messageType === CHAT_TYPE.public))
      throw malformed('message', 'it names another kind of conversation');
    const groupId = statusGroupId(crypto, named.chatId);
    const record = named.messageType === CHAT_TYPE.group ? await this.#groups.get(draft, groupId) : undefined;
    const conversation = await refusingForNow(() =>
      conversationOf(crypto, named, {
        profile,
        me: identity.publicKey,
        author,
        isJoinedPublicChat: (name) => from.kind === 'public' && from.name === name,
        group: () => record && { members: new Set(record.members), joined: new Set(record.joined) },
      }),
    );
    switch (conversation.kind) {
      case 'public':
        await this.#raiseChat(draft, `p-${conversation.name}`, clock);
        return { ...common, conversation };
      case 'group': {
        const { clock: last } = record as GroupRecord;
        draft.put(groupKey(groupId), { ...record, clock: this.#raised(last, clock) });
        return { ...common, conversation: { kind: 'group', groupId } };
      }
      case 'direct': {
        const name = encodeHex(conversation.peer);
        const before = await getPeer(draft, name);
        this.#putPeer(draft, name, { ...before, clock: this.#raised(before.clock, clock) });
        // The user has written to them from another device.
        if (own) await messenger.requests.accept(conversation.peer);
        return { ...common, conversation };
      }
    }
  }

  /** Whether the user has ended the contact with someone: accepting them once doesn't answer what they ask later. */
  async #isFormerContact(record: PeerRecord, identity: PublicKey): Promise<boolean> {
    const { crypto, messenger } = this.#context;
    if (record.local.state === SIDE.sent) return false;
    if (record.ended !== undefined || !record.wasContact) return record.ended !== undefined;
    const contacts = await messenger.contacts.list();
    return !contacts.some((contact) => crypto.equalBytes(contact.identity, identity));
  }

  async #isAccepted(identity: PublicKey): Promise<boolean> {
    return this.#context.messenger.requests.isAccepted(identity);
  }

  /** A message that makes no sense where anyone can read it, or in a group of the messenger. */
  #checkPrivate({ message }: Opened): void {
    if (message.conversation.kind !== 'direct')
      throw malformed('message', 'of a kind that only two people exchange');
  }

  async #raiseChat(draft: Draft, name: string, clock: bigint): Promise<void> {
    const before = (await draft.get<ChatRecord>(chatKey(name))) ?? NEW_CHAT;
    draft.put(chatKey(name), { ...before, clock: this.#raised(before.clock, clock) });
  }

  #raised(last: string, clock: bigint): string {
    return String(raisedClock(BigInt(last), clock, nowOf(this.#context)));
  }

  #capped(clock: bigint): string {
    return this.#raised('0', clock);
  }

  /** Their side as they state it themselves; an older statement changes nothing. */
  #remoteOf(before: ContactSide, { localClock, localState }: ContactRequestState): ContactSide {
    const asks = localState === SIDE.sent || localState === CONTACT_STATE.mutual;
    return this.#newer(before, asks ? SIDE.received : SIDE.none, localClock);
  }

  #newer(before: ContactSide, state: number, clock: bigint): ContactSide {
    return clock > BigInt(before.clock) ? { state, clock: this.#capped(clock) } : before;
  }

  #sent({ message, profile }: Opened): MessageContext {
    return { profile, nowMs: BigInt(Math.max(0, Math.trunc(message.sentAt))) };
  }

  /** Remembers a message, and forgets the oldest beyond the limit. */
  async #remember(draft: Draft, scope: string, id: string): Promise<void> {
    const isPublic = scope.startsWith('p-');
    const record = isPublic
      ? ((await draft.get<ChatRecord>(chatKey(scope))) ?? NEW_CHAT)
      : await getPeer(draft, scope);
    const slot = record.seen % this.#context.limits.maxSeen;
    const old = await draft.get<RingRecord>(ringKey(scope, slot));
    if (old !== undefined) draft.delete(seenKey(scope, old.id));
    draft.put<RingRecord>(ringKey(scope, slot), { id });
    draft.put<SeenRecord>(seenKey(scope, id), { slot });
    if (isPublic) draft.put(chatKey(scope), { ...record, seen: record.seen + 1 });
    else this.#putPeer(draft, scope, { ...(record as PeerRecord), seen: record.seen + 1 });
  }

  async #learn(draft: Draft, identity: PublicKey, generation: StatusProfile['name']): Promise<void> {
    const name = encodeHex(identity);
    const before = await getPeer(draft, name);
    if (before.generation !== generation) this.#putPeer(draft, name, { ...before, generation });
  }

  #putPeer(draft: Draft, name: string, record: PeerRecord): void {
    draft.put<PeerRecord>(peerKey(name), { ...record, touchedAt: Math.trunc(this.#context.clock.now()) });
  }

  #contactNews(identity: PublicKey, before: PeerRecord, after: PeerRecord): StatusContent | undefined {
    const contact = contactOf(after);
    const old = contactOf(before);
    if (old.state === contact.state && old.displayName === contact.displayName) return undefined;
    return { what: 'contact', identity, contact };
  }
}

/** The contact request between us and a person, in a word. */
export function contactOf({ local, remote, displayName }: PeerRecord): StatusContact {
  const asked = local.state === SIDE.sent;
  const wasAsked = remote.state === SIDE.received;
  const state = asked ? (wasAsked ? 'mutual' : 'sent') : wasAsked ? 'received' : 'none';
  return { state, displayName };
}

function isOf2024({
  contentType,
  content,
  contactRequestState,
  customizationColor,
  displayName,
}: ChatMessage): boolean {
  return (
    displayName !== '' ||
    contactRequestState !== undefined ||
    customizationColor !== 0 ||
    contentType === CONTENT_TYPE.contactRequest ||
    content?.kind === 'image'
  );
}

function bodyOf({ contentType, text, content }: ChatMessage): StatusBody {
  switch (contentType) {
    case CONTENT_TYPE.text:
      return { kind: 'text', text };
    case CONTENT_TYPE.emoji:
      return { kind: 'emoji', text };
    case CONTENT_TYPE.contactRequest:
      return { kind: 'contact-request', text };
    case CONTENT_TYPE.sticker:
      if (content?.kind === 'sticker') return { kind: 'sticker', text, sticker: content };
      break;
    case CONTENT_TYPE.image:
      if (content?.kind === 'image') return { kind: 'image', text, image: content };
      break;
  }
  return { kind: 'other', text, contentType };
}
