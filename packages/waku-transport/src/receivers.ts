import type { Clock } from '@sotto/core';
import { unavailableError } from '@sotto/whisper-transport/internal';
import { decoderOf } from './codecs.js';
import { checkResult, within } from './failures.js';
import type { WakuDecodedMessage, WakuFilter, WakuLightNode, WakuRelay, WakuSubscription } from './node.js';
import { PushStreams } from './push-streams.js';

/** Content topics of one filter request: what service nodes accept. */
const TOPICS_PER_REQUEST = 100;

/** Receives messages by content topic. */
export interface Receiver {
  /** Whether what we publish ourselves comes back. */
  readonly echoes: boolean;
  /**
   * Begins to receive.
   * @throws TRANSPORT_UNAVAILABLE, TRANSPORT_REFUSED
   */
  add(pubsubTopic: string, contentTopics: readonly string[]): Promise<void>;
  /** Stops receiving; what comes nevertheless is ignored elsewhere. */
  remove(pubsubTopic: string, contentTopics: readonly string[]): Promise<void>;
  /** Whether the other side still knows our subscriptions. */
  isAlive(): Promise<boolean>;
  /** Forgets all subscriptions, so that they are made again with other peers. */
  reset(): Promise<void>;
  /** Ends what runs in the background. */
  stop(): void;
}

type OnMessage = (message: WakuDecodedMessage) => void;

/** Receives from service nodes, which are asked for our content topics. */
export class FilterReceiver implements Receiver {
  readonly echoes = true;
  readonly #filter: WakuFilter;
  readonly #onMessage: OnMessage;
  readonly #clock: Clock;
  readonly #callTimeout: number;
  readonly #streams: PushStreams;
  /** By pubsub topic. */
  readonly #subscriptions = new Map<string, WakuSubscription>();
  /** Pubsub topics of which content topics were removed since the last answer of the peers. */
  readonly #unconfirmed = new Set<string>();

  constructor({ filter, libp2p }: WakuLightNode, onMessage: OnMessage, clock: Clock, callTimeout: number) {
    this.#filter = filter;
    this.#streams = new PushStreams(libp2p, clock);
    this.#onMessage = (message) => {
      this.#streams.onMessage();
      onMessage(message);
    };
    this.#clock = clock;
    this.#callTimeout = callTimeout;
  }

  async add(pubsubTopic: string, contentTopics: readonly string[]): Promise<void> {
    // The SDK doesn't wait for answers to `unsubscribe`; a topic that returns would be removed if its request were overtaken.
    if (this.#unconfirmed.delete(pubsubTopic))
      await this.#quietly(async () => this.#subscriptions.get(pubsubTopic)?.ping());
    for (let i = 0; i < contentTopics.length; i += TOPICS_PER_REQUEST) {
      const some = contentTopics.slice(i, i + TOPICS_PER_REQUEST);
      const decoders = some.map((contentTopic) => decoderOf(pubsubTopic, contentTopic));
      const { subscription, error, results } = await this.#call(() =>
        this.#filter.subscribe(decoders, this.#onMessage),
      );
      if (subscription === null || results === null)
        throw unavailableError(`no Waku node accepts subscriptions: ${error ?? 'no reason given'}`);
      this.#subscriptions.set(pubsubTopic, subscription);
      checkResult(results, 1);
    }
  }

  async remove(pubsubTopic: string, contentTopics: readonly string[]): Promise<void> {
    const subscription = this.#subscriptions.get(pubsubTopic);
    if (subscription === undefined) return;
    this.#unconfirmed.add(pubsubTopic);
    for (let i = 0; i < contentTopics.length; i += TOPICS_PER_REQUEST)
      await this.#quietly(() => subscription.unsubscribe(contentTopics.slice(i, i + TOPICS_PER_REQUEST)));
  }

  async isAlive(): Promise<boolean> {
    this.#streams.close();
    for (const subscription of this.#subscriptions.values()) {
      const result = await this.#quietly(() => subscription.ping());
      if (result === undefined || result.successes.length === 0) return false;
    }
    return true;
  }

  async reset(): Promise<void> {
    const subscriptions = [...this.#subscriptions.values()];
    this.#subscriptions.clear();
    this.#unconfirmed.clear();
    for (const subscription of subscriptions) await this.#quietly(() => subscription.unsubscribeAll());
  }

  stop(): void {
    this.#streams.stop();
  }

  #call<T>(call: () => Promise<T>): Promise<T> {
    return within(this.#clock, this.#callTimeout, call);
  }

  /** The peer may be gone, which is no failure of ours. */
  #quietly<T>(call: () => Promise<T>): Promise<T | undefined> {
    return this.#call(call).catch(() => undefined);
  }
}

/** Receives all messages of the pubsub topic, as every relay node does, and picks ours. */
export class RelayReceiver implements Receiver {
  readonly echoes = false;
  readonly #relay: WakuRelay;
  readonly #onMessage: OnMessage;
  /** By pubsub topic and content topic. */
  readonly #ends = new Map<string, () => void | Promise<void>>();

  constructor(relay: WakuRelay, onMessage: OnMessage) {
    this.#relay = relay;
    this.#onMessage = onMessage;
  }

  async add(pubsubTopic: string, contentTopics: readonly string[]): Promise<void> {
    for (const contentTopic of contentTopics) {
      const decoders = [decoderOf(pubsubTopic, contentTopic)];
      const end = await this.#relay.subscribeWithUnsubscribe(decoders, this.#onMessage);
      this.#ends.set(`${pubsubTopic} ${contentTopic}`, end);
    }
  }

  async remove(pubsubTopic: string, contentTopics: readonly string[]): Promise<void> {
    for (const contentTopic of contentTopics) {
      const key = `${pubsubTopic} ${contentTopic}`;
      await this.#ends.get(key)?.();
      this.#ends.delete(key);
    }
  }

  async isAlive(): Promise<boolean> {
    return true;
  }

  async reset(): Promise<void> {
    for (const end of this.#ends.values()) await end();
    this.#ends.clear();
  }

  stop(): void {}
}
