import { compareBytes, encodeHex, type PublicKey } from '@sotto/core';
import type { Conversation } from '@sotto/messenger';
import type { ConversationSummary } from './conversation.js';
import type { Conversations } from './conversations.js';
import { describeNotice } from './describe-notice.js';
import type { Entry, Message } from './entry.js';

/** What is exported, and how people are called in it. */
export interface ReadableExportOptions {
  /** Only this conversation. Default: all but message requests, those with the latest activity first. */
  readonly conversation?: Conversation | undefined;
  /** The name of a person. Default: the one that the user gave them, else the first ten hex digits of their key; `You` for us. Messages of ours are `You` in any case. */
  readonly nameFor?: ((identity: PublicKey) => string) | undefined;
  /** Ends the export. */
  readonly signal?: AbortSignal | undefined;
}

/** Entries read at once: a page of the store. */
const READ_AT_ONCE = 64;

/**
 * Exports conversations as plain text for people, in pieces; not encrypted, and nothing reads it back: that is what backups are for. Times
 * are in UTC, as the senders claim them. Further lines of a text are indented, so that no text can pretend to be another message.
 * @throws STORE_UNAVAILABLE, CLOSED
 */
export async function* exportReadable(
  conversations: Conversations,
  options: ReadableExportOptions = {},
): AsyncGenerator<string, void> {
  const { conversation, signal } = options;
  const nameFor =
    options.nameFor ??
    ((identity: PublicKey) =>
      compareBytes(identity, conversations.identity) === 0
        ? 'You'
        : conversations.person(identity).name || encodeHex(identity).slice(0, 10));
  const all =
    conversation === undefined
      ? conversations.list().filter(({ request }) => !request)
      : [conversations.get(conversation)].filter((summary) => summary !== undefined);
  for (const [position, summary] of all.entries()) {
    yield `${position === 0 ? '' : '\n'}== ${titleOf(summary, nameFor)} ==\n\n`;
    for (let from = 0; from < summary.next; from += READ_AT_ONCE) {
      if (signal?.aborted) return;
      const before = Math.min(summary.next, from + READ_AT_ONCE);
      const entries = await conversations.entries(summary.conversation, {
        from,
        before,
        limit: before - from,
      });
      yield entries.map((entry) => `${lineOf(entry, nameFor)}\n`).join('');
    }
  }
}

function titleOf({ conversation, group }: ConversationSummary, nameFor: (key: PublicKey) => string): string {
  switch (conversation.kind) {
    case 'direct':
      return oneLine(nameFor(conversation.peer));
    case 'public':
      return `#${conversation.name}`;
    case 'group':
      return oneLine(group?.name ?? conversation.groupId);
  }
}

function lineOf(entry: Entry, nameFor: (identity: PublicKey) => string): string {
  if (entry.kind === 'notice')
    return `${timeOf(entry.storedAt)}  * ${indented(describeNotice(entry.notice, nameFor))}`;
  const { own, sender, sentAt, edited } = entry;
  const who = own ? 'You' : oneLine(nameFor(sender));
  return `${timeOf(sentAt)}  ${who}: ${indented(contentOf(entry))}${edited ? ' (edited)' : ''}`;
}

function contentOf({ content }: Message): string {
  switch (content.kind) {
    case 'text':
      return content.text;
    case 'image':
      return content.text === '' ? '[picture]' : `[picture] ${content.text}`;
    case 'file':
      return content.text === '' ? '[file]' : `[file] ${content.text}`;
    case 'deleted':
      return '[deleted by its author]';
    default:
      return '[something that this program does not show]';
  }
}

/** `2026-11-28 12:00:00`; a time that no calendar has is shown as it is. */
function timeOf(milliseconds: number): string {
  const date = new Date(milliseconds);
  return Number.isNaN(date.getTime())
    ? String(milliseconds)
    : date.toISOString().slice(0, 19).replace('T', ' ');
}

/** Lines that follow the first begin with spaces. */
function indented(text: string): string {
  return text.split(/\r\n|[\n\r\v\f\u0085\u2028\u2029]/).join('\n                     ');
}

function oneLine(name: string): string {
  return name.replace(/\s+/g, ' ');
}
