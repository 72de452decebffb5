import { parseBytes } from '@sotto/core';
import { encodeHeader, type RatchetMessage } from './header.js';
import type { RatchetLimits } from './limits.js';
import { checkBodyLength, openBody } from './message-cipher.js';
import { ratchetReceiveKey } from './receive-key.js';
import type { SkippedKeyChanges } from './skipped-keys.js';
import type { RatchetState } from './state.js';
import type { RatchetSuite } from './suite.js';

/** Options of {@link decrypt}. */
export interface DecryptOptions {
  /** The bytes that the sender passed to `encrypt`; deployed peers use none. */
  readonly associatedData?: Uint8Array | undefined;
  /** The message key kept for this message, when `skippedKeyFor` names one. Borrowed. */
  readonly skippedKey?: Uint8Array | undefined;
  /** Default: what deployed peers use. */
  readonly limits?: RatchetLimits | undefined;
}

/** What {@link decrypt} returns. */
export interface Decrypted {
  /** Replaces the state: store it, with the key changes, in one write, before the plaintext is used. */
  readonly next: RatchetState;
  /** Fresh; the caller owns it. */
  readonly plaintext: Uint8Array;
  /** Skipped message keys to keep and to delete in the same write. */
  readonly keys: SkippedKeyChanges;
}

const NO_BYTES = new Uint8Array(0);

/**
 * Decrypts one message; messages may arrive in any order. A failure throws and changes nothing: the given state is
 * still that of the session. Double Ratchet specification, section 3.5.
 *
 * @throws RATCHET_MALFORMED, RATCHET_TOO_MANY_SKIPPED before any key is derived;
 *   RATCHET_DUPLICATE when the message's key was used already or deleted; RATCHET_KEY_MISSING;
 *   INVALID_PUBLIC_KEY; AUTHENTICATION_FAILED; INVALID_ARGUMENT
 */
export function decrypt(
  suite: RatchetSuite,
  state: RatchetState,
  message: RatchetMessage,
  options: DecryptOptions = {},
): Decrypted {
  const { header, body } = message;
  checkBodyLength(parseBytes(body, 'message body'));
  const { next, messageKey, keys } = ratchetReceiveKey(suite, state, header, options);
  const associatedData = options.associatedData ?? NO_BYTES;
  const plaintext = openBody(suite.crypto, messageKey, body, associatedData, encodeHeader(header));
  return { next, plaintext, keys };
}
