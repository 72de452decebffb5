import { type Clock, DedupSet, encodeHex, SerialQueue, type Topic } from '@sotto/core';
import { DEFAULT_BACK_OFF, unavailableError } from '@sotto/whisper-transport/internal';
import { encoderOf, isReadable, millisecondsOf, nanosecondsOf } from './codecs.js';
import { contentTopicOf, topicOfContentTopic } from './content-topic.js';
import { checkResult, within } from './failures.js';
import type { WakuDecodedMessage, WakuLightNode, WakuNode, WakuSender } from './node.js';
import { FilterReceiver, type Receiver, RelayReceiver } from './receivers.js';
import { readStore } from './store-history.js';
import { countStorePeers } from './store-peers.js';
import { TaskLimit } from './task-limit.js';
import { type WakuMessage, wakuMessageHash } from './waku-message.js';

/** Messages on their way to the node: each takes a stream, and service nodes accept about 32 from a peer. */
const PUBLISHED_AT_ONCE = 16;

/** How a node is used. */
export interface NodeSettings {
  readonly pubsubTopicOf: (topic: Topic) => string;
  readonly version: 0 | 1;
  readonly ephemeral: boolean;
  readonly confirmations: number;
  readonly callTimeout: number;
  readonly checkInterval: number;
  readonly remembered: number;
  readonly maxHistoryMessages: number;
  readonly maxMessageBytes: number;
  readonly clock: Clock;
}

/** A connection that uses the node. */
export interface NodeUser {
  /** Content topics. */
  topics: ReadonlySet<string>;
  onMessage(topic: Topic, payload: Uint8Array, sentAt: number | undefined): void;
  onStatus(status: 'connected' | 'reconnecting'): void;
}

/** A node with all connections that use it: it has a single subscription for each content topic. */
export class SharedNode {
  readonly #node: WakuNode;
  readonly #settings: NodeSettings;
  readonly #sender: WakuSender;
  readonly #receiver: Receiver;
  readonly #users = new Set<NodeUser>();
  readonly #messages: DedupSet<string>;
  readonly #queue = new SerialQueue();
  readonly #publishing = new TaskLimit(PUBLISHED_AT_ONCE);
  /** What the receiver has: pubsub topics by content topic. */
  readonly #subscribed = new Map<string, string>();
  #isUp = true;
  #failures = 0;
  #cancelCheck = () => {};
  #nextCheck: Promise<void> | undefined;
  #sent = 0;
  readonly #onPeers = () => void this.#check();

  constructor(node: WakuNode, settings: NodeSettings) {
    this.#node = node;
    this.#settings = settings;
    this.#messages = new DedupSet(settings.remembered);
    const onMessage = (message: WakuDecodedMessage) => this.#receive(message.pubsubTopic, message.raw);
    if ('relay' in node && node.relay !== undefined) {
      this.#sender = node.relay;
      this.#receiver = new RelayReceiver(node.relay, onMessage);
    } else {
      const light = node as WakuLightNode;
      this.#sender = light.lightPush;
      this.#receiver = new FilterReceiver(light, onMessage, settings.clock, settings.callTimeout);
    }
  }

  /** @throws TRANSPORT_UNAVAILABLE when the node has no peers */
  join(user: NodeUser): void {
    if (!this.#node.isConnected()) throw unavailableError('the Waku node has no peers');
    this.#users.add(user);
    if (this.#users.size > 1) return;
    this.#isUp = true;
    this.#node.libp2p.addEventListener('peer:connect', this.#onPeers);
    this.#node.libp2p.addEventListener('peer:disconnect', this.#onPeers);
    this.#scheduleCheck(this.#settings.checkInterval);
  }

  async leave(user: NodeUser): Promise<void> {
    if (!this.#users.delete(user)) return;
    if (this.#users.size === 0) {
      this.#cancelCheck();
      this.#node.libp2p.removeEventListener('peer:connect', this.#onPeers);
      this.#node.libp2p.removeEventListener('peer:disconnect', this.#onPeers);
    }
    await this.#queue.run(() => this.#synchronize());
    if (this.#users.size === 0) this.#receiver.stop();
  }

  /** @throws TRANSPORT_UNAVAILABLE; the topics are subscribed to once it is possible */
  async subscribe(user: NodeUser, topics: readonly Topic[]): Promise<void> {
    user.topics = new Set(topics.map(contentTopicOf));
    try {
      await this.#queue.run(() => this.#synchronize());
    } catch (error) {
      this.#goDown();
      throw error;
    }
  }

  /** @throws TRANSPORT_UNAVAILABLE, TRANSPORT_REFUSED */
  publish(user: NodeUser, topic: Topic, payload: Uint8Array, sentAt: number | undefined): Promise<void> {
    return this.#publishing.run(async () => {
      if (!this.#users.has(user))
        throw unavailableError('the connection was closed before the message was sent');
      await this.#publish(topic, payload, sentAt);
    });
  }

  async #publish(topic: Topic, payload: Uint8Array, sentAt: number | undefined): Promise<void> {
    const { pubsubTopicOf, version, ephemeral, confirmations, callTimeout, clock } = this.#settings;
    // Messages of the same content and time would count as one.
    const distinction = BigInt(this.#sent++ % 1_000_000);
    const message: WakuMessage = {
      payload,
      contentTopic: contentTopicOf(topic),
      version,
      timestamp: nanosecondsOf(sentAt ?? clock.now()) + distinction,
      meta: new Uint8Array(0),
      ephemeral,
    };
    const pubsubTopic = pubsubTopicOf(topic);
    const encoder = encoderOf(pubsubTopic, message);
    // Who sends decides whether to send again, so the node must not do so behind our back.
    const options = { autoRetry: false };
    const result = await within(clock, callTimeout, () => this.#sender.send(encoder, { payload }, options));
    checkResult(result, confirmations);
    if (!this.#receiver.echoes) this.#receive(pubsubTopic, message);
  }

  /** @throws TRANSPORT_UNAVAILABLE, LIMIT_EXCEEDED */
  async history(
    user: NodeUser,
    topics: readonly Topic[],
    from: number,
    to: number,
    deliver: (topic: Topic, payload: Uint8Array, sentAt: number | undefined) => void,
    drained: () => Promise<void>,
  ): Promise<void> {
    const { store } = this.#node;
    const { pubsubTopicOf, callTimeout, maxHistoryMessages, clock } = this.#settings;
    if (store === undefined) throw unavailableError('the Waku node has no store');
    const byPubsubTopic = new Map<string, Set<string>>();
    for (const topic of topics) addTo(byPubsubTopic, pubsubTopicOf(topic), contentTopicOf(topic));
    const budget = { limit: maxHistoryMessages, read: 0, waited: 0 };
    for (const [pubsubTopic, contentTopics] of byPubsubTopic) {
      await readStore({
        store,
        pubsubTopic,
        contentTopics: [...contentTopics],
        from,
        to,
        callTimeout,
        budget,
        clock,
        peers: () => countStorePeers(this.#node.libp2p),
        isConnected: () => this.#node.isConnected() && this.#users.has(user),
        isWanted: () => this.#users.has(user),
        drained,
        onMessage: (message) => {
          const topic = topicOfContentTopic(message.contentTopic);
          if (topic !== undefined && this.#isOfUse(message))
            deliver(topic, message.payload, sentAtOf(message.timestamp));
        },
      });
    }
  }

  #receive(pubsubTopic: string, message: WakuMessage): void {
    const topic = topicOfContentTopic(message.contentTopic);
    if (topic === undefined || !this.#isOfUse(message)) return;
    // Several peers may send the same.
    if (!this.#messages.add(encodeHex(wakuMessageHash(pubsubTopic, message)))) return;
    for (const user of this.#users)
      if (user.topics.has(message.contentTopic))
        user.onMessage(topic, message.payload, sentAtOf(message.timestamp));
  }

  /** The SDK passes on whatever size a peer sends. */
  #isOfUse(message: WakuMessage): boolean {
    return isReadable(message) && message.payload.length <= this.#settings.maxMessageBytes;
  }

  /** Makes the receiver's subscriptions those that all users want. */
  async #synchronize(): Promise<void> {
    const wanted = new Map<string, string>();
    for (const { topics } of this.#users) {
      for (const contentTopic of topics)
        wanted.set(contentTopic, this.#settings.pubsubTopicOf(topicOfContentTopic(contentTopic) as Topic));
    }
    const gone = new Map<string, Set<string>>();
    for (const [contentTopic, pubsubTopic] of this.#subscribed)
      if (!wanted.has(contentTopic)) addTo(gone, pubsubTopic, contentTopic);
    for (const [pubsubTopic, contentTopics] of gone) {
      await this.#receiver.remove(pubsubTopic, [...contentTopics]);
      for (const contentTopic of contentTopics) this.#subscribed.delete(contentTopic);
    }
    const missing = new Map<string, Set<string>>();
    for (const [contentTopic, pubsubTopic] of wanted)
      if (!this.#subscribed.has(contentTopic)) addTo(missing, pubsubTopic, contentTopic);
    for (const [pubsubTopic, contentTopics] of missing) {
      await this.#receiver.add(pubsubTopic, [...contentTopics]);
      for (const contentTopic of contentTopics) this.#subscribed.set(contentTopic, pubsubTopic);
    }
  }

  /** Notices lost peers, and subscribes again with others. However often peers come and go, one check waits. */
  #check(): Promise<void> {
    this.#nextCheck ??= this.#queue.run(async () => {
      this.#nextCheck = undefined;
      if (this.#users.size === 0) return;
      if (!this.#node.isConnected()) return this.#goDown();
      if (this.#isUp && (await this.#receiver.isAlive())) {
        this.#scheduleCheck(this.#settings.checkInterval);
        return;
      }
      this.#goDown();
      await this.#restore();
    });
    return this.#nextCheck;
  }

  async #restore(): Promise<void> {
    try {
      await this.#receiver.reset();
      this.#subscribed.clear();
      await this.#synchronize();
    } catch {
      this.#failures++;
      return this.#scheduleRetry();
    }
    this.#failures = 0;
    this.#isUp = true;
    this.#scheduleCheck(this.#settings.checkInterval);
    for (const user of this.#users) user.onStatus('connected');
  }

  #goDown(): void {
    this.#scheduleRetry();
    if (!this.#isUp) return;
    this.#isUp = false;
    for (const user of this.#users) user.onStatus('reconnecting');
  }

  #scheduleRetry(): void {
    const { first, most } = DEFAULT_BACK_OFF;
    this.#scheduleCheck(Math.min(most, first * 2 ** Math.min(this.#failures, 30)));
  }

  #scheduleCheck(milliseconds: number): void {
    this.#cancelCheck();
    if (this.#users.size === 0) return;
    this.#cancelCheck = this.#settings.clock.after(milliseconds, () => void this.#check());
  }
}

function sentAtOf(timestamp: bigint | undefined): number | undefined {
  return timestamp === undefined ? undefined : millisecondsOf(timestamp);
}

function addTo(map: Map<string, Set<string>>, key: string, member: string): void {
  const members = map.get(key) ?? new Set();
  members.add(member);
  map.set(key, members);
}
