import type { Conversations, Message } from '@sotto/conversations';
import { decodeUtf8, encodeUtf8 } from '@sotto/core';
import type { Conversation } from '@sotto/messenger';
import { MAX_LOOKED_AT } from './limits.js';

/** A message up to which a conversation was read. Its id is the same on all devices of ours, its number is not. */
export interface ReadPosition {
  readonly id: string;
  /** In milliseconds since the epoch, as its sender claims. */
  readonly sentAt: number;
}

const PAGE = 64;

export function encodePosition({ sentAt, id }: ReadPosition): Uint8Array {
  return encodeUtf8(`${sentAt} ${id}`);
}

/** `undefined` for what is no position. */
export function decodePosition(value: Uint8Array): ReadPosition | undefined {
  const [, sentAt, id] = /^(\d{1,16}) ([0-9a-f]{32,64})$/.exec(decodeUtf8(value)) ?? [];
  return id === undefined ? undefined : { id, sentAt: Number(sentAt) };
}

/** Whether the first position is later than the second, as all devices judge, in whatever order they have received the messages. */
export function isLater(a: ReadPosition, b: ReadPosition): boolean {
  return a.sentAt > b.sentAt || (a.sentAt === b.sentAt && a.id > b.id);
}

/** The last received messages of a conversation, the last one first: {@link MAX_LOOKED_AT} entries are looked at. */
async function* receivedMessages(
  conversations: Conversations,
  conversation: Conversation,
): AsyncIterable<Message> {
  const next = conversations.get(conversation)?.next ?? 0;
  for (let before = next; before > Math.max(0, next - MAX_LOOKED_AT); before -= PAGE) {
    const page = await conversations.entries(conversation, { before, from: before - PAGE, limit: PAGE });
    for (const entry of page.toReversed()) if (entry.kind === 'message' && !entry.own) yield entry;
  }
}

/** The last received message of a conversation of which all was read; `undefined` when some of it is unread, or nothing is there. */
export async function lastRead(
  conversations: Conversations,
  conversation: Conversation,
): Promise<Message | undefined> {
  const summary = conversations.get(conversation);
  if (summary === undefined || summary.request || summary.unread > 0) return undefined;
  for await (const message of receivedMessages(conversations, conversation)) return message;
  return undefined;
}

/** The number of a received message; `undefined` when it isn't here. */
export async function numberOf(
  conversations: Conversations,
  conversation: Conversation,
  { id }: ReadPosition,
): Promise<number | undefined> {
  for await (const message of receivedMessages(conversations, conversation))
    if (message.id === id) return message.number;
  return undefined;
}
