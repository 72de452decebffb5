import { compareBytes, copyBytes, isSottoError, Redacted, SottoError, wipeBytes } from '@sotto/core';
import type { CryptoProvider } from '@sotto/crypto';
import { associatedDataOf, type ChainContext, parseLength } from './chain-context.js';
import { messageKeyOf, nextChainKey } from './chain-step.js';
import { DEFAULT_SENDER_KEY_LIMITS, MAX_INDEX, type SenderKeyLimits } from './limits.js';
import type { SenderKeyMessage } from './message.js';
import { open, signatureDigest } from './message-cipher.js';
import type { SenderKeyFields } from './sender-key.js';
import {
  evictSkipped,
  hasSkipped,
  type SkippedKey,
  type SkippedKeyChanges,
  type SkippedRun,
  withoutSkipped,
} from './skipped-keys.js';

/** The fields of a {@link MemberChain}. */
export interface MemberChainFields {
  /** Names the chain: the public key that verifies its messages, 33 bytes, compressed SEC1. */
  readonly chain: Uint8Array;
  /** Number of the first message that we were given the key of. */
  readonly first: number;
  /** Number of the next message. */
  readonly index: number;
  /** The chain key of that message, 32 bytes. */
  readonly chainKey: Uint8Array;
  /** Messages that haven't arrived yet and whose keys are kept, ascending. */
  readonly skipped: readonly SkippedRun[];
}

/**
 * A chain that another device sends on, as far as we were given it. Immutable: each message returns the next state. Holds
 * secrets, prints redacted.
 */
export class MemberChain extends Redacted implements MemberChainFields {
  /** Names the chain: the public key that verifies its messages, 33 bytes, compressed SEC1. */
  declare readonly chain: Uint8Array;
  /** Number of the first message that we were given the key of. */
  declare readonly first: number;
  /** Number of the next message. */
  declare readonly index: number;
  /** The chain key of that message, 32 bytes. */
  declare readonly chainKey: Uint8Array;
  /** Messages that haven't arrived yet and whose keys are kept, ascending. */
  declare readonly skipped: readonly SkippedRun[];

  constructor(fields: MemberChainFields) {
    super();
    Object.assign(this, fields);
  }
}

/**
 * Begins to follow a chain that its sender gave us.
 * @param key borrowed
 * @throws INVALID_PUBLIC_KEY, INVALID_LENGTH, INVALID_ARGUMENT
 */
export function startMemberChain(
  crypto: Pick<CryptoProvider, 'secp256k1'>,
  key: SenderKeyFields,
): MemberChain {
  const { chain, index, chainKey } = key;
  parseLength(chain, 'chain', 33);
  parseLength(chainKey, 'chain key', 32);
  if (!Number.isInteger(index) || index < 0 || index > MAX_INDEX) {
    throw new SottoError('INVALID_ARGUMENT', 'No message has this number.', {
      what: 'index',
      reason: 'out of range',
    });
  }
  return new MemberChain({
    chain: crypto.secp256k1.parsePublicKey(chain),
    first: index,
    index,
    chainKey: copyBytes(chainKey),
    skipped: [],
  });
}

/** Most messages that {@link resumeMemberChain} passes over, two HMACs each: more than an honest chain has. */
const RESUMED_MAX = 1000;

/**
 * Begins to follow a chain of which another device of ours has read a part, as far as its state says: what was read there is a repetition
 * here. Where that is too far ahead of what we were given, it begins with {@link startMemberChain}.
 *
 * @param key borrowed
 * @param read of the same chain; its chain key is not used
 * @returns the state, and the keys of messages that were not read there: store both in one write
 * @throws as {@link startMemberChain}
 */
export function resumeMemberChain(
  crypto: Pick<CryptoProvider, 'secp256k1' | 'hmacSha256'>,
  key: SenderKeyFields,
  read: Pick<MemberChainFields, 'index' | 'skipped'>,
): { readonly next: MemberChain; readonly stored: readonly SkippedKey[] } {
  const start = startMemberChain(crypto, key);
  if (read.index - start.index > RESUMED_MAX || read.index <= start.index) return { next: start, stored: [] };
  const stored: SkippedKey[] = [];
  let { chainKey } = start;
  for (let index = start.index; index < read.index; index++) {
    if (hasSkipped(read.skipped, index)) stored.push({ index, messageKey: messageKeyOf(crypto, chainKey) });
    chainKey = nextChainKey(crypto, chainKey);
  }
  const skipped = stored.map(({ index }) => ({ first: index, count: 1 }));
  return { next: new MemberChain({ ...start, index: read.index, chainKey, skipped }), stored };
}

/** Options of {@link decrypt}. */
export interface DecryptOptions {
  /** The message key kept for this message, when {@link isSkipped} says that there is one. Borrowed. */
  readonly skippedKey?: Uint8Array | undefined;
  /** Default: `DEFAULT_SENDER_KEY_LIMITS`. */
  readonly limits?: SenderKeyLimits | undefined;
}

/** What {@link decrypt} returns. */
export interface Decrypted {
  /** Replaces the state: store it, with the key changes, in one write, before the plaintext is used. */
  readonly next: MemberChain;
  /** Fresh; the caller owns it. */
  readonly plaintext: Uint8Array;
  /** Skipped message keys to keep and to delete in the same write. */
  readonly keys: SkippedKeyChanges;
}

/** Whether a message key is kept for the message of this number: pass it to {@link decrypt}. */
export function isSkipped(state: MemberChain, index: number): boolean {
  return hasSkipped(state.skipped, index);
}

/**
 * Decrypts one message; messages may arrive in any order. The signature is verified first: members have the same chain key, so
 * without it each could write in the name of the sender. A failure throws and changes nothing.
 *
 * @throws INVALID_SIGNATURE when the chain's owner didn't sign the message for this group, sender and device, or it names another chain; RATCHET_DUPLICATE
 *   when its key was used already, was deleted, or was never given to us; RATCHET_TOO_MANY_SKIPPED; RATCHET_KEY_MISSING;
 *   AUTHENTICATION_FAILED; INVALID_LENGTH
 */
export function decrypt(
  crypto: CryptoProvider,
  state: MemberChain,
  context: ChainContext,
  message: SenderKeyMessage,
  { skippedKey, limits = DEFAULT_SENDER_KEY_LIMITS }: DecryptOptions = {},
): Decrypted {
  const { index, sealed } = message;
  const associatedData = associatedDataOf(context, state.chain, index);
  checkSigned(crypto, state, message, signatureDigest(crypto, associatedData, sealed));
  if (index < state.index) {
    const messageKey = keptKey(state, index, skippedKey);
    const plaintext = open(crypto, messageKey, associatedData, sealed);
    const next = new MemberChain({ ...state, skipped: withoutSkipped(state.skipped, index) });
    return { next, plaintext, keys: { stored: [], deleted: [index] } };
  }
  const count = index - state.index;
  if (count > limits.maxSkipped) {
    throw new SottoError('RATCHET_TOO_MANY_SKIPPED', 'Too many messages of the chain are missing.', {
      limit: limits.maxSkipped,
      requested: count,
    });
  }
  const passed: SkippedKey[] = [];
  let { chainKey } = state;
  for (let i = state.index; i < index; i++) {
    passed.push({ index: i, messageKey: messageKeyOf(crypto, chainKey) });
    chainKey = nextChainKey(crypto, chainKey);
  }
  const messageKey = messageKeyOf(crypto, chainKey);
  const plaintext = open(crypto, messageKey, associatedData, sealed);
  wipeBytes(messageKey);
  const runs = count === 0 ? state.skipped : [...state.skipped, { first: state.index, count }];
  const { kept, evicted } = evictSkipped(runs, limits.maxStoredKeys);
  const next = new MemberChain({
    ...state,
    index: index + 1,
    chainKey: nextChainKey(crypto, chainKey),
    skipped: kept,
  });
  const stored = passed.filter((one) => hasSkipped(kept, one.index));
  return { next, plaintext, keys: { stored, deleted: evicted.filter((one) => one < state.index) } };
}

/**
 * Whether the owner of the chain that a message names signed it for this group, sender and device. That shows before one has the chain
 * that nobody has moved the message here from another group.
 */
export function isSigned(
  crypto: Pick<CryptoProvider, 'secp256k1' | 'keccak256'>,
  context: ChainContext,
  { chain, index, sealed, signature }: SenderKeyMessage,
): boolean {
  const digest = signatureDigest(crypto, associatedDataOf(context, chain, index), sealed);
  try {
    return compareBytes(crypto.secp256k1.recoverPublicKey(digest, signature), chain) === 0;
  } catch (error) {
    if (isSottoError(error, 'INVALID_SIGNATURE')) return false;
    throw error;
  }
}

function checkSigned(
  crypto: CryptoProvider,
  { chain }: MemberChain,
  message: SenderKeyMessage,
  digest: Uint8Array,
): void {
  const isNamed = compareBytes(message.chain, chain) === 0;
  const signer = () => crypto.secp256k1.recoverPublicKey(digest, message.signature, chain);
  if (isNamed && compareBytes(signer(), chain) === 0) return;
  throw new SottoError('INVALID_SIGNATURE', 'The owner of the chain did not sign this message.', {
    reason: 'signed by another key',
  });
}

function keptKey(state: MemberChain, index: number, skippedKey: Uint8Array | undefined): Uint8Array {
  if (!hasSkipped(state.skipped, index)) {
    throw new SottoError('RATCHET_DUPLICATE', 'The key of this message was used already, or deleted.', {
      n: index,
    });
  }
  if (skippedKey === undefined) {
    throw new SottoError('RATCHET_KEY_MISSING', 'The kept key of this message was not passed.', { n: index });
  }
  return parseLength(skippedKey, 'skipped key', 32);
}
