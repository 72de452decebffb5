/**
 * The Carrier port: a dumb pipe that moves opaque bytes by topic. It may lose, repeat, delay and reorder what it
 * carries, and need not know anybody: sealing is done above it.
 */
export interface Carrier {
  /** What this carrier can do. */
  readonly capabilities: CarrierCapabilities;
  /** Connects. `onEnvelope` gets whatever arrives on a subscribed topic; it doesn't throw. */
  open(handler: CarrierHandler, options?: { readonly signal?: AbortSignal }): Promise<CarrierConnection>;
}

/** What a carrier can do, as data. */
export interface CarrierCapabilities {
  /** Largest envelope in bytes. */
  readonly maxEnvelopeBytes: number;
  /** Whether `history` is there. */
  readonly history: boolean;
  /** Proof of work that the other side asks for; 0 when none. It may change: to be read for each envelope. */
  readonly minimumPow: number;
}

/** The side above the pipe: what a connection reports. */
export interface CarrierHandler {
  /** `envelope` is fresh; the receiver owns it. */
  onEnvelope(topic: Topic, envelope: Uint8Array, fromHistory: boolean): void | Promise<void>;
  /** Called when the connection is made, lost and regained. */
  onStatus?(status: 'connected' | 'reconnecting' | 'closed'): void;
  /** Called with the time at the other end, by a carrier whose other end reports it. */
  onClock?(reading: ClockReading): void;
}

/** A reading of another party's clock, now. */
export interface ClockReading {
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Whose clock it is: a text that stays the same for each party. */
  readonly source: string;
}

/** 4 bytes. */
export type Topic = Uint8Array;

/** An open pipe. */
export interface CarrierConnection {
  /**
   * Resolves when the pipe has taken the envelope.
   * @throws TRANSPORT_UNAVAILABLE (try again), TRANSPORT_REFUSED, LIMIT_EXCEEDED, CLOSED, ABORTED
   */
  publish(topic: Topic, envelope: Uint8Array, options?: { readonly signal?: AbortSignal }): Promise<void>;
  /** Sets the topics wanted: the whole list, replacing the one before. */
  subscribe(topics: readonly Topic[]): Promise<void>;
  /** Envelopes between two times in ms since the epoch, through `onEnvelope`; resolves after the last. */
  history?(
    topics: readonly Topic[],
    from: number,
    to: number,
    options?: { readonly signal?: AbortSignal },
  ): Promise<void>;
  /** Closing twice is fine. */
  close(): Promise<void>;
}
