import type { Topic } from '@sotto/core';
import type { Lifetime } from './clock-skew.js';

/** How sealed data travel: as an envelope with its own header, or as they are. */
export interface EnvelopeFormat {
  /**
   * Makes an envelope of sealed data.
   * @param now the network's time, milliseconds since the epoch
   * @throws ABORTED
   */
  encode(topic: Topic, data: Uint8Array, now: number, signal: AbortSignal): Promise<EncodedEnvelope>;
  /** The topic of an envelope that arrived, cheaply; `undefined` when it has none. */
  topicOf(envelope: Uint8Array, carriersTopic: Topic): Topic | undefined;
  /**
   * Reads an envelope.
   * @param reportedAt when it was sent by the carrier's account, or else our time; milliseconds since the epoch
   * @throws MALFORMED_MESSAGE
   */
  decode(envelope: Uint8Array, reportedAt: number): DecodedEnvelope;
}

/** An envelope to be sent. */
export interface EncodedEnvelope {
  readonly envelope: Uint8Array;
  /** Seconds since the epoch. */
  readonly expiry: number;
  /** Milliseconds since the epoch, when the carrier is to report it. */
  readonly sentAt?: number | undefined;
}

/** An envelope that arrived. */
export interface DecodedEnvelope extends Lifetime {
  /** Sealed. */
  readonly data: Uint8Array;
  /** Milliseconds since the epoch, as the sender claims. */
  readonly sentAt: number;
  /** Whether it is valid at a time in milliseconds since the epoch; from history, whether it was before it expired. */
  isInTime(now: number, fromHistory: boolean): boolean;
}
