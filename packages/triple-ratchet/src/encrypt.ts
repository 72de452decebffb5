import { parseBytes } from '@sotto/core';
import { curve25519Suite } from '@sotto/double-ratchet';
import { ratchetSendKey, sealMessage } from '@sotto/double-ratchet/keys';
import { encodeTripleHeader } from './header.js';
import { sealHeader } from './message.js';
import { authenticatedData, hybridKey } from './message-key.js';
import type { TripleRatchetProvider } from './provider.js';
import { sparseSendKey } from './sparse/send-key.js';
import { type HeaderKeys, TripleRatchetState } from './state.js';

/** What {@link encrypt} returns. */
export interface Encrypted {
  /** Replaces the state: store it before the message leaves. */
  readonly next: TripleRatchetState;
  /**
   * `length 1 || nonce 12 || encrypted header || iv 16 || ciphertext || MAC 32`: the plaintext and 131 bytes, or 278 (at the end of a
   * ciphertext 182) when it carries a chunk of the post-quantum exchange.
   */
  readonly message: Uint8Array;
}

const NO_BYTES = new Uint8Array(0);

/**
 * Encrypts one message and steps both ratchets.
 *
 * @param associatedData bytes that the receiver must present as well, beside the hash of the handshake
 * @throws RATCHET_EXHAUSTED after 2^32 - 1 messages in one chain; INVALID_PUBLIC_KEY when the peer's ratchet key with which the session
 *   was started is of small order; INVALID_ARGUMENT
 */
export function encrypt(
  crypto: TripleRatchetProvider,
  state: TripleRatchetState,
  plaintext: Uint8Array,
  associatedData: Uint8Array = NO_BYTES,
): Encrypted {
  parseBytes(plaintext, 'plaintext');
  parseBytes(associatedData, 'associated data');
  const dh = ratchetSendKey(curve25519Suite(crypto), state.ratchet);
  const sparse = sparseSendKey(crypto, state.sparse);
  const { headerKeys, headerKey } = turnSending(state.headerKeys, dh.headerKey);
  const header = encodeTripleHeader({ ratchet: dh.header, sparse: sparse.header });
  const message = sealMessage(
    crypto,
    hybridKey(crypto, dh.messageKey, sparse.messageKey),
    plaintext,
    authenticatedData(state.associatedData, associatedData),
    sealHeader(crypto, headerKey, header),
  );
  return {
    next: new TripleRatchetState({ ...state, ratchet: dh.next, sparse: sparse.next, headerKeys }),
    message,
  };
}

/** With a step of the DH ratchet the key that was to come next is in use, and the step's own is to come next. */
function turnSending(
  headerKeys: HeaderKeys,
  stepped: Uint8Array | undefined,
): { readonly headerKeys: HeaderKeys; readonly headerKey: Uint8Array } {
  const { sending, nextSending } = headerKeys;
  // Without a key the DH ratchet has no chain either, and steps.
  if (stepped === undefined) return { headerKeys, headerKey: sending as Uint8Array };
  return {
    headerKeys: { ...headerKeys, sending: nextSending, nextSending: stepped },
    headerKey: nextSending,
  };
}
