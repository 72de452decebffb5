import type { KeyPair, PublicKey, SharedKey } from './keys.js';

/**
 * The Transport port: what the messenger needs of a network. It moves whole messages to a recipient or a
 * channel, and vouches for the sender of each message that it delivers.
 *
 * A pipe that can't vouch for senders implements the smaller {@link Carrier} instead and lets
 * `createSealedTransport` of `@sotto/whisper-transport` sign and encrypt.
 */
export interface Transport {
  /** What this transport can do. */
  readonly capabilities: TransportCapabilities;

  /**
   * Connects as an identity. Each connection serves one identity; a transport may have several connections.
   * @throws TRANSPORT_UNAVAILABLE when there is nothing to connect to and the transport doesn't retry by itself; ABORTED
   */
  connect(options: ConnectOptions): Promise<TransportConnection>;
}

/** What a transport can do, as data, so that the messenger and applications can adapt. */
export interface TransportCapabilities {
  /** Largest payload of {@link TransportConnection.send} in bytes. */
  readonly maxPayloadBytes: number;
  /** Whether `history` returns messages sent while we were offline. */
  readonly history: boolean;
  /** Whether a resolved `send` means that another party has the message (and not only that it was queued). */
  readonly confirmsSend: boolean;
  /**
   * Whether messages may be signed with other keys than our identity's, so that nobody but their recipient learns whose they are: `both`
   * when `send` takes a `signer`, `received` when the connection only delivers messages of such signers. Default: neither.
   */
  readonly pseudonyms?: 'both' | 'received' | undefined;
}

/** Who connects, and what receives the messages. */
export interface ConnectOptions {
  /** Signs what is sent and opens what is addressed to us. Borrowed for the life of the connection. */
  readonly identity: KeyPair;
  /**
   * Receives a message. The transport keeps its own copy until the promise resolves, and may deliver other messages
   * meanwhile. A rejection means that the message was not stored and has to be delivered again.
   */
  onMessage(message: TransportMessage): Promise<void>;
  /** Called when the connection is lost, restored or closed. */
  onStatus?(status: TransportStatus): void;
  /**
   * Called with the offset of our clock once other nodes or people have reported their time (0 when ours is right), and again
   * whenever the offset changes. Stored times still follow our own clock: nothing proves what others claim.
   */
  onClock?(skew: ClockSkew): void;
  /** Stores channel keys, which are expensive to derive. Without it they are derived again at each start. */
  readonly channelKeys?: ChannelKeyCache | undefined;
  /** Aborts connecting. Without effect once connected. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Stores the keys that a transport has derived for channels, across restarts. They are secrets: they decrypt what is sent on
 * a channel. None of the methods rejects, as a cache that fails only costs deriving the keys again.
 */
export interface ChannelKeyCache {
  /** The stored keys by id, without those that aren't stored. Ids reveal nothing of the channel. The caller owns the keys. */
  get(ids: readonly string[]): Promise<ReadonlyMap<string, Uint8Array>>;
  /** Stores a key of 32 bytes, if there is room. Borrowed until the promise settles. */
  put(id: string, key: Uint8Array): Promise<void>;
  /** Deletes all other keys: the current subscription needs only these. */
  retain(ids: ReadonlySet<string>): Promise<void>;
}

/** The offset of our clock from the network's, estimated by a transport. */
export interface ClockSkew {
  /** Milliseconds by which ours is ahead; negative when it is behind. */
  readonly skewMs: number;
  /** Where the estimate comes from: the node that we are connected to, or several people with whom we have a conversation. */
  readonly source: 'node' | 'peers';
  /** Whether the transport corrects for it in what it sends and accepts. It doesn't correct more than a day. */
  readonly corrected: boolean;
}

/** Whether the connection is up. `closed` is final. */
export type TransportStatus = 'connected' | 'reconnecting' | 'closed';

/** A message that arrived, with a sender for whom the transport vouches. */
export interface TransportMessage {
  /** 33 bytes; verified by the transport. An identity, or the pseudonym that was passed to `send` as `signer`. */
  readonly sender: PublicKey;
  /** The bytes passed to `send` at the other end. Fresh; the receiver owns them. */
  readonly payload: Uint8Array;
  /** The channel on which it arrived. */
  readonly channel: Channel;
  /** Milliseconds since the epoch, as the sender or the transport claims. */
  readonly sentAt: number;
  /** Whether it came from history rather than live. */
  readonly fromHistory: boolean;
}

/**
 * Where a message is sent or received, in the terms of the protocol (wire profile, section 6). The transport turns a channel
 * into a topic and a key.
 */
export type Channel =
  /** Readable by anyone who knows the name: public chats, contact codes. */
  | { readonly kind: 'public'; readonly name: string }
  /** One identity's share of a partitioned topic; only `recipient` can read it. */
  | { readonly kind: 'partitioned'; readonly recipient: PublicKey }
  /** One identity's own discovery topic; only `recipient` can read it. */
  | { readonly kind: 'discovery'; readonly recipient: PublicKey }
  /** Readable only by the two holders of the negotiated secret. */
  | { readonly kind: 'negotiated'; readonly secret: SharedKey };

/** A connection of one party. */
export interface TransportConnection {
  /**
   * Resolves when the transport has taken responsibility for the message, see `confirmsSend`.
   * @throws LIMIT_EXCEEDED, TRANSPORT_UNAVAILABLE (try again with the same message), TRANSPORT_REFUSED, CLOSED, ABORTED;
   *   INVALID_ARGUMENT for a `signer` where `capabilities.pseudonyms` isn't `both`
   */
  send(channel: Channel, payload: Uint8Array, options?: SendMessageOptions): Promise<void>;

  /**
   * Sets the channels to receive from: the whole list, replacing the previous one. `partitioned` and `discovery` channels
   * must have our own identity as recipient. Resolves when messages on the new channels will be delivered.
   */
  subscribe(channels: readonly Channel[]): Promise<void>;

  /**
   * Requests messages sent between two times (ms since the epoch) on subscribed channels; they arrive through
   * `onMessage` with `fromHistory`, in any order. Resolves when `onMessage` has resolved for the last of them.
   * Present when `capabilities.history`.
   */
  history?(request: HistoryRequest): Promise<void>;

  /** Finishes pending sends, then disconnects. Closing twice is fine. */
  close(): Promise<void>;
}

/** How one message is sent. */
export interface SendMessageOptions {
  /** Gives up waiting. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Signs in place of our identity: the message shows only this key as its sender. Borrowed until the promise settles. For transports
   * whose `capabilities.pseudonyms` is `both`. Default: our identity.
   */
  readonly signer?: KeyPair | undefined;
}

/** Which messages of the past are wanted. */
export interface HistoryRequest {
  /** A subset of the subscribed channels. */
  readonly channels: readonly Channel[];
  /** Milliseconds since the epoch, inclusive. */
  readonly from: number;
  /** Milliseconds since the epoch, inclusive. */
  readonly to: number;
  /** Gives up waiting. */
  readonly signal?: AbortSignal | undefined;
}
