import { Redacted } from '@sotto/core';
import type { Chain, SkippedKeyIndex } from '@sotto/double-ratchet';
import type { ChunkSet, Collected } from './chunks.js';

/** Which side of the session: the initiator offers the first encapsulation key. */
export type SparseSide = 'initiator' | 'responder';

/** The exchange in progress, from the view of one side. */
export type SparseExchange =
  /** Sends an encapsulation key, which is drawn with the first message of the exchange. */
  | {
      readonly kind: 'offering';
      readonly pair: { readonly encapsulationKey: Uint8Array; readonly seed: Uint8Array } | undefined;
      /** What the peer says that it has. */
      readonly acknowledged: ChunkSet;
      /** The chunk to send next, unless the peer has it. */
      readonly cursor: number;
    }
  /** The peer has the whole key, and sends the ciphertext. */
  | {
      readonly kind: 'collecting ciphertext';
      /** 64 bytes; secret. */
      readonly seed: Uint8Array;
      /** SHA-256 of the encapsulation key. */
      readonly keyHash: Uint8Array;
      readonly collected: Collected;
    }
  /** The peer sends its encapsulation key. */
  | { readonly kind: 'collecting key'; readonly collected: Collected }
  /** Sends the ciphertext, until the peer's epoch shows that it has it. */
  | {
      readonly kind: 'answering';
      /** 1088 bytes. */
      readonly ciphertext: Uint8Array;
      readonly acknowledged: ChunkSet;
      readonly cursor: number;
    };

/** The fields of a {@link SparseState}. */
export interface SparseFields {
  /** Which side we are. */
  readonly side: SparseSide;
  /** 32 bytes. */
  readonly rootKey: Uint8Array;
  /** The exchange in progress, from 1. */
  readonly epoch: number;
  /** How far it is. */
  readonly exchange: SparseExchange;
  /** The chain that we send on: of the secret of the exchange before. */
  readonly sending: Chain;
  /** Messages that we sent on the chain before it. */
  readonly previousLength: number;
  /** The epoch that the peer's messages are in, as far as they have come. */
  readonly remoteEpoch: number;
  /** The chain that the peer sends on in that epoch. */
  readonly receiving: Chain;
  /** The chain that the peer sends on in its next epoch, 32 bytes; `undefined` when that isn't known yet. */
  readonly nextReceiving: Uint8Array | undefined;
  /** The chain that we send on in our next epoch, 32 bytes; `undefined` unless we are answering. */
  readonly nextSending: Uint8Array | undefined;
  /** Messages received, without those whose key was skipped: the clock by which skipped keys age. */
  readonly received: number;
  /** Which message keys are kept. Chains are named by their epoch, 4 bytes. */
  readonly skipped: SkippedKeyIndex;
}

/**
 * The state of a sparse post-quantum ratchet. Immutable: each step returns the next state. Holds secrets, prints redacted.
 */
export class SparseState extends Redacted implements SparseFields {
  /** Which side we are. */
  declare readonly side: SparseSide;
  /** 32 bytes. */
  declare readonly rootKey: Uint8Array;
  /** The exchange in progress, from 1. */
  declare readonly epoch: number;
  /** How far it is. */
  declare readonly exchange: SparseExchange;
  /** The chain that we send on: of the secret of the exchange before. */
  declare readonly sending: Chain;
  /** Messages that we sent on the chain before it. */
  declare readonly previousLength: number;
  /** The epoch that the peer's messages are in, as far as they have come. */
  declare readonly remoteEpoch: number;
  /** The chain that the peer sends on in that epoch. */
  declare readonly receiving: Chain;
  /** The chain that the peer sends on in its next epoch, 32 bytes; `undefined` when that isn't known yet. */
  declare readonly nextReceiving: Uint8Array | undefined;
  /** The chain that we send on in our next epoch, 32 bytes; `undefined` unless we are answering. */
  declare readonly nextSending: Uint8Array | undefined;
  /** Messages received, without those whose key was skipped: the clock by which skipped keys age. */
  declare readonly received: number;
  /** Which message keys are kept. Chains are named by their epoch, 4 bytes. */
  declare readonly skipped: SkippedKeyIndex;

  constructor(fields: SparseFields) {
    super();
    Object.assign(this, fields);
  }
}
