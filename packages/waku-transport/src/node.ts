/**
 * What this package uses of a Waku node, by shape: `createLightNode` of `@waku/sdk` 0.0.31, or `createRelayNode` of
 * `@waku/sdk/relay`, which stays the application's own. This package doesn't depend on either.
 */

/** A WakuMessage as nodes hand it to decoders, and take it from encoders. */
export interface WakuProtoMessage {
  /** At least 1 byte. */
  readonly payload: Uint8Array;
  /** `/waku/1/0x<8 hex digits>/rfc26` for ours. */
  readonly contentTopic: string;
  /** How the payload is to be read: 1 is RFC 26; 0, or absent, is anything. */
  readonly version: number | undefined;
  /** Nanoseconds since the epoch. */
  readonly timestamp: bigint | undefined;
  /** At most 64 bytes that take part in the hash. */
  readonly meta: Uint8Array | undefined;
  /** Not used by us. */
  readonly rateLimitProof?: unknown;
  /** Whether store nodes are asked not to keep it. */
  readonly ephemeral: boolean | undefined;
}

/** Makes the bytes of one message for a node; ours ignores its argument. */
export interface WakuEncoder {
  /** The pubsub topic to publish on. */
  pubsubTopic: string;
  /** The content topic of the message. */
  contentTopic: string;
  /** Whether store nodes are asked not to keep it. */
  ephemeral: boolean;
  /** The encoded WakuMessage, for relay. */
  toWire(message: unknown): Promise<Uint8Array | undefined>;
  /** The WakuMessage, for light push. */
  toProtoObj(message: unknown): Promise<OutgoingProtoMessage | undefined>;
}

/** A {@link WakuProtoMessage} of ours. */
export interface OutgoingProtoMessage {
  /** Of our own making. */
  payload: Uint8Array;
  /** As of the encoder. */
  contentTopic: string;
  /** The label. */
  version: number | undefined;
  /** Nanoseconds since the epoch. */
  timestamp: bigint | undefined;
  /** Empty. */
  meta: Uint8Array | undefined;
  /** Never one of ours. */
  rateLimitProof: undefined;
  /** Whether store nodes are asked not to keep it. */
  ephemeral: boolean | undefined;
}

/** A message that a node has received, as our decoder leaves it. */
export interface WakuDecodedMessage {
  /** As received. */
  payload: Uint8Array;
  /** As received. */
  contentTopic: string;
  /** Where it was received. */
  pubsubTopic: string;
  /** Rounded to milliseconds; `raw` is exact. */
  timestamp: Date | undefined;
  /** Not read. */
  rateLimitProof: undefined;
  /** As received. */
  ephemeral: boolean | undefined;
  /** As received. */
  meta: Uint8Array | undefined;
  /** The message itself. */
  raw: WakuProtoMessage;
}

/** Reads messages of one content topic, of any label. */
export interface WakuDecoder {
  /** The pubsub topic to listen to. */
  pubsubTopic: string;
  /** The content topic to listen to. */
  contentTopic: string;
  /** Reads an encoded WakuMessage, for relay. */
  fromWireToProtoObj(bytes: Uint8Array): Promise<OutgoingProtoMessage | undefined>;
  /** Wraps a WakuMessage. */
  fromProtoObj(pubsubTopic: string, proto: WakuProtoMessage): Promise<WakuDecodedMessage | undefined>;
}

/** What became of a message that was sent, or of a subscription: one entry for each peer. */
export interface WakuResult {
  /** The peers that accepted. */
  readonly successes: readonly unknown[];
  /** The peers that didn't, and why: a `ProtocolError`. */
  readonly failures: readonly { readonly error: string }[];
}

/** Sends messages: `node.lightPush`, `node.relay`. */
export interface WakuSender {
  /** Sends one message. */
  send(
    encoder: WakuEncoder,
    message: { payload: Uint8Array },
    options?: { autoRetry: boolean },
  ): Promise<WakuResult>;
}

/** A filter subscription. There is one for each pubsub topic of a node. */
export interface WakuSubscription {
  /** Ends the subscription to some content topics. */
  unsubscribe(contentTopics: string[]): Promise<WakuResult>;
  /** Asks the service nodes whether they still know us. */
  ping(): Promise<WakuResult>;
  /** Ends all, so that the next subscription chooses its peers anew. */
  unsubscribeAll(): Promise<WakuResult>;
}

/** `node.filter`. */
export interface WakuFilter {
  /** Subscribes, or refreshes a subscription. */
  subscribe(
    decoders: WakuDecoder[],
    callback: (message: WakuDecodedMessage) => void | Promise<void>,
  ): Promise<{
    readonly subscription: WakuSubscription | null;
    readonly error: string | null;
    readonly results: WakuResult | null;
  }>;
}

/** What is asked of a store. */
export interface WakuStoreQuery {
  /** Inclusive. */
  timeStart: Date;
  /** Exclusive. */
  timeEnd: Date;
  /** Whether the oldest message comes first. */
  paginationForward: boolean;
  /** Most messages of a page. */
  paginationLimit: number;
}

/** What is asked of a store that has answered before. */
export interface WakuStoreContinuation extends WakuStoreQuery {
  /** The hash of the last message of the page before. */
  paginationCursor: Uint8Array;
}

/** `node.store`. */
export interface WakuStore {
  /** Pages of messages. */
  queryGenerator(
    decoders: WakuDecoder[],
    options: WakuStoreQuery | WakuStoreContinuation,
  ): AsyncGenerator<Promise<WakuDecodedMessage | undefined>[]>;
}

/** `node.relay`. */
export interface WakuRelay extends WakuSender {
  /** Observes messages; the returned function ends it. */
  subscribeWithUnsubscribe(
    decoders: WakuDecoder[],
    callback: (message: WakuDecodedMessage) => void | Promise<void>,
  ): (() => void | Promise<void>) | Promise<() => void | Promise<void>>;
}

/** A stream of libp2p. */
export interface WakuStream {
  /** What is spoken on it. */
  readonly protocol?: string | undefined;
  /** Who opened it. */
  readonly direction: 'inbound' | 'outbound';
  /** `closed` when the peer has ended its side. */
  readonly readStatus: string;
  /** `closing` or `closed` when we have ended ours. */
  readonly writeStatus: string;
  /** Ends our side. */
  closeWrite(): Promise<void>;
}

/** A connection of libp2p. */
export interface WakuConnection {
  /** The id of the peer. */
  readonly remotePeer: unknown;
  /** Those that are open. */
  readonly streams: readonly WakuStream[];
}

/** What is used of a node's libp2p. */
export interface WakuLibp2p {
  /** Adds a listener. */
  addEventListener(type: 'peer:connect' | 'peer:disconnect', listener: () => void): void;
  /** Removes it. */
  removeEventListener(type: 'peer:connect' | 'peer:disconnect', listener: () => void): void;
  /** The connections, whose ended streams are closed where the SDK forgets to. */
  getConnections?(): readonly WakuConnection[];
  /** What peers offer, since the SDK takes a peer without a store for an empty store. */
  readonly peerStore?:
    | {
        /** Rejects for a peer that isn't known. */
        get(peer: never): Promise<{ readonly protocols: readonly string[] }>;
      }
    | undefined;
}

/** Parts that every kind of node has. */
export interface WakuNodeBase {
  /** Its events and connections. */
  readonly libp2p: WakuLibp2p;
  /** Whether it has a connection to any peer. */
  isConnected(): boolean;
}

/** A node that uses the services of others: `createLightNode` of `@waku/sdk`. */
export interface WakuLightNode extends WakuNodeBase {
  /** Sends. */
  readonly lightPush: WakuSender;
  /** Receives. */
  readonly filter: WakuFilter;
  /** Has the history. */
  readonly store?: WakuStore | undefined;
}

/** A node that takes part in the relay: `createRelayNode` of `@waku/sdk/relay`. */
export interface WakuRelayNode extends WakuNodeBase {
  /** Sends and receives. */
  readonly relay: WakuRelay;
  /** Has the history, if the node asks others for it. */
  readonly store?: WakuStore | undefined;
}

/** Either kind of node. */
export type WakuNode = WakuLightNode | WakuRelayNode;
