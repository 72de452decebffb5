/**
 * The Carrier port: a dumb pipe that moves opaque bytes by topic. It may lose, duplicate, delay and reorder what it
 * carries, and needs to know no identities: sealing is done above it.
 */
export interface Carrier {
  /** What this carrier can do. */
  readonly capabilities: CarrierCapabilities;
  /** Connects. `onEnvelope` receives whatever arrives on a subscribed topic; it doesn't throw. */
  open(
    handler: CarrierHandler,
    options?: { readonly signal?: AbortSignal | undefined },
  ): Promise<CarrierConnection>;
}

/** What a carrier can do, as data. */
export interface CarrierCapabilities {
  /** Largest envelope in bytes. */
  readonly maxEnvelopeBytes: number;
  /** Whether connections have `history`. */
  readonly history: boolean;
  /** Proof of work that the other side requires; 0 if none. It may change: read it for each envelope. */
  readonly minimumPow: number;
}

/** The side above the pipe: what a connection reports. */
export interface CarrierHandler {
  /**
   * `envelope` is fresh; the receiver owns it.
   * @param sentAt milliseconds since the epoch, from carriers whose network dates its envelopes; nothing proves it
   */
  onEnvelope(topic: Topic, envelope: Uint8Array, fromHistory: boolean, sentAt?: number): void | Promise<void>;
  /** Called when the connection is established, lost and restored. */
  onStatus?(status: 'connected' | 'reconnecting' | 'closed'): void;
  /** Called with the time at the other end, by a carrier whose other end reports it. */
  onClock?(reading: ClockReading): void;
}

/** A reading of another party's clock, now. */
export interface ClockReading {
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Whose clock it is: a string that stays the same for each party. */
  readonly source: string;
}

/** 4 bytes. */
export type Topic = Uint8Array;

/** Options of `publish`. */
export interface PublishOptions {
  /** Gives up waiting. */
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds since the epoch, for carriers whose network dates its envelopes. Default: the carrier's time. */
  readonly sentAt?: number | undefined;
}

/** An open pipe. */
export interface CarrierConnection {
  /**
   * Resolves when the pipe has accepted the envelope.
   * @throws TRANSPORT_UNAVAILABLE (try again), TRANSPORT_REFUSED, LIMIT_EXCEEDED, CLOSED, ABORTED
   */
  publish(topic: Topic, envelope: Uint8Array, options?: PublishOptions): Promise<void>;
  /** Sets the topics to receive: the whole list, replacing the previous one. */
  subscribe(topics: readonly Topic[]): Promise<void>;
  /** Delivers the envelopes sent between two times (ms since the epoch) to `onEnvelope`; resolves after the last. */
  history?(
    topics: readonly Topic[],
    from: number,
    to: number,
    options?: { readonly signal?: AbortSignal | undefined },
  ): Promise<void>;
  /** Closing twice is fine. */
  close(): Promise<void>;
}
