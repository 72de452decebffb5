import { type Carrier, type Clock, invalidArgument, systemClock, type Topic } from '@sotto/core';
import { createPipeCarrier } from '@sotto/whisper-transport';
import { STATUS_PUBSUB_TOPIC } from './content-topic.js';
import type { WakuNode } from './node.js';
import { type NodeUser, SharedNode } from './shared-node.js';
import { MAX_MESSAGE_BYTES, MESSAGE_OVERHEAD } from './waku-message.js';

/** Options of {@link createWakuCarrier}. */
export interface WakuCarrierOptions {
  /**
   * The pubsub topic, or a function that spreads topics over several; the node must be configured for them. Everyone who talks to each
   * other needs the same. Default: `/waku/2/rs/16/32`, as with Status.
   */
  readonly pubsubTopic?: string | ((topic: Topic) => string) | undefined;
  /** The label of what we send. Default 1, RFC 26; 0 and 1 are both read. */
  readonly version?: 0 | 1 | undefined;
  /** Whether store nodes are asked not to keep what we send, which isn't in any history then. Default false. */
  readonly ephemeral?: boolean | undefined;
  /** Peers that have to accept a message; the node must use as many (`numPeersToUse`). Default 1. */
  readonly confirmations?: number | undefined;
  /** Whether connections have `history`. Default: whether the node has a store. */
  readonly history?: boolean | undefined;
  /** Largest message in bytes, sent or received, which is 64 more than the largest envelope. Default 1 MiB, as with Status; other networks have 150 KiB. */
  readonly maxMessageBytes?: number | undefined;
  /** Most messages of one request for history, so that a store that never ends doesn't keep us. Default 100,000. */
  readonly maxHistoryMessages?: number | undefined;
  /** Hashes of messages remembered, to drop what several peers send. Default 50,000: 10 MB at most. */
  readonly remembered?: number | undefined;
  /** Milliseconds until a call of the node fails. Default 15,000. */
  readonly callTimeout?: number | undefined;
  /** Milliseconds between checks whether service nodes still know our subscriptions. Default 30,000. */
  readonly checkInterval?: number | undefined;
  /** Dates what is sent without a time, and times the waits. Default: the system's clock. */
  readonly clock?: Clock | undefined;
}

/**
 * A carrier over the application's own Waku node: light push, filter and store of a light node, or relay. The node is started and
 * connected, and stopped, by the application; create one carrier for each node. Connections of a carrier share its subscriptions.
 *
 * Envelopes travel as the payloads of Waku messages. Peers see topics, sizes, times, and our address; never keys, senders or contents.
 * @throws INVALID_ARGUMENT
 */
export function createWakuCarrier(node: WakuNode, options: WakuCarrierOptions = {}): Carrier {
  const { pubsubTopic = STATUS_PUBSUB_TOPIC, version = 1, ephemeral = false, confirmations = 1 } = options;
  const { maxMessageBytes = MAX_MESSAGE_BYTES, maxHistoryMessages = 100_000, remembered = 50_000 } = options;
  const { callTimeout = 15_000, checkInterval = 30_000, clock = systemClock } = options;
  const { history = node.store !== undefined } = options;
  if (!Number.isInteger(confirmations) || confirmations < 1)
    throw invalidArgument('confirmations', 'not a whole number of at least 1');
  if (!Number.isInteger(maxMessageBytes) || maxMessageBytes < 4096 || maxMessageBytes > MAX_MESSAGE_BYTES)
    throw invalidArgument('maxMessageBytes', 'not a whole number from 4,096 to 1,048,576');
  const shared = new SharedNode(node, {
    pubsubTopicOf: typeof pubsubTopic === 'function' ? pubsubTopic : () => pubsubTopic,
    version,
    ephemeral,
    confirmations,
    callTimeout,
    checkInterval,
    remembered,
    maxHistoryMessages,
    maxMessageBytes,
    clock,
  });
  return createPipeCarrier(
    (events) => {
      const user: NodeUser = {
        topics: new Set(),
        onMessage: (topic, payload, sentAt) => events.deliver(topic, payload, { sentAt }),
        onStatus: (status) => events.status(status),
      };
      shared.join(user);
      const deliver = (topic: Topic, payload: Uint8Array, sentAt: number | undefined) =>
        events.deliver(topic, payload, { sentAt, fromHistory: true });
      return {
        publish: (topic, envelope, sentAt) => shared.publish(user, topic, envelope, sentAt),
        subscribe: (topics) => shared.subscribe(user, topics),
        history: (topics, from, to) =>
          shared.history(user, topics, from, to, deliver, () => events.drained()),
        close: () => shared.leave(user).catch(() => undefined),
      };
    },
    { maxEnvelopeBytes: maxMessageBytes - MESSAGE_OVERHEAD, history },
  );
}
