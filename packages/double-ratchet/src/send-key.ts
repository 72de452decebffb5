import { copyBytes, SottoError } from '@sotto/core';
import { messageKeyOf, nextChainKey } from './chain-key.js';
import { MAX_COUNTER, type RatchetHeader } from './header.js';
import { stepRootKey } from './root-key.js';
import { RatchetState } from './state.js';
import type { RatchetSuite } from './suite.js';

/** What {@link ratchetSendKey} returns. */
export interface SendKey {
  /** Replaces the state: store it before anything under the key leaves. */
  readonly next: RatchetState;
  /** Goes with the message. Fresh. */
  readonly header: RatchetHeader;
  /** 32 bytes; secret. The caller owns it. */
  readonly messageKey: Uint8Array;
  /** Where this message made a DH ratchet step: the header key of our next chain, 32 bytes; secret. */
  readonly headerKey?: Uint8Array | undefined;
}

/**
 * The key of the next message to send, and the state after it, without sealing anything: what protocols of their own, such as
 * header encryption or a second ratchet beside this one, are built from. Double Ratchet specification, revision 4, `RatchetSendKey`.
 *
 * @throws RATCHET_EXHAUSTED after 2^32 - 1 messages in one chain; INVALID_PUBLIC_KEY when the peer's ratchet key with
 *   which the session was started is not on the curve
 */
export function ratchetSendKey(suite: RatchetSuite, state: RatchetState): SendKey {
  const turn = state.sending.kind === 'inactive' ? turnSending(suite, state) : undefined;
  const ready = turn?.state ?? state;
  const { chain, keyPair } = ready.sending as Extract<RatchetState['sending'], { kind: 'chain' }>;
  if (chain.n > MAX_COUNTER) {
    throw new SottoError('RATCHET_EXHAUSTED', 'This chain has no message numbers left.', {});
  }
  const advanced = { chainKey: nextChainKey(suite.crypto, chain.chainKey), n: chain.n + 1 };
  return {
    next: new RatchetState({ ...ready, sending: { kind: 'chain', chain: advanced, keyPair } }),
    header: { key: copyBytes(keyPair.publicKey), n: chain.n, pn: ready.previousLength },
    messageKey: messageKeyOf(suite.crypto, chain.chainKey),
    headerKey: turn?.headerKey,
  };
}

/** The sending half of a DH ratchet step: a new key pair against the peer's current key. */
export function turnSending(
  suite: RatchetSuite,
  state: RatchetState,
): { readonly state: RatchetState; readonly headerKey: Uint8Array } {
  const keyPair = suite.generateKeyPair();
  // An inactive side always has a remote key: a responder begins with a chain, an initiator with the peer's key.
  const dhOutput = suite.dh(keyPair.privateKey, state.remoteKey as Uint8Array);
  const { rootKey, chainKey, headerKey } = stepRootKey(suite.crypto, state.rootKey, dhOutput);
  const sending = { kind: 'chain' as const, chain: { chainKey, n: 0 }, keyPair };
  return { state: new RatchetState({ ...state, rootKey, sending }), headerKey };
}
