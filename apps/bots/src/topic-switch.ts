import { setTimeout } from 'node:timers/promises';
import {
  type Carrier,
  type CarrierConnection,
  type CarrierHandler,
  encodeHex,
  invalidArgument,
  isSottoError,
  type Topic,
} from '@sotto/core';

/** One of those who share the connection. */
export interface Subscriber {
  /** Called when something arrives on its topics and no messenger of it is connected. */
  wake(): void;
  /** Called with the topics that its messenger now subscribes to. */
  onTopics(topics: readonly Topic[]): Promise<void>;
}

interface Line {
  readonly subscriber: Subscriber;
  topics: readonly Topic[];
  handler: CarrierHandler | undefined;
  /** What arrived while its messenger was being opened. */
  readonly kept: { readonly topic: Topic; readonly envelope: Uint8Array; readonly sentAt?: number }[];
}

/** Envelopes kept for a bot that is being woken; what doesn't fit is in the history. */
const MOST_KEPT = 100;
/** The list of all topics is sent this many milliseconds after somebody has asked for it, for all who ask meanwhile. */
const TOGETHER_MS = 250;
/** The pause before another attempt while the network is away, in milliseconds. */
const RETRY_MS = 1_000;
/** Topics of one request for history. */
const TOPICS_AT_ONCE = 1_000;

/** One connection of a carrier, shared by many bots: what arrives on a topic goes to those whose topic it is. */
export class TopicSwitch {
  readonly #carrier: Carrier;
  readonly #lines = new Map<Subscriber, Line>();
  readonly #byTopic = new Map<string, Set<Line>>();
  #connection!: CarrierConnection;
  /** The list that is sent next, if anybody has asked for it. */
  #asked: Promise<void> | undefined;
  /** Resolves when the list before was sent. */
  #sent: Promise<void> = Promise.resolve();

  private constructor(carrier: Carrier) {
    this.#carrier = carrier;
  }

  /** Connects. */
  static async open(carrier: Carrier): Promise<TopicSwitch> {
    const result = new TopicSwitch(carrier);
    result.#connection = await carrier.open({
      onEnvelope: (topic, envelope, fromHistory, sentAt) =>
        result.#deliver(topic, envelope, fromHistory, sentAt),
      onStatus: (status) => {
        for (const { handler } of result.#lines.values()) handler?.onStatus?.(status);
      },
    });
    return result;
  }

  /** Adds a bot that sleeps, with the topics that its messenger had last. */
  async add(subscriber: Subscriber, topics: readonly Topic[]): Promise<void> {
    this.#lines.set(subscriber, { subscriber, topics: [], handler: undefined, kept: [] });
    await this.#setTopics(subscriber, topics);
  }

  /** Removes a bot. */
  async remove(subscriber: Subscriber): Promise<void> {
    await this.#setTopics(subscriber, []);
    this.#lines.delete(subscriber);
  }

  /** Wakes those for whom something was sent since a time, in milliseconds since the epoch. */
  async lookBack(subscribers: readonly Subscriber[], from: number, to: number): Promise<void> {
    const topics = subscribers.flatMap((one) => this.#lines.get(one)?.topics ?? []);
    for (let at = 0; at < topics.length; at += TOPICS_AT_ONCE) {
      const some = topics.slice(at, at + TOPICS_AT_ONCE);
      await this.#persist(async () => this.#connection.history?.(some, from, to));
    }
  }

  /** The carrier of one bot's messenger. */
  carrierFor(subscriber: Subscriber): Carrier {
    return {
      capabilities: this.#carrier.capabilities,
      open: async (handler) => this.#connect(this.#line(subscriber), handler),
    };
  }

  async close(): Promise<void> {
    await this.#connection.close();
  }

  #connect(line: Line, handler: CarrierHandler): CarrierConnection {
    line.handler = handler;
    handler.onStatus?.('connected');
    const connection = this.#connection;
    return {
      publish: (topic, envelope, options) => connection.publish(topic, envelope, options),
      subscribe: async (topics) => {
        await this.#setTopics(line.subscriber, topics);
        await line.subscriber.onTopics(topics);
        for (const { topic, envelope, sentAt } of line.kept.splice(0)) {
          await handler.onEnvelope(topic, envelope, false, sentAt);
        }
      },
      ...(connection.history && {
        history: (topics, from, to, options) =>
          connection.history?.(topics, from, to, options) as Promise<void>,
      }),
      close: async () => {
        if (line.handler === handler) line.handler = undefined;
      },
    };
  }

  async #deliver(topic: Topic, envelope: Uint8Array, fromHistory: boolean, sentAt?: number): Promise<void> {
    for (const line of [...(this.#byTopic.get(encodeHex(topic)) ?? [])]) {
      if (line.handler !== undefined) {
        await line.handler.onEnvelope(topic, new Uint8Array(envelope), fromHistory, sentAt);
        continue;
      }
      if (line.kept.length < MOST_KEPT) {
        line.kept.push({
          topic,
          envelope: new Uint8Array(envelope),
          ...(sentAt !== undefined && { sentAt }),
        });
      }
      line.subscriber.wake();
    }
  }

  async #setTopics(subscriber: Subscriber, topics: readonly Topic[]): Promise<void> {
    const line = this.#line(subscriber);
    for (const topic of line.topics) {
      const name = encodeHex(topic);
      const lines = this.#byTopic.get(name);
      lines?.delete(line);
      if (lines?.size === 0) this.#byTopic.delete(name);
    }
    let isNew = false;
    for (const topic of topics) {
      const name = encodeHex(topic);
      let lines = this.#byTopic.get(name);
      if (lines === undefined) {
        lines = new Set();
        this.#byTopic.set(name, lines);
        isNew = true;
      }
      lines.add(line);
    }
    line.topics = topics.map((topic) => new Uint8Array(topic));
    // Topics that nobody wants any more stay until others are added.
    if (isNew) await this.#subscribe();
  }

  /** Sends the whole list, together for all who ask meanwhile. */
  #subscribe(): Promise<void> {
    this.#asked ??= this.#subscribeSoon();
    return this.#asked;
  }

  async #subscribeSoon(): Promise<void> {
    await this.#sent;
    await setTimeout(TOGETHER_MS);
    const sending = this.#persist(() =>
      this.#connection.subscribe(
        [...this.#byTopic.keys()].map((name) => Uint8Array.from(Buffer.from(name, 'hex'))),
      ),
    );
    this.#asked = undefined;
    this.#sent = sending.catch(() => {});
    await sending;
  }

  /** Tries again while the network is away. */
  async #persist(run: () => Promise<void>): Promise<void> {
    for (;;) {
      try {
        return await run();
      } catch (error) {
        if (!isSottoError(error, 'TRANSPORT_UNAVAILABLE') && !isSottoError(error, 'TIMEOUT')) throw error;
        await setTimeout(RETRY_MS);
      }
    }
  }

  #line(subscriber: Subscriber): Line {
    const line = this.#lines.get(subscriber);
    if (line === undefined) throw invalidArgument('subscriber', 'not added');
    return line;
  }
}
