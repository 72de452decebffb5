import { type JetStreamClient, jetstream } from '@nats-io/jetstream';
import type { NatsConnection, Subscription } from '@nats-io/nats-core';
import { sha256 } from '@noble/hashes/sha2.js';
import { type Clock, concatBytes, encodeHex, SottoError, type Topic } from '@sotto/core';
import type { Pipe, PipeEvents } from '@sotto/whisper-transport';
import { readHistory } from './history.js';
import { retried } from './retry.js';
import { subjectOf, topicOf } from './subjects.js';

/** What a pipe needs to know. */
export interface NatsSettings {
  readonly stream: string | undefined;
  readonly prefix: string;
  readonly maxEnvelopeBytes: number;
  readonly callTimeout: number;
  readonly retryFor: number;
  readonly clock: Clock;
}

/** Bytes of a message that aren't the envelope. */
const HEADER_BYTES = 256;

/** One connection to NATS. */
export class NatsPipe implements Pipe {
  readonly #connection: NatsConnection;
  readonly #events: PipeEvents;
  readonly #settings: NatsSettings;
  readonly #jetstream: JetStreamClient;
  /** By subject. */
  readonly #subscriptions = new Map<string, Subscription>();

  private constructor(connection: NatsConnection, events: PipeEvents, settings: NatsSettings) {
    this.#connection = connection;
    this.#events = events;
    this.#settings = settings;
    this.#jetstream = jetstream(connection, { timeout: settings.callTimeout });
  }

  /** @throws TRANSPORT_REFUSED when the servers accept only smaller messages */
  static async open(
    connection: NatsConnection,
    events: PipeEvents,
    settings: NatsSettings,
  ): Promise<NatsPipe> {
    const most = connection.info?.max_payload ?? Number.POSITIVE_INFINITY;
    if (most < settings.maxEnvelopeBytes + HEADER_BYTES) {
      await connection.close();
      const reason = `the server accepts ${most} bytes, not ${settings.maxEnvelopeBytes}; set maxEnvelopeBytes`;
      throw new SottoError('TRANSPORT_REFUSED', `The server can't be used: ${reason}.`, { reason });
    }
    const pipe = new NatsPipe(connection, events, settings);
    void pipe.#watch();
    return pipe;
  }

  async publish(topic: Topic, envelope: Uint8Array): Promise<void> {
    const { stream, prefix, callTimeout } = this.#settings;
    const subject = subjectOf(prefix, topic);
    if (stream === undefined) {
      this.#connection.publish(subject, envelope);
      return this.#connection.flush();
    }
    const msgID = encodeHex(sha256(concatBytes(topic, envelope)).subarray(0, 16));
    const expect = { streamName: stream };
    await retried(this.#settings, () =>
      this.#jetstream.publish(subject, envelope, { msgID, timeout: callTimeout, expect }),
    );
  }

  async subscribe(topics: readonly Topic[]): Promise<void> {
    const { prefix } = this.#settings;
    const wanted = new Map(topics.map((topic) => [subjectOf(prefix, topic), topic]));
    for (const [subject, subscription] of this.#subscriptions) {
      if (wanted.has(subject)) continue;
      subscription.unsubscribe();
      this.#subscriptions.delete(subject);
    }
    for (const [subject, topic] of wanted) {
      if (this.#subscriptions.has(subject)) continue;
      const callback = (error: Error | null, { data }: { readonly data: Uint8Array }) => {
        if (error === null) this.#events.deliver(topic, data);
      };
      this.#subscriptions.set(subject, this.#connection.subscribe(subject, { callback }));
    }
    await this.#connection.flush();
  }

  async history(topics: readonly Topic[], from: number, to: number): Promise<void> {
    const { stream, prefix, callTimeout, retryFor, clock } = this.#settings;
    if (stream === undefined) return;
    await readHistory({
      connection: this.#connection,
      jetstream: this.#jetstream,
      stream,
      subjects: topics.map((topic) => subjectOf(prefix, topic)),
      from,
      to,
      callTimeout,
      retryFor,
      clock,
      onMessage: ({ subject, data }) => {
        const topic = topicOf(prefix, subject);
        if (topic !== undefined) this.#events.deliver(topic, data, { fromHistory: true });
      },
    });
  }

  close(): Promise<void> {
    return this.#connection.close();
  }

  /** The client reconnects, and subscribes again, by itself. */
  async #watch(): Promise<void> {
    for await (const { type } of this.#connection.status()) {
      if (type === 'disconnect') this.#events.status('reconnecting');
      // Once flushed, the server has the subscriptions.
      if (type === 'reconnect')
        this.#connection.flush().then(
          () => this.#events.status('connected'),
          () => undefined, // lost again, which is reported as well
        );
    }
  }
}
