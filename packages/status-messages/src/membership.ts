import { type CryptoProvider, concatBytes, encodeUtf8, type KeyPair, SottoError } from '@sotto/core';
import { checkLimit, malformed } from '@sotto/protocol-codec/internal';
import { type ChatMessage, chatMessageFromWire, chatMessageToWire } from './chat-message.js';
import { checkClock, type MessageContext } from './checks.js';
import { decodeWire } from './decode.js';
import { checkStrings, checkUint32, checkUint64 } from './encode-checks.js';
import {
  MembershipEvent as WireEvent,
  MembershipUpdate as WireUpdate,
} from './generated/sotto/status_messages/v1/application.js';
import { formatIdentity, parseIdentity } from './identity-text.js';
import type { StatusDecodeOptions } from './limits.js';
import { DEFAULT_STATUS_LIMITS } from './limits.js';
import { type EmojiReaction, emojiReactionToWire } from './message-changes.js';
import { MEMBERSHIP_EVENT, MEMBERSHIP_UPDATE } from './wire-shapes.js';

/** Kinds of membership events. Colour and image are of 2024. */
export const MEMBERSHIP_EVENT_TYPE = Object.freeze({
  created: 1,
  nameChanged: 2,
  membersAdded: 3,
  memberJoined: 4,
  memberRemoved: 5,
  adminsAdded: 6,
  adminRemoved: 7,
  colorChanged: 8,
  imageChanged: 9,
});

/** A change of a group. */
export interface MembershipEvent {
  /** Orders messages, see {@link nextClock}. */
  readonly clock: bigint;
  /** `0x04…` of those whom the event is about. */
  readonly members: readonly string[];
  /** Empty unless the event sets it. */
  readonly name: string;
  /** See {@link MEMBERSHIP_EVENT_TYPE}. */
  readonly type: number;
  /** Empty unless the event sets it. 2024. */
  readonly color: string;
  /** Empty unless the event sets it. 2024. */
  readonly image: Uint8Array;
}

/** A membership event with the one who signed it. */
export interface SignedMembershipEvent extends MembershipEvent {
  /** `0x04…`. */
  readonly from: string;
  /** 65 bytes of signature, then the encoded event. */
  readonly raw: Uint8Array;
}

/** Events of a group, with or without a message to it. */
export interface MembershipUpdate {
  /** A UUID, `-` and `0x04…` of the creator. */
  readonly chatId: string;
  /** Each as {@link SignedMembershipEvent.raw}. */
  readonly events: readonly Uint8Array[];
  /** A text to the group. */
  readonly message: ChatMessage | undefined;
  /** 2024. */
  readonly emojiReaction: EmojiReaction | undefined;
}

/** What valid events come to. Keys are `0x04…`. */
export interface StatusGroup {
  /** The conversation, as in {@link ChatMessage.chatId}. */
  readonly chatId: string;
  /** As people named it. */
  readonly name: string;
  /** `#rrggbb`; empty for none. 2024. */
  readonly color: string;
  /** The encoded picture; empty for none. 2024. */
  readonly image: Uint8Array;
  /** Everyone in the group. */
  readonly members: ReadonlySet<string>;
  /** Members who have accepted. */
  readonly joined: ReadonlySet<string>;
  /** Those who may remove members and appoint admins. */
  readonly admins: ReadonlySet<string>;
  /** Sorted by clock. */
  readonly events: readonly SignedMembershipEvent[];
}

/**
 * The encoded membership update.
 * @throws INVALID_ARGUMENT
 */
export function encodeMembershipUpdate({
  chatId,
  events,
  message,
  emojiReaction,
}: MembershipUpdate): Uint8Array {
  return WireUpdate.encode({
    chatId,
    events: [...events],
    content: message
      ? { $case: 'message', value: chatMessageToWire(message) }
      : emojiReaction && { $case: 'emojiReaction', value: emojiReactionToWire(emojiReaction) },
  }).finish();
}

/**
 * Decodes a membership update without checking more than its structure.
 * @throws MALFORMED_MESSAGE, LIMIT_EXCEEDED
 */
export function decodeMembershipUpdate(bytes: Uint8Array, options?: StatusDecodeOptions): MembershipUpdate {
  const { chatId, events, content } = decodeWire(bytes, MEMBERSHIP_UPDATE, WireUpdate, options);
  return {
    chatId,
    events,
    message: content?.$case === 'message' ? chatMessageFromWire(content.value) : undefined,
    emojiReaction: content?.$case === 'emojiReaction' ? content.value : undefined,
  };
}

/**
 * Signs an event for a group.
 * @param author borrowed
 * @throws INVALID_ARGUMENT
 */
export function signMembershipEvent(
  crypto: CryptoProvider,
  author: KeyPair,
  chatId: string,
  { clock, members, name, type, color, image }: MembershipEvent,
): SignedMembershipEvent {
  const event = checkStrings({
    clock: checkUint64('clock', clock),
    members: [...members],
    name,
    color,
    image,
  });
  const encoded = WireEvent.encode({ ...event, type: checkUint32('event type', type) }).finish();
  const signature = crypto.secp256k1.signRecoverable(digestOf(crypto, chatId, encoded), author.privateKey);
  return {
    ...event,
    type,
    from: formatIdentity(crypto, author.publicKey),
    raw: concatBytes(signature, encoded),
  };
}

/**
 * Decodes an event and recovers who signed it for this group. An event that was altered, or signed for another group, is
 * recovered to a key that no one has.
 * @throws MALFORMED_MESSAGE, LIMIT_EXCEEDED, INVALID_SIGNATURE
 */
export function openMembershipEvent(
  crypto: CryptoProvider,
  chatId: string,
  raw: Uint8Array,
  options?: StatusDecodeOptions,
): SignedMembershipEvent {
  const event = decodeMembershipEvent(raw, options);
  const signer = crypto.secp256k1.recoverPublicKey(
    digestOf(crypto, chatId, raw.subarray(SIGNATURE_BYTES)),
    raw.subarray(0, SIGNATURE_BYTES),
  );
  return { ...event, from: formatIdentity(crypto, signer), raw };
}

const SIGNATURE_BYTES = 65;

/**
 * Decodes an event without looking at its signature.
 * @throws MALFORMED_MESSAGE, LIMIT_EXCEEDED
 */
export function decodeMembershipEvent(raw: Uint8Array, options?: StatusDecodeOptions): MembershipEvent {
  if (raw.length <= SIGNATURE_BYTES) throw malformed('membership event', 'no event after the signature');
  return decodeWire(raw.subarray(SIGNATURE_BYTES), MEMBERSHIP_EVENT, WireEvent, options);
}

/** Makes the id of a new group. @param uuid random, in the usual form with hyphens */
export function groupChatId(uuid: string, creator: string): string {
  return `${uuid}-${creator}`;
}

/**
 * Applies all events of a group, in the order of their clocks. One that isn't valid makes all of them invalid, as in deployed clients; but
 * of several new admins all must be members, while there one suffices.
 *
 * These rules don't hold against members as our own groups do: whoever can sign can date an event back, two who change a group at the same time
 * can end up with different ones, and a removed member can go on with the events from before.
 *
 * @param context with the generation's rules, and our own time
 * @throws MALFORMED_MESSAGE, LIMIT_EXCEEDED, INVALID_SIGNATURE; NOT_PERMITTED when the author of an event may not make it
 */
export function openGroup(
  crypto: CryptoProvider,
  chatId: string,
  rawEvents: readonly Uint8Array[],
  context: MessageContext,
  options?: StatusDecodeOptions,
): StatusGroup {
  const { maxEvents } = { ...DEFAULT_STATUS_LIMITS, ...options?.limits };
  checkLimit('membership events', rawEvents.length, maxEvents);
  const events = rawEvents.map((raw) => openMembershipEvent(crypto, chatId, raw, options));
  events.sort((one, other) => (one.clock < other.clock ? -1 : one.clock > other.clock ? 1 : 0));
  const creation = events[0];
  if (creation === undefined) throw malformed('group', 'no creation');
  if (!chatId.endsWith(`-${creation.from}`) || chatId.length <= creation.from.length + 1)
    throw malformed('group', 'its id does not end with the key of its creator');
  const group = new GroupReplay();
  for (const event of events) {
    if (context.profile.maxClockAheadMs !== undefined) checkClock('membership event', event.clock, context);
    for (const member of event.members) parseIdentity(crypto, member);
    group.apply(event, context);
  }
  return { ...group.state(), chatId, events };
}

function digestOf(crypto: CryptoProvider, chatId: string, event: Uint8Array): Uint8Array {
  return crypto.keccak256(encodeUtf8(chatId), event);
}

/** Applies events one after another. One that may not be applied changes nothing. */
export class GroupReplay {
  #name = '';
  #color = '';
  #image: Uint8Array = new Uint8Array();
  readonly #members = new Set<string>();
  readonly #joined = new Set<string>();
  readonly #admins = new Set<string>();

  state(): Omit<StatusGroup, 'chatId' | 'events'> {
    return {
      name: this.#name,
      color: this.#color,
      image: this.#image,
      members: this.#members,
      joined: this.#joined,
      admins: this.#admins,
    };
  }

  get members(): ReadonlySet<string> {
    return this.#members;
  }

  get joined(): ReadonlySet<string> {
    return this.#joined;
  }

  get admins(): ReadonlySet<string> {
    return this.#admins;
  }

  /** @throws NOT_PERMITTED, MALFORMED_MESSAGE */
  apply(
    event: MembershipEvent & { readonly from: string },
    { profile }: Pick<MessageContext, 'profile'>,
  ): void {
    const { from, members, type } = event;
    const types = MEMBERSHIP_EVENT_TYPE;
    const isAdmin = this.#admins.has(from);
    const mayChange = isAdmin || (profile.membersMayChangeGroups && this.#members.has(from));
    if (type > profile.lastMembershipEvent) throw malformed('membership event', 'an unknown type');
    switch (type) {
      case types.created:
        permit(this.#members.size === 0, 'create the group again');
        this.#name = event.name;
        this.#color = event.color;
        for (const set of [this.#members, this.#joined, this.#admins]) set.add(from);
        break;
      case types.nameChanged:
        permit(mayChange, 'rename the group');
        if (event.name === '') throw malformed('membership event', 'the new name is empty');
        this.#name = event.name;
        break;
      case types.membersAdded:
        permit(mayChange, 'add members');
        for (const member of members) this.#members.add(member);
        break;
      case types.memberJoined:
        permit(this.#members.has(from), 'join without being a member');
        this.#joined.add(from);
        break;
      case types.memberRemoved: {
        const isSelf = members.length === 1 && members[0] === from;
        permit(isSelf || (isAdmin && !members.some((member) => this.#admins.has(member))), 'remove members');
        for (const member of members)
          for (const set of [this.#members, this.#joined, this.#admins]) set.delete(member);
        break;
      }
      case types.adminsAdded:
        permit(isAdmin && members.every((member) => this.#members.has(member)), 'add admins');
        for (const member of members) this.#admins.add(member);
        break;
      case types.adminRemoved:
        permit(isAdmin && members.length === 1 && members[0] === from, 'remove an admin');
        this.#admins.delete(from);
        break;
      case types.colorChanged:
        permit(mayChange, 'change the colour');
        if (event.color === '') throw malformed('membership event', 'the new colour is empty');
        this.#color = event.color;
        break;
      case types.imageChanged:
        permit(mayChange, 'change the image');
        if (event.image.length === 0) throw malformed('membership event', 'the new image is empty');
        this.#image = event.image;
        break;
      default:
        throw malformed('membership event', 'an unknown type');
    }
  }
}

function permit(isPermitted: boolean, what: string): void {
  if (isPermitted) return;
  throw new SottoError('NOT_PERMITTED', `The author of the event may not ${what}.`, { what });
}
