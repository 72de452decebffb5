import type { KeyPair, PublicKey, SharedKey } from './keys.js';

/**
 * The Transport port: what the messenger needs of a network. It moves whole messages to a recipient or a
 * channel, and vouches for the sender of each message that it delivers.
 *
 * A pipe that can't vouch for anybody implements the smaller {@link Carrier} instead and lets
 * `sealedTransport` of `@sotto/whisper-transport` do the signing and encrypting.
 */
export interface Transport {
  /** What this transport can do. */
  readonly capabilities: TransportCapabilities;

  /**
   * Begins to send and receive as `party`. One connection for one identity; a transport may serve several.
   * @throws TRANSPORT_UNAVAILABLE when there is nothing to connect to and the transport doesn't retry by itself
   */
  connect(party: LocalParty, options?: { readonly signal?: AbortSignal }): Promise<TransportConnection>;
}

/** What a transport can do, as data, so that the messenger and applications can adapt. */
export interface TransportCapabilities {
  /** Largest payload of {@link TransportConnection.send} in bytes. */
  readonly maxPayloadBytes: number;
  /** Whether `history` answers messages sent while we were away. */
  readonly history: boolean;
  /** Whether a resolved `send` means that another party has the message (and not only that it was queued). */
  readonly confirmsSend: boolean;
}

/** The one who connects, and where its messages go. */
export interface LocalParty {
  /** Signs what is sent and opens what is addressed to us. Borrowed for the life of the connection. */
  readonly identity: KeyPair;
  /**
   * Takes a message. The transport waits for the promise before it drops its own copy of the message; it may
   * call again meanwhile. A rejection means that the message was not kept and should be delivered again.
   */
  onMessage(message: TransportMessage): Promise<void>;
  /** Called when the connection is lost and regained. */
  onStatus?(status: TransportStatus): void;
  /**
   * Called with how far our clock is off once others have reported the time, with 0 when it is right, and again whenever
   * that changes. What is stored still goes by our own clock: nothing proves what others say of the time.
   */
  onClock?(skew: ClockSkew): void;
  /** Where keys of channels are kept that are expensive to derive. Without it they are derived again at each start. */
  readonly channelKeys?: ChannelKeyCache;
}

/**
 * Keeps the keys that a transport has derived for channels, over restarts. Keys are secrets: they open what goes by a
 * channel. A cache that fails costs the work again and no more, so none of its methods rejects.
 */
export interface ChannelKeyCache {
  /** The keys that are kept, by id; what isn't is missing. Ids tell nothing of the channel. Keys are the caller's. */
  get(ids: readonly string[]): Promise<ReadonlyMap<string, Uint8Array>>;
  /** Keeps a key of 32 bytes, if there is room. Borrowed until the promise settles. */
  put(id: string, key: Uint8Array): Promise<void>;
  /** Forgets all others: what is listened to now needs these alone. */
  retain(ids: ReadonlySet<string>): Promise<void>;
}

/** How far our clock is from that of the network, as a transport hears it from others. */
export interface ClockSkew {
  /** Milliseconds by which ours is ahead; negative when it is behind. */
  readonly skewMs: number;
  /** Who says so: the node that we are connected to, or several people whom we have a conversation with. */
  readonly source: 'node' | 'peers';
  /** Whether the transport makes up for it in what it sends and takes. Not beyond a day. */
  readonly corrected: boolean;
}

/** Whether a connection is there. After `closed` nothing more comes. */
export type TransportStatus = 'connected' | 'reconnecting' | 'closed';

/** A message that arrived, with a sender for whom the transport vouches. */
export interface TransportMessage {
  /** 33 bytes; verified by the transport. */
  readonly sender: PublicKey;
  /** The bytes handed to `send` at the other end. Fresh; the receiver owns them. */
  readonly payload: Uint8Array;
  /** The channel that it came by. */
  readonly channel: Channel;
  /** Milliseconds since the epoch, as the sender or the transport claims. */
  readonly sentAt: number;
  /** Whether it came from history rather than live. */
  readonly fromHistory: boolean;
}

/**
 * Where a message goes or comes from, in the terms of the protocol (wire profile, section 6). How a channel
 * becomes a topic and a key is the transport's business.
 */
export type Channel =
  /** Readable by anybody who knows the name: public chats, contact codes. */
  | { readonly kind: 'public'; readonly name: string }
  /** One identity's share of a partitioned topic; only `recipient` can read it. */
  | { readonly kind: 'partitioned'; readonly recipient: PublicKey }
  /** One identity's own discovery topic; only `recipient` can read it. */
  | { readonly kind: 'discovery'; readonly recipient: PublicKey }
  /** Known to the two holders of the negotiated secret alone. */
  | { readonly kind: 'negotiated'; readonly secret: SharedKey };

/** A connection of one party. */
export interface TransportConnection {
  /**
   * Resolves when the transport has taken responsibility for the message, see `confirmsSend`.
   * @throws LIMIT_EXCEEDED, TRANSPORT_UNAVAILABLE (try again with the same message), TRANSPORT_REFUSED, CLOSED, ABORTED
   */
  send(channel: Channel, payload: Uint8Array, options?: { readonly signal?: AbortSignal }): Promise<void>;

  /**
   * Sets what is listened to: the whole list, replacing the one before. `partitioned` and `discovery` channels
   * here have our own identity as recipient. Resolves when messages on the new channels will be delivered.
   */
  listen(channels: readonly Channel[]): Promise<void>;

  /**
   * Asks for messages sent between two times (ms since the epoch) on the channels listened to; they come through
   * `onMessage` with `fromHistory`, in any order. Resolves when the last of them was taken.
   * Present when `capabilities.history`.
   */
  history?(request: HistoryRequest): Promise<void>;

  /** Sends what was taken, then disconnects. Closing twice is fine. */
  close(): Promise<void>;
}

/** Which messages of the past are wanted. */
export interface HistoryRequest {
  /** Some of the channels listened to. */
  readonly channels: readonly Channel[];
  /** Milliseconds since the epoch, inclusive. */
  readonly from: number;
  /** Milliseconds since the epoch, inclusive. */
  readonly to: number;
  /** Gives up waiting. */
  readonly signal?: AbortSignal;
}
