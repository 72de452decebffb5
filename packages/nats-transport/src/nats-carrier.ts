import type { NatsConnection } from '@nats-io/nats-core';
import { type Carrier, type Clock, invalidArgument, systemClock } from '@sotto/core';
import { createPipeCarrier } from '@sotto/whisper-transport';
import type { NatsConnectionLike } from './connection.js';
import { DEFAULT_MAX_ENVELOPE_BYTES, DEFAULT_PREFIX } from './defaults.js';
import { NatsPipe } from './nats-pipe.js';

/** Options of {@link createNatsCarrier}. */
export interface NatsCarrierOptions {
  /**
   * Opens a connection, which the carrier closes: `() => connect({ servers, maxReconnectAttempts: -1 })` of
   * `@nats-io/transport-node`, or `wsconnect` of `@nats-io/nats-core` in browsers. Let it reconnect without end.
   */
  readonly connect: () => Promise<NatsConnectionLike>;
  /** JetStream's stream, see `natsStreamConfig`. Without it there is no history, and an envelope reaches only those who are connected. */
  readonly stream?: string | undefined;
  /** First token of the subjects: `sotto` for `sotto.<topic>`. Default `sotto`. */
  readonly prefix?: string | undefined;
  /** Largest envelope in bytes. Default 1,000,000: servers accept 1 MiB by default, headers included. */
  readonly maxEnvelopeBytes?: number | undefined;
  /** Milliseconds until a call to a server times out and is tried again. Default 5,000. */
  readonly callTimeout?: number | undefined;
  /**
   * Milliseconds for which a failing call is tried again before it fails with TRANSPORT_UNAVAILABLE. Default 30,000: enough for a
   * cluster to elect another leader.
   */
  readonly retryFor?: number | undefined;
  /**
   * Milliseconds between checks whether subscriptions have lost the latest envelope of a topic: one call for each topic. Lost ones are
   * also noticed by the next of the same topic, and when servers come or go. Default 600,000.
   */
  readonly checkInterval?: number | undefined;
  /** Times the waits between attempts and checks. Default: the system's clock. */
  readonly clock?: Clock | undefined;
}

/**
 * A carrier over a NATS server or cluster: a subject for each topic, and a JetStream stream as history. With a stream, `publish` resolves
 * when the stream has stored the envelope, on most of its replicas; one that is published again, after a lost answer, is stored once.
 *
 * Servers see topics, sizes, times and addresses; never keys, senders or contents.
 * @throws INVALID_ARGUMENT
 */
export function createNatsCarrier(options: NatsCarrierOptions): Carrier {
  const { connect, stream, prefix = DEFAULT_PREFIX } = options;
  const { maxEnvelopeBytes = DEFAULT_MAX_ENVELOPE_BYTES, callTimeout = 5_000, retryFor = 30_000 } = options;
  const { checkInterval = 600_000, clock = systemClock } = options;
  if (typeof connect !== 'function') throw invalidArgument('connect', 'not a function');
  if (!/^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/.test(prefix))
    throw invalidArgument('prefix', 'not tokens of letters, digits, _ and -');
  if (stream !== undefined && !/^[A-Za-z0-9_-]+$/.test(stream))
    throw invalidArgument('stream', 'not letters, digits, _ and -');
  const settings = { stream, prefix, maxEnvelopeBytes, callTimeout, retryFor, checkInterval, clock };
  return createPipeCarrier(
    async (events, signal) => {
      const connection = (await connect()) as NatsConnection;
      if (signal?.aborted) await connection.close();
      return NatsPipe.open(connection, events, settings);
    },
    { maxEnvelopeBytes, history: stream !== undefined },
  );
}
