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
   * The peer made a DH ratchet step, or we have just started: the next message draws a new key pair. Until then the peer
   * may still ratchet against the old one (if there is one).
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
  /** The peer's current ratchet key, see `RatchetSuite.publicKeyLength`; `undefined` until a responder has received something. */
  readonly remoteKey: Uint8Array | undefined;
  /** The chain that the peer sends on. */
  readonly receiving: Chain;
  /** Messages received, without those opened with a skipped key: the clock by which skipped keys age. */
  readonly received: number;
  /** Which message keys are kept for messages that haven't arrived yet. */
  readonly skipped: SkippedKeyIndex;
}

/**
 * The state of a Double Ratchet session. Immutable: each step returns the next state, and the caller replaces the stored
 * one with it in a single write. Holds secrets, prints redacted.
 */
export class RatchetState extends Redacted implements RatchetFields {
  /** The suite that the session was started with. */
  declare readonly suite: SuiteName;
  /** 32 bytes. */
  declare readonly rootKey: Uint8Array;
  /** What we send on. */
  declare readonly sending: SendingSide;
  /** Length of our sending chain before the current (or next) one: `pn` of the messages sent. */
  declare readonly previousLength: number;
  /** The peer's current ratchet key, see `RatchetSuite.publicKeyLength`; `undefined` until a responder has received something. */
  declare readonly remoteKey: Uint8Array | undefined;
  /** The chain that the peer sends on. */
  declare readonly receiving: Chain;
  /** Messages received, without those opened with a skipped key: the clock by which skipped keys age. */
  declare readonly received: number;
  /** Which message keys are kept for messages that haven't arrived yet. */
  declare readonly skipped: SkippedKeyIndex;

  constructor(fields: RatchetFields) {
    super();
    Object.assign(this, fields);
  }
}
