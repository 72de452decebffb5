import { copyBytes, invalidArgument, Redacted, SottoError, wipeBytes } from '@sotto/core';
import type { CryptoProvider } from '@sotto/crypto';
import { associatedDataOf, type ChainContext } from './chain-context.js';
import { messageKeyOf, nextChainKey } from './chain-step.js';
import { MAX_INDEX } from './limits.js';
import { encodeMessage } from './message.js';
import { seal, signatureDigest } from './message-cipher.js';
import { SenderKey } from './sender-key.js';

/** The fields of an {@link OwnChain}. */
export interface OwnChainFields {
  /** Names the chain: the public key of `privateKey`, 33 bytes, compressed SEC1. */
  readonly chain: Uint8Array;
  /** Signs the messages, 32 bytes. */
  readonly privateKey: Uint8Array;
  /** The chain key of message 0, 32 bytes: for members who ask for the chain later. */
  readonly firstKey: Uint8Array;
  /** The chain key of the next message, 32 bytes. */
  readonly chainKey: Uint8Array;
  /** Number of the next message. */
  readonly index: number;
}

/**
 * A chain that we send on. Immutable: each message returns the next state. Holds secrets, prints redacted.
 */
export class OwnChain extends Redacted implements OwnChainFields {
  /** Names the chain: the public key of `privateKey`, 33 bytes, compressed SEC1. */
  declare readonly chain: Uint8Array;
  /** Signs the messages, 32 bytes. */
  declare readonly privateKey: Uint8Array;
  /** The chain key of message 0, 32 bytes: for members who ask for the chain later. */
  declare readonly firstKey: Uint8Array;
  /** The chain key of the next message, 32 bytes. */
  declare readonly chainKey: Uint8Array;
  /** Number of the next message. */
  declare readonly index: number;

  constructor(fields: OwnChainFields) {
    super();
    Object.assign(this, fields);
  }
}

/** Begins a chain, with keys from the provider's random bytes. */
export function startOwnChain(crypto: CryptoProvider): OwnChain {
  const { publicKey, privateKey } = crypto.secp256k1.generateKeyPair();
  const firstKey = crypto.randomBytes(32);
  return new OwnChain({ chain: publicKey, privateKey, firstKey, chainKey: firstKey, index: 0 });
}

/** What {@link encrypt} returns. */
export interface Encrypted {
  /** Replaces the state: store it before the message leaves. */
  readonly next: OwnChain;
  /** Number of the message. */
  readonly index: number;
  /** The message, see `decodeMessage`. Fresh; the caller owns it. */
  readonly encoded: Uint8Array;
}

/**
 * Encrypts one message for everybody who has the chain, and steps the chain.
 * @throws RATCHET_EXHAUSTED after 2^32 - 1 messages; INVALID_LENGTH, INVALID_ARGUMENT
 */
export function encrypt(
  crypto: CryptoProvider,
  state: OwnChain,
  context: ChainContext,
  plaintext: Uint8Array,
): Encrypted {
  const { chain, privateKey, chainKey, index } = state;
  if (index > MAX_INDEX)
    throw new SottoError('RATCHET_EXHAUSTED', 'The chain is used up. Begin another.', {});
  const associatedData = associatedDataOf(context, chain, index);
  const messageKey = messageKeyOf(crypto, chainKey);
  const sealed = seal(crypto, messageKey, associatedData, plaintext);
  wipeBytes(messageKey);
  const digest = signatureDigest(crypto, associatedData, sealed);
  const signature = crypto.secp256k1.signRecoverable(digest, privateKey);
  return {
    next: new OwnChain({ ...state, chainKey: nextChainKey(crypto, chainKey), index: index + 1 }),
    index,
    encoded: encodeMessage({ chain, index, sealed, signature }),
  };
}

/**
 * What to give a member who may read from a message on.
 * @param index from 0 to that of the next message, which is the default. An earlier one costs an HMAC for each message between
 * @throws INVALID_ARGUMENT
 */
export function senderKeyOf(crypto: CryptoProvider, state: OwnChain, index = state.index): SenderKey {
  const { chain } = state;
  if (!Number.isInteger(index) || index < 0 || index > state.index) {
    throw invalidArgument('index', `not a whole number from 0 to ${state.index}`);
  }
  let chainKey = index === state.index ? state.chainKey : state.firstKey;
  if (index < state.index) for (let i = 0; i < index; i++) chainKey = nextChainKey(crypto, chainKey);
  return new SenderKey({ chain: copyBytes(chain), index, chainKey: copyBytes(chainKey) });
}
