import { type CryptoProvider, encodeHex, encodeUtf8, type PublicKey } from '@sotto/core';
import { malformed } from '@sotto/protocol-codec/internal';
import { checkChatType, checkClock, checkPresent, checkText, type MessageContext } from './checks.js';
import { decodeWire } from './decode.js';
import { checkStrings, checkUint32, checkUint64 } from './encode-checks.js';
import {
  DeleteMessage as WireDelete,
  EditMessage as WireEdit,
  EmojiReaction as WireReaction,
} from './generated/sotto/status_messages/v1/application.js';
import { formatIdentity } from './identity-text.js';
import type { StatusDecodeOptions } from './limits.js';
import { DELETE_MESSAGE, EDIT_MESSAGE, EMOJI_REACTION } from './wire-shapes.js';

/** The last kind of reaction: there are six. */
const REACTION_TYPE_MAX = 6;

/** Replaces the text of a message of the same author. Of two edits the one with the higher clock counts. */
export interface EditMessage {
  /** Orders messages, see {@link nextClock}. */
  readonly clock: bigint;
  /** At most 4096 code points. */
  readonly text: string;
  /** The conversation, as in {@link ChatMessage.chatId}. */
  readonly chatId: string;
  /** Id of the message that it is about, `0x` and hex. */
  readonly messageId: string;
  /** See {@link CHAT_TYPE}. */
  readonly messageType: number;
  /** See {@link CONTENT_TYPE}. */
  readonly contentType: number;
}

/** Deletes a message of the same author for everyone. */
export interface DeleteMessage {
  /** Orders messages, see {@link nextClock}. */
  readonly clock: bigint;
  /** The conversation, as in {@link ChatMessage.chatId}. */
  readonly chatId: string;
  /** Id of the message that it is about, `0x` and hex. */
  readonly messageId: string;
  /** See {@link CHAT_TYPE}. */
  readonly messageType: number;
  /** `0x04…`. */
  readonly deletedBy: string;
}

/** A reaction to a message. Of two with the same {@link reactionId} the one with the higher clock counts. */
export interface EmojiReaction {
  /** Orders messages, see {@link nextClock}. */
  readonly clock: bigint;
  /** The conversation, as in {@link ChatMessage.chatId}. */
  readonly chatId: string;
  /** Id of the message that it is about, `0x` and hex. */
  readonly messageId: string;
  /** See {@link CHAT_TYPE}. */
  readonly messageType: number;
  /** 1 love, 2 thumbs up, 3 thumbs down, 4 laugh, 5 sad, 6 angry. */
  readonly type: number;
  /** Whether it is taken back. */
  readonly retracted: boolean;
}

/**
 * The encoded edit message.
 * @throws INVALID_ARGUMENT
 */
export function encodeEditMessage(edit: EditMessage): Uint8Array {
  checkUint64('clock', edit.clock);
  checkUint32('message type', edit.messageType);
  checkUint32('content type', edit.contentType);
  return WireEdit.encode(checkStrings(edit)).finish();
}

/**
 * Decodes a edit message without checking more than its structure.
 * @throws MALFORMED_MESSAGE, LIMIT_EXCEEDED
 */
export function decodeEditMessage(bytes: Uint8Array, options?: StatusDecodeOptions): EditMessage {
  return decodeWire(bytes, EDIT_MESSAGE, WireEdit, options);
}

/**
 * Checks a received edit message as clients of its generation do.
 * @throws MALFORMED_MESSAGE, LIMIT_EXCEEDED
 */
export function checkEditMessage(edit: EditMessage, { profile }: MessageContext): void {
  const what = 'edit';
  if (edit.clock === 0n) throw malformed(what, 'the clock is 0');
  checkPresent(what, { 'chat id': edit.chatId, 'message id': edit.messageId });
  checkChatType(what, edit.messageType);
  checkText(what, edit.text, profile);
}

/**
 * The encoded delete message.
 * @throws INVALID_ARGUMENT
 */
export function encodeDeleteMessage(deletion: DeleteMessage): Uint8Array {
  checkUint64('clock', deletion.clock);
  checkUint32('message type', deletion.messageType);
  return WireDelete.encode(checkStrings(deletion)).finish();
}

/**
 * Decodes a delete message without checking more than its structure.
 * @throws MALFORMED_MESSAGE, LIMIT_EXCEEDED
 */
export function decodeDeleteMessage(bytes: Uint8Array, options?: StatusDecodeOptions): DeleteMessage {
  return decodeWire(bytes, DELETE_MESSAGE, WireDelete, options);
}

/**
 * Checks a received deletion as clients of its generation do; they don't look at its clock.
 * @throws MALFORMED_MESSAGE
 */
export function checkDeleteMessage(deletion: DeleteMessage): void {
  const what = 'deletion';
  checkPresent(what, { 'chat id': deletion.chatId, 'message id': deletion.messageId });
  checkChatType(what, deletion.messageType);
}

/**
 * The encoded emoji reaction.
 * @throws INVALID_ARGUMENT
 */
export function encodeEmojiReaction(reaction: EmojiReaction): Uint8Array {
  return WireReaction.encode(emojiReactionToWire(reaction)).finish();
}

/**
 * Decodes a emoji reaction without checking more than its structure.
 * @throws MALFORMED_MESSAGE, LIMIT_EXCEEDED
 */
export function decodeEmojiReaction(bytes: Uint8Array, options?: StatusDecodeOptions): EmojiReaction {
  return decodeWire(bytes, EMOJI_REACTION, WireReaction, options);
}

/**
 * Checks a received emoji reaction as clients of its generation do.
 * @throws MALFORMED_MESSAGE
 */
export function checkEmojiReaction(reaction: EmojiReaction, context: MessageContext): void {
  const what = 'reaction';
  checkClock(what, reaction.clock, context);
  checkPresent(what, { 'chat id': reaction.chatId, 'message id': reaction.messageId });
  if (reaction.type === 0) throw malformed(what, 'the kind of reaction is missing');
  if (reaction.type > REACTION_TYPE_MAX) throw malformed(what, 'an unknown kind of reaction');
  checkChatType(what, reaction.messageType);
}

/**
 * Names the reaction of an author to a message, so that a later one of the same kind replaces it: KECCAK-256 of the author, the message's id and the kind, as text.
 * @param messageId `0x` and hex
 * @returns 32 bytes in hex with `0x`
 */
export function reactionId(
  crypto: CryptoProvider,
  author: PublicKey,
  { messageId, type }: Pick<EmojiReaction, 'messageId' | 'type'>,
): string {
  const text = `${formatIdentity(crypto, author)}${messageId}${type}`;
  return `0x${encodeHex(crypto.keccak256(encodeUtf8(text)))}`;
}

export function emojiReactionToWire(reaction: EmojiReaction): WireReaction {
  checkUint64('clock', reaction.clock);
  checkUint32('message type', reaction.messageType);
  checkUint32('reaction type', reaction.type);
  return checkStrings(reaction);
}
