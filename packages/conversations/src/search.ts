import type { Conversation } from '@sotto/messenger';
import type { Conversations } from './conversations.js';
import type { Message } from './entry.js';

/** A message that was found. */
export interface SearchResult {
  /** Where it is. */
  readonly conversation: Conversation;
  /** It holds all words that were searched for. */
  readonly message: Message;
}

/** Where {@link searchMessages} looks, and how long. */
export interface SearchOptions {
  /** Only in this conversation. Default: in all but message requests, those with the latest activity first. */
  readonly conversation?: Conversation | undefined;
  /** Ends the search. */
  readonly signal?: AbortSignal | undefined;
}

/** Entries read at once: a page of the store. */
const READ_AT_ONCE = 64;

/**
 * Searches texts for messages that hold all words of a query, anywhere and in any order; capitals and accents make no
 * difference. Yields as it finds, the newest of each conversation first. There is no index: it reads all messages, and stores nothing.
 * @throws STORE_UNAVAILABLE, CLOSED
 */
export async function* searchMessages(
  conversations: Conversations,
  query: string,
  { conversation, signal }: SearchOptions = {},
): AsyncGenerator<SearchResult, void> {
  const words = fold(query).split(/\s+/).filter(Boolean);
  if (words.length === 0) return;
  const all = conversations.list().filter(({ request }) => !request);
  const summary = conversation && conversations.get(conversation);
  for (const { conversation: where, next } of summary === undefined ? (conversation ? [] : all) : [summary]) {
    for (let end = next; end > 0; end = READ_AT_ONCE * (Math.ceil(end / READ_AT_ONCE) - 1)) {
      if (signal?.aborted) return;
      const limit = ((end - 1) % READ_AT_ONCE) + 1;
      const entries = await conversations.entries(where, { before: end, from: end - limit, limit });
      for (const entry of entries.toReversed()) {
        if (entry.kind !== 'message' || !holds(entry, words)) continue;
        yield { conversation: where, message: entry };
        if (signal?.aborted) return;
      }
    }
  }
}

function holds({ content }: Message, words: readonly string[]): boolean {
  if (!('text' in content)) return false;
  const text = fold(content.text);
  return words.every((word) => text.includes(word));
}

/** Without capitals and accents. */
function fold(text: string): string {
  return text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();
}
