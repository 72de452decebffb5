import { conversationKey, type Entry, type Message, parseConversationKey } from '@sotto/conversations';
import { SerialQueue } from '@sotto/core';
import type { Session } from './session.js';

const PAGE = 100;
/** How far back from the end a sent message is watched: it may be delivered and read. */
const WATCHED = 50;

/** What a {@link Feed} reports. */
export type FeedItem =
  | { readonly what: 'entry'; readonly conversation: string; readonly entry: Entry }
  /** A message of ours was sent, delivered or read, or failed for at least one recipient. */
  | { readonly what: 'state'; readonly conversation: string; readonly entry: Message }
  /** A message isn't there any more: its time has come, or it was deleted. */
  | { readonly what: 'gone'; readonly conversation: string; readonly number: number };

/**
 * Reports everything that happens in conversations, in order and once. Starts with received messages not yet marked as
 * read, so a client that crashes before handling a message gets it again.
 */
export class Feed {
  readonly #session: Session;
  readonly #report: (item: FeedItem) => void;
  /** Number of the next entry to report, by conversation. */
  readonly #next = new Map<string, number>();
  /** States of our messages that may change, by conversation and number. */
  readonly #states = new Map<string, Map<number, Message['state']>>();
  readonly #queue = new SerialQueue();
  #stop = () => {};

  constructor(session: Session, report: (item: FeedItem) => void) {
    this.#session = session;
    this.#report = report;
  }

  /** Reports unread messages, then everything new. Call it before the session is started. */
  async start(): Promise<void> {
    const { conversations } = this.#session;
    for (const { key, conversation, unread } of conversations.list()) {
      const entries = await this.#entriesBack(key, (page) => count(page) >= unread);
      const others = entries.filter((entry) => entry.kind === 'message' && !entry.own);
      for (const entry of unread === 0 ? [] : others.slice(-unread))
        this.#report({ what: 'entry', conversation: key, entry });
      for (const entry of entries) this.#note(key, entry);
      this.#next.set(conversationKey(conversation), (entries.at(-1)?.number ?? -1) + 1);
    }
    this.#stop = conversations.subscribe((change) => {
      if (change.what === 'conversation')
        void this.#queue.run(() => this.#drain(change.key, change.numbers)).catch(() => undefined);
    });
  }

  /** Resolves when everything that has happened so far was reported. */
  async settled(): Promise<void> {
    await this.#queue.settled();
  }

  stop(): void {
    this.#stop();
  }

  async #drain(key: string, changed: readonly number[] = []): Promise<void> {
    const next = this.#next.get(key) ?? 0;
    const conversation = parseConversationKey(key);
    for (const number of changed.filter((one) => one < next)) {
      const page = await this.#session.conversations.entries(conversation, {
        from: number,
        before: number + 1,
      });
      if (page.length > 0) continue;
      this.#states.get(key)?.delete(number);
      this.#report({ what: 'gone', conversation: key, number });
    }
    const first = Math.min(next, ...(this.#states.get(key)?.keys() ?? []));
    const entries = await this.#entriesBack(key, (page) => (page[0]?.number ?? 0) <= first);
    for (const entry of entries) {
      if (entry.number >= next) this.#report({ what: 'entry', conversation: key, entry });
      else if (this.#hasChanged(key, entry)) this.#report({ what: 'state', conversation: key, entry });
      this.#note(key, entry);
    }
    this.#next.set(key, Math.max(next, (entries.at(-1)?.number ?? -1) + 1));
  }

  #hasChanged(key: string, entry: Entry): entry is Message {
    const state = this.#states.get(key)?.get(entry.number);
    const isNews = state !== undefined && entry.kind === 'message' && entry.state !== state;
    return isNews && entry.state !== 'pending';
  }

  #note(key: string, entry: Entry): void {
    const states = this.#states.get(key) ?? new Map<number, Message['state']>();
    states.delete(entry.number);
    const isFinal = entry.kind !== 'message' || !entry.own || entry.state === 'read';
    if (!isFinal && entry.state !== 'received') states.set(entry.number, entry.state);
    for (const [number, state] of states)
      if (state !== 'pending' && number < entry.number - WATCHED) states.delete(number);
    this.#states.set(key, states);
  }

  /** Reads the latest entries, page by page, until there are enough. */
  async #entriesBack(key: string, enough: (entries: readonly Entry[]) => boolean): Promise<readonly Entry[]> {
    const conversation = parseConversationKey(key);
    let entries: readonly Entry[] = [];
    for (;;) {
      const before = entries[0]?.number;
      const page = await this.#session.conversations.entries(conversation, {
        limit: PAGE,
        ...(before !== undefined && { before }),
      });
      entries = [...page, ...entries];
      if (page.length === 0 || (entries[0]?.number ?? 0) === 0 || enough(entries)) return entries;
    }
  }
}

function count(entries: readonly Entry[]): number {
  return entries.filter((entry) => entry.kind === 'message' && !entry.own).length;
}
