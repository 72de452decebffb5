import type { Conversations, Message } from '@sotto/conversations';
import { encodeUtf8 } from '@sotto/core';
import type { Conversation } from '@sotto/messenger';
import { MAX_LOOKED_AT } from './limits.js';

/** A message up to which a conversation was read. Its id is the same on all devices of ours, its number is not. */
export interface ReadPosition {
  readonly id: string;
  /** In milliseconds since the epoch, as its sender claims. */
  readonly sentAt: number;
}

const PAGE = 64;
/** Longest position, in bytes. */
const POSITION_MOST = 16 + 1 + 64;

export function encodePosition({ sentAt, id }: ReadPosition): Uint8Array {
  return encodeUtf8(`${sentAt} ${id}`);
}

/** `undefined` for what is no position. */
export function decodePosition(value: Uint8Array): ReadPosition | undefined {
  const text = String.fromCharCode(...value.subarray(0, POSITION_MOST + 1));
  const [, sentAt, id] = /^(\d{1,16}) ([0-9a-f]{32,64})$/.exec(text) ?? [];
  return id === undefined ? undefined : { id, sentAt: Number(sentAt) };
}

/** Whether the first position is later than the second, as all devices judge, in whatever order they have received the messages. */
export function isLater(a: ReadPosition, b: ReadPosition): boolean {
  return a.sentAt > b.sentAt || (a.sentAt === b.sentAt && a.id > b.id);
}

/**
 * The last received messages of a conversation, the last one first.
 * @param most entries that are looked at
 */
async function* receivedMessages(
  conversations: Conversations,
  conversation: Conversation,
  most: number,
): AsyncIterable<Message> {
  const next = conversations.get(conversation)?.next ?? 0;
  const end = Math.max(0, next - most);
  for (let before = next; before > end; before -= PAGE) {
    const from = Math.max(end, before - PAGE);
    const page = await conversations.entries(conversation, { before, from, limit: PAGE });
    for (const entry of page.toReversed()) if (entry.kind === 'message' && !entry.own) yield entry;
  }
}

/**
 * The last received message of a conversation of which all was read; `undefined` when some of it is unread, or nothing is there.
 * It is told again only when it is among the last entries: each message of ours would have it searched for.
 * @param after the number of the last message that was read before
 */
export async function lastRead(
  conversations: Conversations,
  conversation: Conversation,
  after = -1,
): Promise<Message | undefined> {
  const summary = conversations.get(conversation);
  if (summary === undefined || summary.request || summary.unread > 0) return undefined;
  const { lastMessage, next } = summary;
  if (lastMessage !== undefined && !lastMessage.own) return lastMessage;
  const most = Math.min(PAGE, next - 1 - after);
  for await (const message of receivedMessages(conversations, conversation, most)) return message;
  return undefined;
}

/** The number of a received message; `undefined` when it isn't here. */
export async function numberOf(
  conversations: Conversations,
  conversation: Conversation,
  { id }: ReadPosition,
): Promise<number | undefined> {
  for await (const message of receivedMessages(conversations, conversation, MAX_LOOKED_AT))
    if (message.id === id) return message.number;
  return undefined;
}
