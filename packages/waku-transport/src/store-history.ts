import { type Clock, encodeHex, isSottoError, SottoError } from '@sotto/core';
import { unavailableError } from '@sotto/whisper-transport/internal';
import { decoderOf, millisecondsOf } from './codecs.js';
import { within } from './failures.js';
import type { WakuProtoMessage, WakuStore } from './node.js';
import type { StorePeers } from './store-peers.js';
import { wakuMessageHash } from './waku-message.js';

/** What to read of a store, and how. */
export interface StoreQuery {
  readonly store: WakuStore;
  readonly pubsubTopic: string;
  readonly contentTopics: readonly string[];
  /** Milliseconds since the epoch, inclusive. */
  readonly from: number;
  /** Milliseconds since the epoch, inclusive. */
  readonly to: number;
  /** Milliseconds for a page. */
  readonly callTimeout: number;
  /** Messages that may still be read. */
  readonly budget: HistoryBudget;
  readonly clock: Clock;
  /** Whether the node and who asks are still there. */
  isConnected(): boolean;
  /** Whether who asks is still there. */
  isWanted(): boolean;
  /** The peers, any of which the SDK asks: it takes one without a store for an empty store. */
  peers(): Promise<StorePeers>;
  onMessage(message: WakuProtoMessage): void;
  /** Called after each page. Resolves when its messages have been processed. */
  drained(): Promise<void>;
}

/** How much more a request may bring, so that a store that never ends doesn't keep us. */
export interface HistoryBudget {
  readonly limit: number;
  read: number;
  /** Milliseconds spent waiting for the store. */
  waited: number;
}

/** Content topics of one query: what deployed clients ask for at once. */
const TOPICS_PER_QUERY = 10;
/** Messages of a page: the most that store nodes give. */
const PAGE_MESSAGES = 100;
/** Attempts for each page, and the milliseconds between them. */
const ATTEMPTS = 3;
const PAUSE_MS = 1_000;
/** Waiting for a store in one request, in milliseconds, so that one that is always slow to answer doesn't keep us for days. */
const MAX_WAIT_MS = 600_000;
/** Empty answers in a row that are believed when some of the peers, one of which the SDK picks at random, have no store. */
const EMPTY_ANSWERS = 8;

/**
 * Reads what a store has of some content topics, page by page, oldest first. A page that fails is asked for again, from the cursor on.
 * @throws TRANSPORT_UNAVAILABLE; LIMIT_EXCEEDED beyond the budget
 */
export async function readStore(query: StoreQuery): Promise<void> {
  for (let i = 0; i < query.contentTopics.length; i += TOPICS_PER_QUERY)
    await readTopics(query, query.contentTopics.slice(i, i + TOPICS_PER_QUERY));
}

async function readTopics(query: StoreQuery, contentTopics: readonly string[]): Promise<void> {
  const { pubsubTopic, budget, from, to } = query;
  const wanted = new Set(contentTopics);
  const cursors = new Set<string>();
  for (let cursor: Uint8Array | undefined; ; ) {
    if (!query.isWanted()) throw unavailableError('the connection was closed');
    if (budget.waited > MAX_WAIT_MS) throw unavailableError('the store is too slow');
    const page = await attemptPage(query, contentTopics, cursor);
    if (page.length === 0) return;
    budget.read += page.length;
    if (budget.read > budget.limit) {
      throw new SottoError('LIMIT_EXCEEDED', 'The store has more than one request may bring.', {
        what: 'messages from a store',
        limit: budget.limit,
        actual: budget.read,
      });
    }
    cursor = wakuMessageHash(pubsubTopic, page.at(-1) as WakuProtoMessage);
    const name = encodeHex(cursor);
    if (cursors.has(name)) throw unavailableError('the store gives the same page again');
    cursors.add(name);
    for (const message of page) {
      const sentAt = millisecondsOf(message.timestamp ?? 0n);
      if (wanted.has(message.contentTopic) && sentAt >= from && sentAt <= to) query.onMessage(message);
    }
    await query.drained();
  }
}

async function attemptPage(
  query: StoreQuery,
  contentTopics: readonly string[],
  cursor: Uint8Array | undefined,
): Promise<readonly WakuProtoMessage[]> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await readCertainPage(query, contentTopics, cursor);
    } catch (error) {
      if (attempt >= ATTEMPTS || !isSottoError(error, 'TRANSPORT_UNAVAILABLE')) throw error;
      await new Promise<void>((resolve) => query.clock.after(PAUSE_MS, resolve));
    }
  }
}

/** A page of a store: no messages when there are no more, and not when a peer was asked that has no store. */
async function readCertainPage(
  query: StoreQuery,
  contentTopics: readonly string[],
  cursor: Uint8Array | undefined,
): Promise<readonly WakuProtoMessage[]> {
  for (let empty = 1; ; empty++) {
    const page = await readPage(query, contentTopics, cursor);
    if (page.length > 0) return page;
    if (!query.isConnected()) throw unavailableError('the Waku node has no peers');
    const { having, lacking } = await query.peers();
    if (having === 0) throw unavailableError('no peer of the Waku node has a store');
    if (lacking === 0 || empty === EMPTY_ANSWERS) return page;
  }
}

/** What the peer that the SDK picks has; none when it has nothing, or no store. */
async function readPage(
  query: StoreQuery,
  contentTopics: readonly string[],
  cursor: Uint8Array | undefined,
): Promise<readonly WakuProtoMessage[]> {
  const { store, pubsubTopic, from, to, clock, callTimeout, budget } = query;
  const asked = clock.now();
  const decoders = contentTopics.map((contentTopic) => decoderOf(pubsubTopic, contentTopic));
  const pages = store.queryGenerator(decoders, {
    timeStart: new Date(from),
    timeEnd: new Date(to + 1), // exclusive
    paginationForward: true,
    paginationLimit: PAGE_MESSAGES,
    ...(cursor === undefined ? {} : { paginationCursor: cursor }),
  });
  const messages = await within(clock, callTimeout, async () => {
    // One page only: cursors made from the times of the SDK, which have milliseconds, would be wrong.
    const { value, done } = await pages.next();
    await pages.return(undefined);
    return done === true ? [] : Promise.all(value);
  }).finally(() => {
    budget.waited += clock.now() - asked;
  });
  return messages.map((message) => {
    if (message === undefined) throw unavailableError('the store answers without messages');
    return message.raw;
  });
}
