import { malformed } from '@sotto/protocol-codec/internal';
import {
  checkChatType,
  checkClock,
  checkDisplayName,
  checkPresent,
  checkText,
  type MessageContext,
} from './checks.js';
import { decodeWire } from './decode.js';
import { checkStrings, checkUint32, checkUint64 } from './encode-checks.js';
import {
  ChatMessage as Wire,
  type ContactRequestState as WireState,
} from './generated/sotto/status_messages/v1/application.js';
import type { StatusDecodeOptions } from './limits.js';
import { CHAT_MESSAGE } from './wire-shapes.js';

/** Content types of chat messages. Others exist; unknown ones are accepted, and those that are only made locally refused. */
export const CONTENT_TYPE = Object.freeze({
  text: 1,
  sticker: 2,
  status: 3,
  emoji: 4,
  image: 7,
  audio: 8,
  community: 9,
  contactRequest: 11,
});

const LOCAL_CONTENT_TYPES: ReadonlySet<number> = new Set([5, 6, 15, 16, 17]);

/** The states of a contact request, see {@link ContactRequestState}. */
export const CONTACT_STATE = Object.freeze({ none: 0, mutual: 1, sent: 2, received: 3, dismissed: 4 });

/** How the author sees the contact request between the two sides. */
export interface ContactRequestState {
  /** Clock of the author's state. */
  readonly localClock: bigint;
  /** The author's state, see {@link CONTACT_STATE}. */
  readonly localState: number;
  /** Clock of the recipient's state, as the author knows it. */
  readonly remoteClock: bigint;
  /** The recipient's state as the author knows it. */
  readonly remoteState: number;
}

/** A sticker: the content hash of its picture in hex, and the number of its pack. */
export interface Sticker {
  /** Tells the contents of a message apart. */
  readonly kind: 'sticker';
  /** Content hash of the picture, hex. */
  readonly hash: string;
  /** Number of the pack. */
  readonly pack: number;
}

/** A picture inside a message. */
export interface StatusImage {
  /** Tells the contents of a message apart. */
  readonly kind: 'image';
  /** The encoded picture. */
  readonly payload: Uint8Array;
  /** 1 PNG, 2 JPEG, 3 WebP, 4 GIF. */
  readonly format: number;
  /** Groups the pictures of an album; empty for none. */
  readonly albumId: string;
  /** Pixels; 0 when unknown. */
  readonly width: number;
  /** Pixels; 0 when unknown. */
  readonly height: number;
  /** Number of pictures in the album. */
  readonly albumImagesCount: number;
}

/** A message to a person, public chat or group. */
export interface ChatMessage {
  /** See {@link nextClock}. */
  readonly clock: bigint;
  /** Milliseconds since the epoch. */
  readonly timestamp: bigint;
  /** At most 4096 code points. */
  readonly text: string;
  /** Id of the message that this one replies to; empty for none. */
  readonly responseTo: string;
  /** Empty for none. */
  readonly ensName: string;
  /** `0x04…` of the recipient, the name of a public chat, or the id of a group. */
  readonly chatId: string;
  /** See {@link CHAT_TYPE}. */
  readonly messageType: number;
  /** See {@link CONTENT_TYPE}. */
  readonly contentType: number;
  /** What goes with the content type, if anything. */
  readonly content: Sticker | StatusImage | undefined;
  /** Empty for none. */
  readonly displayName: string;
  /** The author's view of the contact request between the two sides. 2024. */
  readonly contactRequestState: ContactRequestState | undefined;
  /** 0 for none. */
  readonly customizationColor: number;
}

/**
 * The encoded message.
 * @throws INVALID_ARGUMENT when a number is out of range
 */
export function encodeChatMessage(message: ChatMessage): Uint8Array {
  return Wire.encode(chatMessageToWire(message)).finish();
}

/**
 * Decodes a message without checking more than its structure.
 * @throws MALFORMED_MESSAGE, LIMIT_EXCEEDED
 */
export function decodeChatMessage(bytes: Uint8Array, options?: StatusDecodeOptions): ChatMessage {
  return chatMessageFromWire(decodeWire(bytes, CHAT_MESSAGE, Wire, options));
}

/**
 * Checks a received message as clients of its generation do, see `context.profile`.
 * @throws MALFORMED_MESSAGE, LIMIT_EXCEEDED
 */
export function checkChatMessage(message: ChatMessage, context: MessageContext): void {
  const what = 'chat message';
  const { profile } = context;
  const { content, contentType, text } = message;
  checkClock(what, message.clock, context);
  if (message.timestamp === 0n) throw malformed(what, 'the timestamp is 0');
  checkPresent(what, { 'chat id': message.chatId });
  checkChatType(what, message.messageType);
  if (contentType === 0) throw malformed(what, 'the content type is missing');
  if (LOCAL_CONTENT_TYPES.has(contentType)) throw malformed(what, 'a content type that is only made locally');
  checkText(what, text, profile, contentType === CONTENT_TYPE.image && profile.hasImages);
  if (contentType === CONTENT_TYPE.sticker && (content?.kind !== 'sticker' || content.hash === ''))
    throw malformed(what, 'a sticker without its hash');
  if (contentType === CONTENT_TYPE.image && profile.hasImages) {
    if (content?.kind !== 'image' || content.payload.length === 0)
      throw malformed(what, 'an image without its picture');
    if (content.format === 0) throw malformed(what, 'an image of unknown format');
  }
  checkDisplayName(what, message.displayName, profile);
}

export function chatMessageToWire(message: ChatMessage): Wire {
  checkStrings(message);
  const { content, contactRequestState } = message;
  return {
    clock: checkUint64('clock', message.clock),
    timestamp: checkUint64('timestamp', message.timestamp),
    text: message.text,
    responseTo: message.responseTo,
    ensName: message.ensName,
    chatId: message.chatId,
    messageType: checkUint32('message type', message.messageType),
    contentType: checkUint32('content type', message.contentType),
    content:
      content?.kind === 'sticker'
        ? { $case: 'sticker', value: content }
        : content && { $case: 'image', value: content },
    displayName: message.displayName,
    contactRequestState: contactRequestState && contactRequestStateToWire(contactRequestState),
    customizationColor: checkUint32('customization color', message.customizationColor),
  };
}

export function chatMessageFromWire({ content, ...wire }: Wire): ChatMessage {
  return { ...wire, content: content && { kind: content.$case, ...content.value } } as ChatMessage;
}

export function contactRequestStateToWire(state: ContactRequestState): WireState {
  return {
    localClock: checkUint64('local clock', state.localClock),
    localState: checkUint32('local state', state.localState),
    remoteClock: checkUint64('remote clock', state.remoteClock),
    remoteState: checkUint32('remote state', state.remoteState),
  };
}
