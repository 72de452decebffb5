import type { JetStreamClient } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import type { RetryLimits } from './retry.js';

/** A stream, and how it is called. */
export interface StreamAccess extends RetryLimits {
  readonly connection: NatsConnection;
  readonly jetstream: JetStreamClient;
  readonly stream: string;
  /** Milliseconds. */
  readonly callTimeout: number;
}

/** The last message that is stored of a subject, as the stream's leader knows; `undefined` without one. */
export async function lastOf(
  { jetstream, stream }: StreamAccess,
  subject: string,
): Promise<{ readonly sequence: number; readonly time: number } | undefined> {
  const manager = await jetstream.jetstreamManager(false);
  const last = await manager.streams.getMessage(stream, { last_by_subj: subject });
  return last === null ? undefined : { sequence: last.seq, time: Date.parse(last.timestamp) };
}
