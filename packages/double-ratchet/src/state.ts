import { Redacted } from '@sotto/core';
import type { SkippedKeyIndex } from './skipped-keys.js';
import type { RatchetKeyPair, SuiteName } from './suite.js';

/** A symmetric-key chain: the key of its next message, 32 bytes, and that message's number. */
export interface Chain {
  /** 32 bytes. */
  readonly chainKey: Uint8Array;
  /** From 0. */
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
  /** The suite that the session was started with. */
  readonly suite: SuiteName;
  /** 32 bytes. */
  readonly rootKey: Uint8Array;
  /** What we send on. */
  readonly sending: SendingSide;
  /** Length of our sending chain before the current (or next) one: `pn` of the messages sent. */
  readonly previousLength: number;
  /** The peer's current ratchet key; none while a responder has not received anything. */
  readonly remoteKey: Uint8Array | undefined;
  /** The chain that the peer sends on. */
  readonly receiving: Chain;
  /** Messages received, not counting those opened with a skipped key: the clock by which skipped keys age. */
  readonly received: number;
  /** Which message keys are kept for messages that have not come yet. */
  readonly skipped: SkippedKeyIndex;
}

/**
 * A Double Ratchet session at one moment. Immutable: each step gives the next one, and whoever keeps the session
 * replaces the old by the new in one write. Holds secrets, prints redacted.
 */
export class RatchetState extends Redacted implements RatchetFields {
  declare readonly suite: SuiteName;
  declare readonly rootKey: Uint8Array;
  declare readonly sending: SendingSide;
  declare readonly previousLength: number;
  declare readonly remoteKey: Uint8Array | undefined;
  declare readonly receiving: Chain;
  declare readonly received: number;
  declare readonly skipped: SkippedKeyIndex;

  constructor(fields: RatchetFields) {
    super();
    Object.assign(this, fields);
  }
}
