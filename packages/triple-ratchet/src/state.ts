import { Redacted } from '@sotto/core';
import type { RatchetState } from '@sotto/double-ratchet';
import type { SparseState } from './sparse/state.js';

/** The header key of a chain of the peer of which messages are missing. */
export interface EarlierHeaderKey {
  /** 32 bytes; secret. */
  readonly headerKey: Uint8Array;
  /** The chain's ratchet key, 32 bytes. */
  readonly ratchetKey: Uint8Array;
}

/** The keys that headers are encrypted with, 32 bytes each. Double Ratchet specification, section 4. */
export interface HeaderKeys {
  /** `HKs`: of the chain that we send on; `undefined` until an initiator has sent something. */
  readonly sending: Uint8Array | undefined;
  /** `NHKs`: of our next chain. */
  readonly nextSending: Uint8Array;
  /** `HKr`: of the chain that the peer sends on; `undefined` until a responder has received something. */
  readonly receiving: Uint8Array | undefined;
  /** `NHKr`: of the peer's next chain. A header that it opens makes a step of the DH ratchet. */
  readonly nextReceiving: Uint8Array;
  /** Of the peer's chains before, as long as messages of them are missing; oldest first. */
  readonly earlier: readonly EarlierHeaderKey[];
}

/** The fields of a {@link TripleRatchetState}. */
export interface TripleRatchetFields {
  /** Hash of the handshake, 32 bytes: in the associated data of every message. */
  readonly associatedData: Uint8Array;
  /** The DH ratchet, of the suite `curve25519`. */
  readonly ratchet: RatchetState;
  /** The post-quantum ratchet. */
  readonly sparse: SparseState;
  /** The keys of headers. */
  readonly headerKeys: HeaderKeys;
}

/**
 * The state of a session. Immutable: each step returns the next state, and the caller replaces the stored one with it in a single
 * write. Holds secrets, prints redacted.
 */
export class TripleRatchetState extends Redacted implements TripleRatchetFields {
  /** Hash of the handshake, 32 bytes: in the associated data of every message. */
  declare readonly associatedData: Uint8Array;
  /** The DH ratchet, of the suite `curve25519`. */
  declare readonly ratchet: RatchetState;
  /** The post-quantum ratchet. */
  declare readonly sparse: SparseState;
  /** The keys of headers. */
  declare readonly headerKeys: HeaderKeys;

  constructor(fields: TripleRatchetFields) {
    super();
    Object.assign(this, fields);
  }
}
