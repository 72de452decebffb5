import { compareBytes, SottoError, type Topic } from '@sotto/core';
import { matchesBloom } from '@sotto/whisper-transport/whisper';
import {
  beginOf,
  endOf,
  envelopeKey,
  POSITION_LENGTH,
  positionOfEnvelopeKey,
  positionOfTopicKey,
  TOPIC_LENGTH,
  topicKey,
} from './archive-key.js';
import { type ArchivePage, PageInProgress } from './archive-page.js';
import type { Level } from './level.js';

/** A query by topics. Envelopes come in the order of topics. */
export interface TopicQuery {
  readonly topics: readonly Topic[];
  /** Seconds since the epoch, inclusive. */
  readonly from: number;
  readonly to: number;
  readonly limit: number;
  /** The cursor of the previous page; empty for the first. */
  readonly cursor: Uint8Array;
}

/** A query by bloom filter. Envelopes come oldest first. */
export interface BloomQuery {
  readonly bloom: Uint8Array;
  /** Seconds since the epoch, inclusive. */
  readonly lower: number;
  readonly upper: number;
  readonly limit: number;
  /** The position of the previous page's last envelope, 36 bytes; empty for the first page. */
  readonly cursor: Uint8Array;
}

/** Records read in one batch. */
const STEP = 1_000;
/** Envelopes fetched at once by their topic: of the largest ones, four fill a page, and what is fetched beyond that is for nothing. */
const FETCHED_AT_ONCE = 16;
const NO_CURSOR = new Uint8Array(0);

/** @throws MALFORMED_MESSAGE for an invalid cursor; errors of LevelDB */
export async function readByTopics(level: Level, query: TopicQuery): Promise<ArchivePage> {
  const { from, to } = query;
  const page = new PageInProgress(query.limit);
  const topics = [...new Map(query.topics.map((topic) => [topic.join(), topic])).values()].sort(compareBytes);
  const begun = parseTopicCursor(query.cursor);
  for (const topic of topics) {
    const order = begun === undefined ? 1 : compareBytes(topic, begun.topic);
    if (order < 0) continue;
    page.lookedFor();
    const start =
      begun !== undefined && order === 0
        ? { gt: topicKey(topic, begun.position) }
        : { gte: topicKey(topic, beginOf(from)) };
    const last = await readTopic(level, { ...start, lt: topicKey(topic, endOf(to)) }, page);
    if (last !== undefined) return page.finish(topicKey(topic, last).slice(1));
  }
  return page.finish(NO_CURSOR);
}

type Range = ({ readonly gt: Uint8Array } | { readonly gte: Uint8Array }) & { readonly lt: Uint8Array };

/** @returns the last position of the page when it is full */
async function readTopic(level: Level, range: Range, page: PageInProgress): Promise<Uint8Array | undefined> {
  const keys = level.keys(range);
  try {
    for (;;) {
      const found = await keys.nextv(Math.min(STEP, page.room));
      if (found.length === 0) return undefined;
      for (let i = 0; i < found.length; i += FETCHED_AT_ONCE) {
        const last = await fetchInto(
          page,
          level,
          found.slice(i, i + FETCHED_AT_ONCE).map(positionOfTopicKey),
        );
        if (last !== undefined) return last;
      }
    }
  } finally {
    await keys.close();
  }
}

/** @returns the last position of the page when it is full */
async function fetchInto(
  page: PageInProgress,
  level: Level,
  positions: readonly Uint8Array[],
): Promise<Uint8Array | undefined> {
  const values = await level.getMany(positions.map(envelopeKey));
  for (const [i, position] of positions.entries()) {
    page.lookedAt();
    const value = values[i];
    // Removed meanwhile.
    if (value !== undefined) page.put(position, value);
    if (page.full) return position;
  }
  return undefined;
}

/** @throws errors of LevelDB */
export async function readByBloom(level: Level, query: BloomQuery): Promise<ArchivePage> {
  const page = new PageInProgress(query.limit);
  const { cursor } = query;
  const begin =
    cursor.length === POSITION_LENGTH && compareBytes(cursor, beginOf(query.lower)) > 0
      ? { gt: envelopeKey(cursor) }
      : { gte: envelopeKey(beginOf(query.lower)) };
  const entries = level.iterator({ ...begin, lt: envelopeKey(endOf(query.upper)) });
  try {
    for (;;) {
      const found = await entries.nextv(STEP);
      if (found.length === 0) return page.finish(NO_CURSOR);
      for (const [key, value] of found) {
        const position = positionOfEnvelopeKey(key);
        page.lookedAt();
        if (matchesBloom(query.bloom, value.subarray(0, TOPIC_LENGTH))) page.put(position, value);
        if (page.full) return page.finish(position);
      }
    }
  } finally {
    await entries.close();
  }
}

function parseTopicCursor(
  cursor: Uint8Array,
): { readonly topic: Topic; readonly position: Uint8Array } | undefined {
  if (cursor.length === 0) return undefined;
  if (cursor.length !== TOPIC_LENGTH + POSITION_LENGTH) {
    const details = { what: 'cursor', reason: 'the cursor was not issued here' };
    throw new SottoError('MALFORMED_MESSAGE', 'The cursor was not issued here.', details);
  }
  return { topic: cursor.slice(0, TOPIC_LENGTH), position: cursor.slice(TOPIC_LENGTH) };
}
