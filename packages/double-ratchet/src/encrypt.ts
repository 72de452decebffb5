import { parseBytes } from '@sotto/core';
import { encodeHeader, type RatchetMessage } from './header.js';
import { sealMessage } from './message-cipher.js';
import { ratchetSendKey } from './send-key.js';
import type { RatchetState } from './state.js';
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
  const { next, header, messageKey } = ratchetSendKey(suite, state);
  const encodedHeader = encodeHeader(header);
  const encoded = sealMessage(suite.crypto, messageKey, plaintext, associatedData, encodedHeader);
  return { next, message: { header, body: encoded.subarray(encodedHeader.length) }, encoded };
}
