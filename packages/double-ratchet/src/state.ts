import { Redacted } from '@sotto/core';
import type { SkippedKeyIndex } from './skipped-keys.js';
import type { RatchetKeyPair, SuiteName } from './suite.js';

/** A symmetric-key chain: the key of its next message, 32 bytes, and that message's number. */
export interface Chain {
  readonly chainKey: Uint8Array;
  readonly n: number;
}

/** The sending side of a session. */
export type SendingSide =
  /** A chain to send on, under our current ratchet key. */
  | { readonly kind: 'chain'; readonly chain: Chain; readonly keyPair: RatchetKeyPair }
  /**
   * The peer turned the ratchet, or we have just begun: the next message draws a new key pair. Until then the old
   * one (none at the beginning) is what the peer may still turn on.
   */
  | { readonly kind: 'inactive'; readonly keyPair: RatchetKeyPair | undefined };

/** The fields of a {@link RatchetState}. */
export interface RatchetFields {
  readonly suite: SuiteName;
  /** 32 bytes. */
  readonly rootKey: Uint8Array;
  readonly sending: SendingSide;
  /** Length of our sending chain before the current (or next) one: `pn` of the messages sent. */
  readonly previousLength: number;
  /** The peer's current ratchet key; none while a responder has not received anything. */
  readonly remoteKey: Uint8Array | undefined;
  readonly receiving: Chain;
  /** Messages received, not counting those opened with a skipped key: the clock by which skipped keys age. */
  readonly received: number;
  readonly skipped: SkippedKeyIndex;
}

/**
 * A Double Ratchet session at one moment. Immutable: each step gives the next one, and whoever keeps the session
 * replaces the old by the new in one write. Holds secrets, prints redacted.
 */
export class RatchetState extends Redacted implements RatchetFields {
  readonly suite: SuiteName;
  readonly rootKey: Uint8Array;
  readonly sending: SendingSide;
  readonly previousLength: number;
  readonly remoteKey: Uint8Array | undefined;
  readonly receiving: Chain;
  readonly received: number;
  readonly skipped: SkippedKeyIndex;

  constructor(fields: RatchetFields) {
    super();
    this.suite = fields.suite;
    this.rootKey = fields.rootKey;
    this.sending = fields.sending;
    this.previousLength = fields.previousLength;
    this.remoteKey = fields.remoteKey;
    this.receiving = fields.receiving;
    this.received = fields.received;
    this.skipped = fields.skipped;
  }
}
