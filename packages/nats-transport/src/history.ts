import {
  AckPolicy,
  type ConsumerConfig,
  DeliverPolicy,
  type JetStreamClient,
  type JsMsg,
  ReplayPolicy,
} from '@nats-io/jetstream';
import { type NatsConnection, nuid } from '@nats-io/nats-core';
import type { Clock } from '@sotto/core';
import { retried } from './retry.js';

/** What to read of a stream. */
interface HistoryQuery {
  readonly connection: NatsConnection;
  readonly jetstream: JetStreamClient;
  readonly stream: string;
  readonly subjects: readonly string[];
  /** Milliseconds since the epoch, inclusive. */
  readonly from: number;
  /** Milliseconds since the epoch, inclusive. */
  readonly to: number;
  readonly callTimeout: number;
  readonly retryFor: number;
  readonly clock: Clock;
  onMessage(message: JsMsg): void;
}

/** Subjects of one consumer, where servers allow several: a request of about 6 KiB. */
const SUBJECTS_PER_CONSUMER = 256;
/** Consumers that are read simultaneously. */
const CONCURRENCY = 8;
/** Messages of one fetch. */
const FETCH_MESSAGES = 256;
/** Nanoseconds after which a server deletes a consumer that no one reads: when we were killed meanwhile. */
const INACTIVE_NANOSECONDS = 60e9;

/** Reads everything that the stream has of some subjects, by consumers that resume behind the last message after a failure. */
export async function readHistory(query: HistoryQuery): Promise<void> {
  const size = hasSeveralFilters(query.connection) ? SUBJECTS_PER_CONSUMER : 1;
  const groups = Array.from({ length: Math.ceil(query.subjects.length / size) }, (_, i) =>
    query.subjects.slice(i * size, (i + 1) * size),
  );
  const next = groups.values();
  const worker = async () => {
    for (const subjects of next) await readSubjects(query, subjects);
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, worker));
}

/** Servers before 2.10 allow one subject a consumer. */
function hasSeveralFilters({ info }: NatsConnection): boolean {
  const [major = 0, minor = 0] = (info?.version ?? '').split('.').map(Number);
  return major > 2 || (major === 2 && minor >= 10);
}

async function readSubjects(query: HistoryQuery, subjects: readonly string[]): Promise<void> {
  const position = { sequence: 0 };
  await retried(query, () => readFrom(query, subjects, position));
}

/** Reads with a consumer of its own, from `position` on, which it moves. */
async function readFrom(
  query: HistoryQuery,
  subjects: readonly string[],
  position: { sequence: number },
): Promise<void> {
  const { jetstream, stream, callTimeout } = query;
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
    for (let left = pending; consumer !== undefined && left > 0; ) {
      let received = 0;
      const batch = { max_messages: Math.min(left, FETCH_MESSAGES), expires: callTimeout };
      for await (const message of await consumer.fetch(batch)) {
        received++;
        left = message.info.pending;
        if (message.info.timestampNanos / 1e6 > query.to) return;
        query.onMessage(message);
        position.sequence = message.seq;
      }
      if (received === 0) throw new Error('The stream does not deliver.');
    }
  } finally {
    // It is deleted by the server when it isn't here.
    await manager.consumers.delete(stream, name).catch(() => undefined);
  }
}

function startOf({ from }: HistoryQuery, sequence: number): Partial<ConsumerConfig> {
  return sequence === 0
    ? { deliver_policy: DeliverPolicy.StartTime, opt_start_time: new Date(from).toISOString() }
    : { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: sequence + 1 };
}
