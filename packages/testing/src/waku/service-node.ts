import { compareBytes, concatBytes } from '@sotto/core';
import { PUBSUB_TOPIC, type RealNodes, type RelayNode } from './real-nodes.js';

/** Messages of a page of the store: fewer than asked for, so that a few messages make pages. */
const PAGE = 10;

/** What is used of a WakuMessage. */
export interface StoredMessage {
  readonly payload: Uint8Array;
  readonly contentTopic: string;
  readonly version: number | undefined;
  readonly timestamp: bigint | undefined;
}

const PUSH = '/vac/waku/filter-push/2.0.0-beta1';

/** What a service node does wrong. */
export interface Misdeeds {
  /** Services that never answer. */
  silent?: boolean;
  /** What the store answers, instead of what it has. */
  page?: (() => readonly StoredMessage[]) | undefined;
}

type Part = 'proto' | 'hash' | 'lengthPrefixed' | 'pipe' | 'all';
type Stream = never;
interface Incoming {
  readonly stream: Stream;
  readonly connection: { readonly remotePeer: { toString(): string } };
}

/**
 * A scripted service node: light push, filter and store, spoken over real libp2p to real light nodes. Only what the suite needs; it
 * relays to nobody else.
 */
export class ServiceNode {
  readonly stored: StoredMessage[] = [];
  readonly misdeeds: Misdeeds = {};
  readonly node: RelayNode;
  /** Content topics by peer. */
  readonly #subscribers = new Map<string, { readonly peer: unknown; readonly topics: Set<string> }>();
  // biome-ignore lint/suspicious/noExplicitAny: packages that aren't installed where this is compiled
  readonly #wire: Record<Part, any>;

  private constructor(node: RelayNode, wire: Record<Part, unknown>) {
    this.node = node;
    this.#wire = wire;
  }

  static async start(nodes: RealNodes): Promise<ServiceNode> {
    const wire = {
      proto: await nodes.load('@waku/proto/dist/index.js'),
      hash: (await nodes.load('@waku/message-hash/dist/index.js')).messageHash,
      lengthPrefixed: await nodes.load('it-length-prefixed/dist/src/index.js'),
      pipe: (await nodes.load('it-pipe/dist/src/index.js')).pipe,
      all: (await nodes.load('it-all/dist/src/index.js')).default,
    };
    const service = new ServiceNode(await nodes.startRelay(), wire);
    await service.#serve('/vac/waku/lightpush/2.0.0-beta1', (bytes) => service.#lightPush(bytes));
    await service.#serve('/vac/waku/filter-subscribe/2.0.0-beta1', (bytes, peer) =>
      service.#filter(bytes, peer),
    );
    await service.#serve('/vac/waku/store-query/3.0.0', (bytes) => service.#store(bytes));
    return service;
  }

  /** Where it listens, with its id. */
  get address(): string {
    return String(this.node.libp2p.getMultiaddrs()[0]);
  }

  /** Forgets all subscriptions, as a node does that was started anew. */
  forget(): void {
    this.#subscribers.clear();
  }

  #serve(
    protocol: string,
    answer: (bytes: Uint8Array, peer: Incoming['connection']['remotePeer']) => Uint8Array,
  ): Promise<void> {
    const { pipe, lengthPrefixed, all } = this.#wire;
    const { misdeeds } = this;
    return this.node.libp2p.handle(protocol, ({ stream, connection }: Incoming) => {
      const respond = async function* (source: AsyncIterable<{ subarray(): Uint8Array }>) {
        const chunks: { subarray(): Uint8Array }[] = await all(source);
        // Probes of the SDK open a stream and say nothing.
        if (misdeeds.silent) await new Promise(() => undefined);
        if (chunks.length > 0)
          yield answer(concatBytes(...chunks.map((one) => one.subarray())), connection.remotePeer);
      };
      pipe(stream, lengthPrefixed.decode, respond, lengthPrefixed.encode, stream).catch(() => undefined);
    });
  }

  #lightPush(bytes: Uint8Array): Uint8Array {
    const { PushRpc } = this.#wire.proto.proto_lightpush;
    const { requestId, request } = PushRpc.decode(bytes);
    this.stored.push(request.message);
    for (const { peer, topics } of this.#subscribers.values())
      if (topics.has(request.message.contentTopic)) void this.#push(peer, request.message, PUBSUB_TOPIC);
    return PushRpc.encode({ requestId, response: { isSuccess: true, info: '' } });
  }

  /** Pushes a message to all who are subscribed to anything. Resolves when it is on its way. */
  async push(message: StoredMessage, pubsubTopic = PUBSUB_TOPIC): Promise<void> {
    const pushes = [...this.#subscribers.values()].map(({ peer }) => this.#push(peer, message, pubsubTopic));
    await Promise.all(pushes);
  }

  async #push(peer: unknown, wakuMessage: StoredMessage, pubsubTopic: string): Promise<void> {
    const { pipe, lengthPrefixed, proto } = this.#wire;
    const push = proto.proto_filter_v2.MessagePush.encode({ wakuMessage, pubsubTopic });
    try {
      const stream = await this.node.libp2p.dialProtocol(peer, PUSH, { maxOutboundStreams: 1_000 });
      await pipe([push], lengthPrefixed.encode, stream.sink);
      await stream.close();
    } catch {
      // The client is gone.
    }
  }

  #filter(bytes: Uint8Array, peer: Incoming['connection']['remotePeer']): Uint8Array {
    const { FilterSubscribeRequest, FilterSubscribeResponse } = this.#wire.proto.proto_filter_v2;
    const { requestId, filterSubscribeType, contentTopics } = FilterSubscribeRequest.decode(bytes);
    const key = peer.toString();
    const known = this.#subscribers.get(key);
    const topics = known?.topics ?? new Set<string>();
    let statusCode = 200;
    if (filterSubscribeType === 'SUBSCRIBE') {
      for (const topic of contentTopics) topics.add(topic);
      this.#subscribers.set(key, { peer, topics });
    } else if (filterSubscribeType === 'UNSUBSCRIBE') {
      for (const topic of contentTopics) topics.delete(topic);
    } else if (filterSubscribeType === 'UNSUBSCRIBE_ALL') this.#subscribers.delete(key);
    else if (known === undefined) statusCode = 404;
    return FilterSubscribeResponse.encode({ requestId, statusCode, statusDesc: '' });
  }

  #store(bytes: Uint8Array): Uint8Array {
    const { hash } = this.#wire;
    const { StoreQueryRequest, StoreQueryResponse } = this.#wire.proto.proto_store;
    const { requestId, contentTopics, timeStart, timeEnd, paginationCursor } =
      StoreQueryRequest.decode(bytes);
    const found = this.stored
      .filter(({ contentTopic }) => contentTopics.includes(contentTopic))
      .filter(({ timestamp = 0n }) => timestamp >= timeStart && timestamp < timeEnd)
      .map((message) => ({
        message,
        messageHash: hash(PUBSUB_TOPIC, message) as Uint8Array,
        pubsubTopic: PUBSUB_TOPIC,
      }));
    const at = found.findIndex(
      ({ messageHash }) =>
        paginationCursor !== undefined && compareBytes(messageHash, paginationCursor) === 0,
    );
    const lies = this.misdeeds.page?.().map((message) => ({
      message,
      messageHash: hash(PUBSUB_TOPIC, message) as Uint8Array,
      pubsubTopic: PUBSUB_TOPIC,
    }));
    const messages = lies ?? found.slice(at + 1, at + 1 + PAGE);
    return StoreQueryResponse.encode({ requestId, statusCode: 200, statusDesc: 'OK', messages });
  }
}
