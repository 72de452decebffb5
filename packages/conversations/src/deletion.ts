import type { Write } from '@sotto/core';
import type { Entry } from './entry.js';
import {
  conversationRecord,
  entryRecord,
  expiryRecord,
  PAGE_SIZE,
  put,
  referenceRecord,
  type StoredConversation,
  type StoredMessage,
  unreadTimerRecord,
} from './storage.js';

/** What is read for a deletion. */
interface Records {
  readableConversation(key: string): Promise<StoredConversation | undefined>;
  entries(key: string, from: number, to: number): Promise<readonly Entry[]>;
}

/** The writes that delete messages. @param messages by number; `undefined` for a damaged one */
export async function deletion(
  records: Records,
  key: string,
  messages: readonly (readonly [number: number, message: StoredMessage | undefined])[],
): Promise<readonly Write[]> {
  const writes: Write[] = [];
  for (const [number, message] of messages) {
    writes.push({ type: 'delete', key: entryRecord(key, number) });
    const { status, timer, expiresAt, own } = message ?? {};
    if (status !== undefined) writes.push({ type: 'delete', key: referenceRecord(key, status.id.slice(2)) });
    if (expiresAt !== undefined) writes.push({ type: 'delete', key: expiryRecord(expiresAt, key, number) });
    else if (timer !== undefined && !own)
      writes.push({ type: 'delete', key: unreadTimerRecord(key, number) });
  }
  const numbers = new Set(messages.map(([number]) => number));
  const before = await records.readableConversation(key);
  if (before !== undefined && numbers.has(before.lastMessage)) {
    const lastMessage = await messageBefore(records, key, before.lastMessage, numbers);
    writes.push(put(conversationRecord(key), { ...before, lastMessage }));
  }
  return writes;
}

/** The number of the last message before a number, some left out; -1 when there is none. */
async function messageBefore(
  records: Records,
  key: string,
  number: number,
  except: ReadonlySet<number>,
): Promise<number> {
  for (let page = Math.floor((number - 1) / PAGE_SIZE); page >= 0; page--) {
    const entries = await records.entries(key, page * PAGE_SIZE, Math.min(number, (page + 1) * PAGE_SIZE));
    const last = entries.findLast((entry) => entry.kind === 'message' && !except.has(entry.number));
    if (last !== undefined) return last.number;
  }
  return -1;
}
