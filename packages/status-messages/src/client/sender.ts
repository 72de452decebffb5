import {
  copyBytes,
  decodeBase64,
  decodeHex,
  encodeHex,
  encodeUtf8,
  type PublicKey,
  SottoError,
  type Write,
} from '@sotto/core';
import type { Conversation, DeviceOutcome, MemberOutcome, TakenMessage } from '@sotto/messenger';
import { checkLimit } from '@sotto/protocol-codec/internal';
import {
  type ChatMessage,
  CONTACT_STATE,
  CONTENT_TYPE,
  encodeChatMessage,
  type StatusImage,
} from '../chat-message.js';
import { CHAT_TYPE } from '../checks.js';
import { nextClock } from '../clock.js';
import { encodePairInstallation } from '../contacts.js';
import { directGroupId, EMPTY_DATASYNC_PAYLOAD, encodeDatasyncPayload } from '../datasync.js';
import { formatIdentity } from '../identity-text.js';
import { encodeMembershipUpdate } from '../membership.js';
import { encodeDeleteMessage, encodeEditMessage, encodeEmojiReaction } from '../message-changes.js';
import { MESSAGE_TYPE, READ_RECEIPT_TYPE, signMessage } from '../metadata.js';
import { getPeer, nowOf, type StatusContext } from './context.js';
import type { Delivery, NewOutgoing } from './delivery.js';
import { type GroupStates, notPermitted, othersIn } from './groups.js';
import type { Peers } from './peers.js';
import {
  type ChatRecord,
  chatKey,
  Draft,
  type GroupRecord,
  groupKey,
  NEW_CHAT,
  type PeerRecord,
  peerKey,
} from './records.js';

/** Most code points of a text: what clients of 2024 accept. */
const TEXT_MAX_CODE_POINTS = 4096;

/** What is sent. `target` is the id of a message, `0x` and 64 hex digits, of the same conversation. */
export type StatusOutgoing =
  | {
      readonly kind: 'text';
      /** At most 4096 code points, and more than white space. */
      readonly text: string;
      /** Id of the message that it replies to. */
      readonly replyTo?: string | undefined;
    }
  /** A picture inside the message. Clients of 2020 show its text alone. */
  | {
      readonly kind: 'image';
      readonly text?: string | undefined;
      readonly image: Pick<StatusImage, 'payload' | 'format'> & Partial<StatusImage>;
      readonly replyTo?: string | undefined;
    }
  /** Asks a person to become contacts. */
  | { readonly kind: 'contact-request'; readonly text: string }
  /** Replaces the text of a message of ours. Clients of 2020 don't know this. */
  | { readonly kind: 'edit'; readonly target: string; readonly text: string }
  /** Deletes a message of ours for everyone. Clients of 2020 don't know this. */
  | { readonly kind: 'delete'; readonly target: string }
  /** 1 love, 2 thumbs up, 3 thumbs down, 4 laugh, 5 sad, 6 angry. Clients of 2020 don't know this. */
  | {
      readonly kind: 'reaction';
      readonly target: string;
      readonly reaction: number;
      readonly retracted?: boolean | undefined;
    };

/** A message about to be stored. */
export interface StatusTaken {
  /** Id of the message in `sent` and `sendFailed` of the messenger; for a Status group, {@link messageId} without `0x`. */
  readonly id: string;
  /** `0x` and 64 hex digits: names it in edits, replies, reactions, and in `delivered`. */
  readonly messageId: string;
  /** Its clock. */
  readonly clock: bigint;
  /** Where it goes. */
  readonly conversation: Conversation;
  /** Per device of the recipient of a 1:1 message; otherwise empty. */
  readonly devices: readonly DeviceOutcome[];
  /** Whether a 1:1 message is sealed: only its session tells who sent it. Otherwise false. */
  readonly sealedSender: boolean;
  /**
   * Who acknowledges it, 33 bytes each: the recipient, or each member of a Status group. Nobody does in public chats, groups of the messenger,
   * and what we write to ourselves.
   */
  readonly recipients: readonly PublicKey[];
}

/** How a message is sent. */
export interface StatusSendOptions {
  /**
   * Called once, when id and clock of the message are known and before it is stored, so that the application can read what it needs for
   * `alongside`. It must not call the client. When it rejects, nothing is sent.
   */
  readonly prepare?: ((message: Pick<StatusTaken, 'messageId' | 'clock'>) => Promise<void>) | undefined;
  /**
   * Returns writes of the application to the messenger's store, for the commit that stores the message; keys begin with `app/`.
   * Called again when the commit has to be repeated.
   */
  readonly alongside?: ((taken: StatusTaken) => readonly Write[]) | undefined;
  /** As of the messenger. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/** A message that was stored to be sent. */
export interface StatusSent extends StatusTaken {
  /** Per member of a group, otherwise empty. In a Status group, a copy that failed may be tried again; whoever is blocked gets none. */
  readonly members: readonly MemberOutcome[];
}

/** Where a message goes, as messages name it. */
type Place = { readonly chatId: string; readonly messageType: number } & (
  | { readonly kind: 'direct'; readonly peer: PublicKey; readonly name: string; readonly record: PeerRecord }
  | { readonly kind: 'chat'; readonly name: string; readonly record: ChatRecord }
  | { readonly kind: 'status-group'; readonly groupId: string; readonly record: GroupRecord }
);

/** Signs messages and gives them to the messenger. Callers run its methods in turn. */
export class StatusSender {
  readonly #context: StatusContext;
  readonly #delivery: Delivery;
  readonly #peers: Peers;
  readonly #groups: GroupStates;
  readonly #me: string;

  constructor(context: StatusContext, delivery: Delivery, peers: Peers, groups: GroupStates) {
    this.#context = context;
    this.#delivery = delivery;
    this.#peers = peers;
    this.#groups = groups;
    this.#me = formatIdentity(context.crypto, context.identity.publicKey);
  }

  async send(to: Conversation, content: StatusOutgoing, options: StatusSendOptions): Promise<StatusSent> {
    checkContent(content);
    const draft = Draft.of(this.#context.store);
    const place = await this.#place(draft, to);
    const clock = nextClock(BigInt(place.record.clock), nowOf(this.#context));
    this.#putClock(draft, place, clock);
    const { type, payload } = this.#encode(place, clock, content);
    if (content.kind === 'contact-request' && place.kind !== 'direct')
      throw notPermitted('send a contact request to a group or chat');
    const signed = signMessage(this.#context.crypto, this.#context.identity, { type, payload });
    await options.prepare?.({ messageId: signed.messageId, clock });
    if (place.kind === 'direct') {
      if (content.kind === 'contact-request') {
        const local = { state: CONTACT_STATE.sent, clock: String(clock) };
        const record = await getPeer(draft, place.name);
        draft.put(peerKey(place.name), { ...record, local, ourRequest: signed.messageId, ended: undefined });
      }
      return this.sendTo(draft, place.peer, signed, { clock, conversation: to, ...options });
    }
    if (place.kind === 'status-group') {
      return this.sendToAll(draft, place.record.members, signed, { clock, conversation: to, ...options });
    }
    const taken = (message: Pick<TakenMessage, 'id' | 'devices' | 'sealedSender'>): StatusTaken => ({
      id: message.id,
      messageId: signed.messageId,
      clock,
      conversation: to,
      devices: message.devices,
      sealedSender: message.sealedSender,
      recipients: [],
    });
    const result = await this.#context.messenger.send(to, signed.bytes, {
      alongside: (message) => [...draft.writes, ...(options.alongside?.(taken(message)) ?? [])],
      onProgress: options.onProgress,
    });
    draft.committed();
    const members = result.kind === 'group' ? result.members : [];
    return { ...taken({ id: result.id, devices: [], sealedSender: false }), members };
  }

  /** Tells an author that the user has seen messages of theirs: once, without data synchronisation. */
  async sendRead(
    author: PublicKey,
    conversation: Exclude<Conversation, { readonly kind: 'public' }>,
    messageIds: readonly string[],
    alongside: readonly Write[],
  ): Promise<void> {
    const { crypto, identity, limits, messenger } = this.#context;
    messageIds.forEach(checkId);
    const groupId =
      conversation.kind === 'direct'
        ? directGroupId(crypto, identity.publicKey, author)
        : decodeHex(conversation.groupId);
    const ids = messageIds.slice(-limits.maxReadAtOnce).map((id) => decodeHex(id.slice(2)));
    const groupOffers = [{ groupId, messageIds: ids }];
    const payload = encodeDatasyncPayload({ ...EMPTY_DATASYNC_PAYLOAD, groupOffers });
    const { bytes } = this.sign(READ_RECEIPT_TYPE, payload);
    const { id } = await messenger.send(author, bytes, { ownCopy: false, alongside: () => alongside });
    this.#delivery.noteUnasked(id);
  }

  /**
   * Sends a signed message to a person, to be repeated until it is acknowledged, and stores a draft with it.
   * @param options.forOwnDevices whether our other devices get it too. Default true
   * @param options.unasked whether the client sends it of its own accord
   */
  async sendTo(
    draft: Draft,
    peer: PublicKey,
    signed: { readonly bytes: Uint8Array; readonly messageId: string },
    options: StatusSendOptions & {
      readonly clock: bigint;
      readonly conversation: Conversation;
      readonly forOwnDevices?: boolean | undefined;
      readonly unasked?: true | undefined;
    },
  ): Promise<StatusSent> {
    const { crypto, identity, messenger } = this.#context;
    const { clock, conversation, alongside, onProgress, forOwnDevices = true, unasked } = options;
    const { messageId, bytes } = signed;
    const isOwn = crypto.equalBytes(peer, identity.publicKey);
    const wrapped = this.#delivery.wrap(peer, bytes);
    const payload = isOwn
      ? bytes
      : encodeDatasyncPayload({ ...EMPTY_DATASYNC_PAYLOAD, messages: [wrapped.message] });
    const record = await getPeer(draft, encodeHex(peer));
    let taken: StatusTaken | undefined;
    let stored = draft;
    await messenger.send({ kind: 'direct', peer }, payload, {
      ownCopy: forOwnDevices ? bytes : false,
      onProgress,
      alongside: (message) => {
        stored = draft.branch();
        if (!isOwn)
          this.#delivery.add(stored, [{ peer, record, messageId, wrapped, taken: message, unasked }]);
        const recipients = isOwn ? [] : [peer];
        const { id, devices, sealedSender } = message;
        taken = { id, messageId, clock, conversation, devices, sealedSender, recipients };
        return [...draft.writes, ...stored.writes, ...(alongside?.(taken) ?? [])];
      },
    });
    stored.committed();
    draft.committed();
    this.#peers.noteChanges(draft.writes);
    return { ...(taken as unknown as StatusTaken), members: [] };
  }

  /**
   * Stores a signed message for each of some people, with a draft, and sends it to each as to a person.
   * @param keys `0x04…`; our own is left out
   */
  async sendToAll(
    draft: Draft,
    keys: Iterable<string>,
    signed: { readonly bytes: Uint8Array; readonly messageId: string },
    {
      clock,
      conversation,
      alongside,
      onProgress,
      unasked,
    }: StatusSendOptions & {
      readonly clock: bigint;
      readonly conversation: Conversation;
      readonly unasked?: true | undefined;
    },
  ): Promise<StatusSent> {
    const { crypto, identity, messenger, store } = this.#context;
    const { messageId, bytes } = signed;
    const recipients = othersIn(crypto, keys, this.#me);
    const me = identity.publicKey;
    const hasOwn = (await messenger.devices.list()).some(({ enabled }) => enabled);
    const people = hasOwn ? [...recipients, me] : recipients;
    checkLimit('recipients', people.length, this.#context.limits.maxOutgoing);
    const groupId = conversation.kind === 'group' ? conversation.groupId : undefined;
    const added: NewOutgoing[] = [];
    for (const peer of people) {
      const record = await getPeer(draft, encodeHex(peer));
      const wrapped = this.#delivery.wrap(peer, bytes);
      const once = peer === me ? true : undefined;
      added.push({ peer, record, messageId, wrapped, groupId, once, unasked });
    }
    this.#delivery.add(draft, added);
    const id = messageId.slice(2);
    const common = { id, messageId, clock, conversation };
    const taken: StatusTaken = { ...common, devices: [], sealedSender: false, recipients };
    await store.commit([...draft.writes, ...(alongside?.(taken) ?? [])]);
    draft.committed();
    this.#peers.noteChanges(draft.writes);
    const sent = await this.#delivery.sendDue();
    onProgress?.(recipients.length, recipients.length);
    const ours = sent.filter((copy) => copy.messageId === messageId);
    return { ...taken, members: ours.map(({ member, result }) => ({ member, result })) };
  }

  /** Notes what was stored of people by others. */
  noteChanges(draft: Draft): void {
    this.#peers.noteChanges(draft.writes);
  }

  /** Signs a message of some type. */
  sign(type: number, payload: Uint8Array): { readonly bytes: Uint8Array; readonly messageId: string } {
    return signMessage(this.#context.crypto, this.#context.identity, { type, payload });
  }

  async announceDevice({
    name,
    deviceType,
  }: {
    readonly name: string;
    readonly deviceType: string;
  }): Promise<void> {
    const { messenger } = this.#context;
    const payload = encodePairInstallation({
      clock: nowOf(this.#context),
      installationId: messenger.installationId,
      deviceType,
      name,
      version: 1,
      targetInstallationId: '',
    });
    await messenger.devices.announce(this.sign(MESSAGE_TYPE.pairInstallation, payload).bytes);
  }

  async #place(draft: Draft, to: Conversation): Promise<Place> {
    const { crypto } = this.#context;
    switch (to.kind) {
      case 'direct': {
        const peer = crypto.secp256k1.parsePublicKey(to.peer);
        const name = encodeHex(peer);
        const record = await getPeer(draft, name);
        const chatId = formatIdentity(crypto, peer);
        return { kind: 'direct', chatId, messageType: CHAT_TYPE.direct, peer, name, record };
      }
      case 'public': {
        const name = `p-${to.name}`;
        const record = (await draft.get<ChatRecord>(chatKey(name))) ?? NEW_CHAT;
        return { kind: 'chat', chatId: to.name, messageType: CHAT_TYPE.public, name, record };
      }
      case 'group': {
        const { groupId } = to;
        const group = await this.#groups.get(draft, groupId);
        if (group !== undefined) {
          if (this.#groups.stateOf(group) !== 'joined')
            throw notPermitted('write to a group before joining it');
          const { chatId } = group;
          return { kind: 'status-group', chatId, messageType: CHAT_TYPE.group, groupId, record: group };
        }
        const name = `g-${groupId}`;
        const record = (await draft.get<ChatRecord>(chatKey(name))) ?? NEW_CHAT;
        return { kind: 'chat', chatId: groupId, messageType: CHAT_TYPE.group, name, record };
      }
    }
  }

  #putClock(draft: Draft, place: Place, clock: bigint): void {
    const record = { ...place.record, clock: String(clock) };
    if (place.kind === 'direct') {
      const touchedAt = Math.trunc(this.#context.clock.now());
      draft.put(peerKey(place.name), { ...record, touchedAt });
    } else if (place.kind === 'chat') draft.put(chatKey(place.name), record);
    else draft.put(groupKey(place.groupId), record);
  }

  #encode(place: Place, clock: bigint, content: StatusOutgoing): { type: number; payload: Uint8Array } {
    const { chatId, messageType } = place;
    const about = { clock, chatId, messageType };
    switch (content.kind) {
      case 'edit': {
        const { target, text } = content;
        const contentType = CONTENT_TYPE.text;
        const payload = encodeEditMessage({ ...about, messageId: target, text, contentType });
        return { type: MESSAGE_TYPE.editMessage, payload };
      }
      case 'delete':
        return {
          type: MESSAGE_TYPE.deleteMessage,
          payload: encodeDeleteMessage({ ...about, messageId: content.target, deletedBy: '' }),
        };
      case 'reaction': {
        const { target, reaction: type, retracted = false } = content;
        const payload = encodeEmojiReaction({ ...about, messageId: target, type, retracted });
        return { type: MESSAGE_TYPE.emojiReaction, payload };
      }
      default: {
        const message = this.#chatMessage(place, clock, content);
        if (place.kind !== 'status-group')
          return { type: MESSAGE_TYPE.chatMessage, payload: encodeChatMessage(message) };
        const events = place.record.events.map(decodeBase64);
        const payload = encodeMembershipUpdate({ chatId, events, message, emojiReaction: undefined });
        return { type: MESSAGE_TYPE.membershipUpdate, payload };
      }
    }
  }

  #chatMessage(
    place: Place,
    clock: bigint,
    content: Extract<StatusOutgoing, { kind: 'text' | 'image' | 'contact-request' }>,
  ): ChatMessage {
    const base = {
      clock,
      timestamp: nowOf(this.#context),
      text: content.text ?? '',
      responseTo: content.kind === 'contact-request' ? '' : (content.replyTo ?? ''),
      ensName: '',
      chatId: place.chatId,
      messageType: place.messageType,
      displayName: this.#context.displayName,
      contactRequestState: undefined,
      customizationColor: 0,
      content: undefined,
    };
    if (content.kind === 'image') {
      const image = {
        kind: 'image',
        albumId: '',
        width: 0,
        height: 0,
        albumImagesCount: 0,
        ...content.image,
        payload: copyBytes(content.image.payload, 'picture'),
      } as const;
      return { ...base, contentType: CONTENT_TYPE.image, content: image };
    }
    const asks = content.kind === 'contact-request';
    const contentType = asks ? CONTENT_TYPE.contactRequest : CONTENT_TYPE.text;
    if (place.kind !== 'direct') return { ...base, contentType };
    const { local, remote } = place.record;
    const state = {
      localClock: asks ? clock : BigInt(local.clock),
      localState: asks ? CONTACT_STATE.sent : local.state,
      remoteClock: BigInt(remote.clock),
      remoteState: remote.state,
    };
    const isNone = state.localState === 0 && state.remoteState === 0;
    return { ...base, contentType, contactRequestState: isNone ? undefined : state };
  }
}

/** @throws INVALID_TEXT, LIMIT_EXCEEDED, INVALID_ARGUMENT */
function checkContent(content: StatusOutgoing): void {
  if ('target' in content) checkId(content.target);
  if ('replyTo' in content && content.replyTo !== undefined) checkId(content.replyTo);
  if (!('text' in content) || (content.kind === 'image' && content.text === undefined)) return;
  const text = content.text ?? '';
  encodeUtf8(text);
  if (text.trim() === '' && content.kind !== 'image') {
    throw new SottoError('INVALID_TEXT', 'A message needs a text.', {
      what: 'message text',
      reason: 'empty',
    });
  }
  checkLimit('text of a message, code points', [...text].length, TEXT_MAX_CODE_POINTS);
}

function checkId(id: string): void {
  if (/^0x[0-9a-f]{64}$/.test(id)) return;
  throw new SottoError('INVALID_TEXT', 'Not the id of a message: 0x and 64 hex digits.', {
    what: 'hex',
    reason: 'not the id of a message',
  });
}
