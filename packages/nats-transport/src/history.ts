import { AckPolicy, type ConsumerConfig, DeliverPolicy, type JsMsg, ReplayPolicy } from '@nats-io/jetstream';
import { type NatsConnection, nuid } from '@nats-io/nats-core';
import { concurrently } from './concurrently.js';
import { lastOf, type StreamAccess } from './last-message.js';
import { isFinal, retried } from './retry.js';
import { untilSilent } from './until-silent.js';

/** What to read of a stream. */
export interface HistoryQuery {
  readonly access: StreamAccess;
  readonly subjects: readonly string[];
  /** Where to begin: milliseconds since the epoch, inclusive, or the sequence before the first. */
  readonly from: { readonly time: number } | { readonly sequence: number };
  /** Milliseconds since the epoch, inclusive. */
  readonly to: number;
  onMessage(message: JsMsg): void;
  /** Called after each fetch. Resolves when its messages have been processed. */
  drained(): Promise<void>;
}

/** Subjects of one consumer, where servers allow several: a request of about 6 KiB. */
const SUBJECTS_PER_CONSUMER = 256;
/** Messages of one fetch: the first, and most. What was fetched is in memory until it has been processed. */
const FIRST_FETCH_MESSAGES = 16;
const FETCH_MESSAGES = 256;
/** Bytes of one fetch, if its messages are as large as those of the one before. */
const FETCH_BYTES = 4 * 1024 * 1024;
/** Nanoseconds after which a server deletes a consumer that no one reads: when we were killed meanwhile. */
const INACTIVE_NANOSECONDS = 60e9;

/**
 * Reads everything that the stream has of some subjects, by consumers that resume behind the last message after a failure. A replica
 * may not have all that is stored yet, so the stream's leader is asked how far to read.
 */
export async function readHistory(query: HistoryQuery): Promise<void> {
  const subjects: string[] = [];
  await concurrently(query.subjects, async (subject) => {
    const last = await retried(query.access, () => lastOf(query.access, subject));
    if (last !== undefined && !isBefore(last, query.from)) subjects.push(subject);
  });
  const size = hasSeveralFilters(query.access.connection) ? SUBJECTS_PER_CONSUMER : 1;
  const groups = Array.from({ length: Math.ceil(subjects.length / size) }, (_, i) =>
    subjects.slice(i * size, (i + 1) * size),
  );
  await concurrently(groups, (group) => readSubjects(query, group));
}

function isBefore(last: { sequence: number; time: number }, from: HistoryQuery['from']): boolean {
  return 'time' in from ? last.time < from.time : last.sequence <= from.sequence;
}

/** Servers before 2.10 allow one subject a consumer. */
function hasSeveralFilters({ info }: NatsConnection): boolean {
  const [major = 0, minor = 0] = (info?.version ?? '').split('.').map(Number);
  return major > 2 || (major === 2 && minor >= 10);
}

async function readSubjects(query: HistoryQuery, subjects: readonly string[]): Promise<void> {
  const position = { sequence: 'sequence' in query.from ? query.from.sequence : 0 };
  for (;;) {
    const before = position.sequence;
    try {
      return await retried(query.access, () => readFrom(query, subjects, position));
    } catch (error) {
      // A long history may be interrupted as often as something of it arrives in between.
      if (position.sequence === before || isFinal(error)) throw error;
    }
  }
}

/** Reads with a consumer of its own, from `position` on, which it moves. */
async function readFrom(
  query: HistoryQuery,
  subjects: readonly string[],
  position: { sequence: number },
): Promise<void> {
  const { jetstream, stream, callTimeout, clock } = query.access;
  const ends = await Promise.all(subjects.map((subject) => lastOf(query.access, subject)));
  const end = Math.max(...ends.map((last) => last?.sequence ?? 0));
  const manager = await jetstream.jetstreamManager(false);
  const { name, num_pending: pending } = await manager.consumers.add(stream, {
    name: nuid.next(),
    ...startOf(query, position.sequence),
    ...(subjects.length === 1
      ? { filter_subject: subjects[0] as string }
      : { filter_subjects: [...subjects] }),
    ack_policy: AckPolicy.None,
    replay_policy: ReplayPolicy.Instant,
    inactive_threshold: INACTIVE_NANOSECONDS,
    mem_storage: true,
  });
  try {
    const consumer = pending === 0 ? undefined : await jetstream.consumers.get(stream, name);
    let most = FIRST_FETCH_MESSAGES;
    for (let left = pending; consumer !== undefined && left > 0; ) {
      let [received, bytes] = [0, 0];
      const messages = await consumer.fetch({ max_messages: Math.min(left, most), expires: callTimeout });
      for await (const message of untilSilent(messages, 2 * callTimeout, clock)) {
        received++;
        bytes += message.data.length;
        left = message.info.pending;
        if (message.info.timestampNanos / 1e6 > query.to) return;
        query.onMessage(message);
        position.sequence = message.seq;
      }
      if (received === 0) throw new Error('The stream does not deliver.');
      most = nextFetch(most, bytes / received);
      await query.drained();
    }
    if (position.sequence < end) throw new Error('The replica does not have everything yet.');
  } finally {
    // It is deleted by the server when it isn't here.
    await manager.consumers.delete(stream, name).catch(() => undefined);
  }
}

/** @param size bytes of a message, on average */
function nextFetch(last: number, size: number): number {
  const fitting = Math.floor(FETCH_BYTES / Math.max(1, size));
  return Math.max(1, Math.min(fitting, 2 * last, FETCH_MESSAGES));
}

function startOf({ from }: HistoryQuery, sequence: number): Partial<ConsumerConfig> {
  return sequence === 0 && 'time' in from
    ? { deliver_policy: DeliverPolicy.StartTime, opt_start_time: new Date(from.time).toISOString() }
    : { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: sequence + 1 };
}
