import { invalidArgument } from '@sotto/core';
import { DEFAULT_MAX_ENVELOPE_BYTES, DEFAULT_PREFIX } from './defaults.js';

/** Options of {@link natsStreamConfig}. */
export interface NatsStreamOptions {
  /** Name of the stream, as passed to `createNatsCarrier`. */
  readonly stream: string;
  /** Servers that keep each envelope, 1 to 5; odd. 3 survive the loss of one. Default 1. */
  readonly replicas?: number | undefined;
  /** Days that envelopes are kept. Default 30. */
  readonly maxAgeDays?: number | undefined;
  /** Most bytes of the stream; the oldest envelopes are deleted first. Default: unlimited. */
  readonly maxBytes?: number | undefined;
  /** Most envelopes of one topic; the oldest are deleted first, so that a flood of one topic costs only that topic. Default 100,000. */
  readonly maxEnvelopesPerTopic?: number | undefined;
  /** Seconds in which an envelope that is published again is stored once. Default 120. */
  readonly duplicateWindowSeconds?: number | undefined;
  /** As of `createNatsCarrier`. */
  readonly prefix?: string | undefined;
  /** As of `createNatsCarrier`. */
  readonly maxEnvelopeBytes?: number | undefined;
}

/** A stream's configuration in the terms of JetStream, times in nanoseconds. */
export interface NatsStreamConfig {
  /** Name of the stream. */
  name: string;
  /** The subjects that it stores. */
  subjects: string[];
  /** Envelopes are kept within limits. */
  retention: 'limits';
  /** On disk. */
  storage: 'file';
  /** The oldest are deleted first. */
  discard: 'old';
  /** Servers that keep each envelope. */
  num_replicas: number;
  /** Nanoseconds. */
  max_age: number;
  /** Bytes; -1 for no limit. */
  max_bytes: number;
  /** Envelopes of one topic. */
  max_msgs_per_subject: number;
  /** Bytes of a message with its headers. */
  max_msg_size: number;
  /** Nanoseconds. */
  duplicate_window: number;
  /** Envelopes can be read from any replica. */
  allow_direct: boolean;
  /** Single envelopes can't be deleted. */
  deny_delete: boolean;
  /** The stream can't be purged. */
  deny_purge: boolean;
  /** What is stored is published again, with its sequence: this is what receivers subscribe to. */
  republish: { src: string; dest: string };
}

/**
 * The configuration of a stream for `createNatsCarrier`. Whoever runs the service creates it once, with rights that clients don't have:
 * `jetstreamManager(connection).streams.add(natsStreamConfig({ stream: 'SOTTO', replicas: 3 }))`.
 * @throws INVALID_ARGUMENT
 */
export function natsStreamConfig(options: NatsStreamOptions): NatsStreamConfig {
  const { stream, replicas = 1, maxAgeDays = 30, duplicateWindowSeconds = 120 } = options;
  const { prefix = DEFAULT_PREFIX, maxEnvelopeBytes = DEFAULT_MAX_ENVELOPE_BYTES } = options;
  if (![1, 3, 5].includes(replicas)) throw invalidArgument('replicas', 'not 1, 3 or 5');
  if (!(maxAgeDays > 0)) throw invalidArgument('maxAgeDays', 'not a positive number');
  return {
    name: stream,
    subjects: [`${prefix}.*`],
    retention: 'limits',
    storage: 'file',
    discard: 'old',
    num_replicas: replicas,
    max_age: nanoseconds(maxAgeDays * 24 * 60 * 60),
    max_bytes: options.maxBytes ?? -1,
    max_msgs_per_subject: options.maxEnvelopesPerTopic ?? 100_000,
    // The id that recognises an envelope travels beside it.
    max_msg_size: maxEnvelopeBytes + 1024,
    duplicate_window: nanoseconds(duplicateWindowSeconds),
    allow_direct: true,
    deny_delete: true,
    deny_purge: true,
    republish: { src: `${prefix}.*`, dest: `${prefix}.live.{{wildcard(1)}}` },
  };
}

function nanoseconds(seconds: number): number {
  return Math.round(seconds * 1e9);
}
