import { type JetStreamClient, jetstream } from '@nats-io/jetstream';
import type { Msg, NatsConnection, Subscription } from '@nats-io/nats-core';
import { sha256 } from '@noble/hashes/sha2.js';
import { type Clock, concatBytes, encodeHex, SottoError, type Topic } from '@sotto/core';
import type { Pipe, PipeEvents } from '@sotto/whisper-transport';
import { concurrently } from './concurrently.js';
import { readHistory } from './history.js';
import type { StreamAccess } from './last-message.js';
import { LiveTopic } from './live-topic.js';
import { retried } from './retry.js';
import { liveSubjectOf, subjectOf, topicOf } from './subjects.js';

/** What a pipe needs to know. */
export interface NatsSettings {
  readonly stream: string | undefined;
  readonly prefix: string;
  readonly maxEnvelopeBytes: number;
  readonly callTimeout: number;
  readonly retryFor: number;
  readonly checkInterval: number;
  readonly clock: Clock;
}

/** A topic that is subscribed to. `live` with a stream. */
interface Subscribed {
  readonly subscription: Subscription;
  readonly live: LiveTopic | undefined;
}

/** Milliseconds after which topics are checked when servers have come or gone: soon, and when the cluster has settled. */
const CHECKS_AFTER_CHANGE_MS = [1_000, 10_000];

/** Bytes of a message that aren't the envelope. */
const HEADER_BYTES = 256;

/** One connection to NATS. */
export class NatsPipe implements Pipe {
  readonly #connection: NatsConnection;
  readonly #events: PipeEvents;
  readonly #settings: NatsSettings;
  readonly #jetstream: JetStreamClient;
  /** By the subject that the stream stores. */
  readonly #subscribed = new Map<string, Subscribed>();
  /** Absent without a stream. */
  readonly #access: StreamAccess | undefined;
  /** Stop the timers of checks: the regular one, and those after a change by their wait. */
  readonly #checks = new Map<'regular' | number, () => void>();
  #closed = false;

  private constructor(connection: NatsConnection, events: PipeEvents, settings: NatsSettings) {
    this.#connection = connection;
    this.#events = events;
    this.#settings = settings;
    this.#jetstream = jetstream(connection, { timeout: settings.callTimeout });
    const { stream, callTimeout, retryFor, clock } = settings;
    if (stream !== undefined)
      this.#access = { connection, jetstream: this.#jetstream, stream, callTimeout, retryFor, clock };
  }

  /** @throws TRANSPORT_REFUSED when the servers accept only smaller messages, or the stream doesn't publish what it stores again */
  static async open(
    connection: NatsConnection,
    events: PipeEvents,
    settings: NatsSettings,
  ): Promise<NatsPipe> {
    const most = connection.info?.max_payload ?? Number.POSITIVE_INFINITY;
    const pipe = new NatsPipe(connection, events, settings);
    const reason =
      most < settings.maxEnvelopeBytes + HEADER_BYTES
        ? `the server accepts ${most} bytes, not ${settings.maxEnvelopeBytes}; set maxEnvelopeBytes`
        : await pipe.#faultOfStream();
    if (reason !== undefined) {
      await connection.close();
      throw new SottoError('TRANSPORT_REFUSED', `The server can't be used: ${reason}.`, { reason });
    }
    void pipe.#watch();
    if (pipe.#access !== undefined) pipe.#checkRepeatedly();
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
    for (const [subject, { subscription }] of this.#subscribed) {
      if (wanted.has(subject)) continue;
      subscription.unsubscribe();
      this.#subscribed.delete(subject);
    }
    const added: LiveTopic[] = [];
    for (const [subject, topic] of wanted) {
      if (this.#subscribed.has(subject)) continue;
      const subscribed = this.#subscribe(subject, topic);
      this.#subscribed.set(subject, subscribed);
      if (subscribed.live !== undefined) added.push(subscribed.live);
    }
    await this.#connection.flush();
    await concurrently(added, (live) => live.check());
  }

  #subscribe(subject: string, topic: Topic): Subscribed {
    const deliver = (envelope: Uint8Array, fromHistory = false) =>
      this.#events.deliver(topic, envelope, { fromHistory });
    const drained = () => this.#events.drained();
    const live =
      this.#access === undefined ? undefined : new LiveTopic(this.#access, subject, deliver, drained);
    const callback = (error: Error | null, message: Msg) => {
      if (error !== null) return;
      if (live === undefined) deliver(message.data);
      else live.receive(message);
    };
    const source = live === undefined ? subject : liveSubjectOf(this.#settings.prefix, topic);
    return { subscription: this.#connection.subscribe(source, { callback }), live };
  }

  async history(topics: readonly Topic[], from: number, to: number): Promise<void> {
    const { prefix } = this.#settings;
    if (this.#access === undefined) return;
    await readHistory({
      access: this.#access,
      subjects: topics.map((topic) => subjectOf(prefix, topic)),
      from: { time: from },
      to,
      onMessage: ({ subject, data }) => {
        const topic = topicOf(prefix, subject);
        if (topic !== undefined) this.#events.deliver(topic, data, { fromHistory: true });
      },
      drained: () => this.#events.drained(),
    });
  }

  close(): Promise<void> {
    this.#closed = true;
    for (const stop of this.#checks.values()) stop();
    return this.#connection.close();
  }

  /** Why the stream can't be received from; `undefined` also when we may not know, or nobody answers. */
  async #faultOfStream(): Promise<string | undefined> {
    const { stream, prefix } = this.#settings;
    if (stream === undefined) return undefined;
    try {
      const manager = await this.#jetstream.jetstreamManager(false);
      const { config } = await manager.streams.info(stream);
      const isFit = config.republish?.dest.startsWith(`${prefix}.live.`) && !config.republish.headers_only;
      return isFit
        ? undefined
        : `stream ${stream} doesn't publish again what it stores; update it with natsStreamConfig`;
    } catch {
      return undefined;
    }
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
      if (type === 'reconnect' || type === 'update')
        for (const wait of CHECKS_AFTER_CHANGE_MS) this.#after(wait, wait, () => this.#check());
    }
  }

  #checkRepeatedly(): void {
    this.#after('regular', this.#settings.checkInterval, async () => {
      await this.#check();
      this.#checkRepeatedly();
    });
  }

  /** Reads what subscriptions have lost. */
  #check(): Promise<void> {
    const live = [...this.#subscribed.values()].flatMap(({ live }) => live ?? []);
    return concurrently(live, (topic) => topic.check());
  }

  #after(which: 'regular' | number, wait: number, run: () => Promise<void>): void {
    if (this.#closed) return;
    // One that is planned already is put off, so that servers that come and go have no more to answer.
    this.#checks.get(which)?.();
    const stop = this.#settings.clock.after(wait, () => {
      this.#checks.delete(which);
      void run();
    });
    this.#checks.set(which, stop);
  }
}
