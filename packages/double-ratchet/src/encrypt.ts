import { copyBytes, parseBytes, SottoError } from '@sotto/core';
import { messageKeyOf, nextChainKey } from './chain-key.js';
import { encodeHeader, MAX_COUNTER, type RatchetMessage } from './header.js';
import { sealMessage } from './message-cipher.js';
import { stepRootKey } from './root-key.js';
import { RatchetState } from './state.js';
import type { RatchetSuite } from './suite.js';

/** What {@link encrypt} returns. */
export interface Encrypted {
  /** Replaces the state: store it before the message leaves. */
  readonly next: RatchetState;
  /** The message to send. */
  readonly message: RatchetMessage;
  /** The same as one byte string, see `encodeMessage`; the body of `message` is a view of it. */
  readonly encoded: Uint8Array;
}

const NO_BYTES = new Uint8Array(0);

/**
 * Encrypts one message and steps the sending chain; the first message after a DH ratchet step of the peer makes ours.
 * Double Ratchet specification, section 3.4.
 *
 * @param associatedData bytes that the receiver must present as well; deployed peers use none
 * @throws RATCHET_EXHAUSTED after 2^32 - 1 messages in one chain; INVALID_PUBLIC_KEY when the peer's ratchet
 *   key
 * with which the session was started is not on the curve; INVALID_ARGUMENT
 */
export function encrypt(
  suite: RatchetSuite,
  state: RatchetState,
  plaintext: Uint8Array,
  associatedData: Uint8Array = NO_BYTES,
): Encrypted {
  parseBytes(plaintext, 'plaintext');
  parseBytes(associatedData, 'associated data');
  const ready = state.sending.kind === 'inactive' ? turnSending(suite, state) : state;
  const { chain, keyPair } = ready.sending as Extract<RatchetState['sending'], { kind: 'chain' }>;
  if (chain.n > MAX_COUNTER) {
    throw new SottoError('RATCHET_EXHAUSTED', 'This chain has no message numbers left.', {});
  }
  const header = { key: copyBytes(keyPair.publicKey), n: chain.n, pn: ready.previousLength };
  const messageKey = messageKeyOf(suite.crypto, chain.chainKey);
  const encodedHeader = encodeHeader(header);
  const encoded = sealMessage(suite.crypto, messageKey, plaintext, associatedData, encodedHeader);
  const advanced = { chainKey: nextChainKey(suite.crypto, chain.chainKey), n: chain.n + 1 };
  return {
    next: new RatchetState({ ...ready, sending: { kind: 'chain', chain: advanced, keyPair } }),
    message: { header, body: encoded.subarray(encodedHeader.length) },
    encoded,
  };
}

/** The sending half of a DH ratchet step: a new key pair against the peer's current key. */
export function turnSending(suite: RatchetSuite, state: RatchetState): RatchetState {
  const keyPair = suite.generateKeyPair();
  // An inactive side always has a remote key: a responder begins with a chain, an initiator with the peer's key.
  const dhOutput = suite.dh(keyPair.privateKey, state.remoteKey as Uint8Array);
  const { rootKey, chainKey } = stepRootKey(suite.crypto, state.rootKey, dhOutput);
  return new RatchetState({
    ...state,
    rootKey,
    sending: { kind: 'chain', chain: { chainKey, n: 0 }, keyPair },
  });
}
