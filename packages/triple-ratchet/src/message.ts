import { isSottoError, parseBytes, SottoError } from '@sotto/core';
import { BODY_OVERHEAD } from '@sotto/double-ratchet';
import type { TripleRatchetProvider } from './provider.js';

const NONCE_LENGTH = 12;
const TAG_LENGTH = 16;

/** The two parts of a message, as views of it. */
export interface MessageParts {
  /** `length 1 || nonce 12 || AES-256-GCM of the header`: what the message key authenticates with the body. */
  readonly encryptedHeader: Uint8Array;
  /** `iv 16 || ciphertext || MAC 32`. */
  readonly body: Uint8Array;
}

/** `length of the rest 1 || nonce 12 || AES-256-GCM(header key, nonce, header)`, with a random nonce. */
export function sealHeader(
  crypto: TripleRatchetProvider,
  headerKey: Uint8Array,
  header: Uint8Array,
): Uint8Array {
  const nonce = crypto.randomBytes(NONCE_LENGTH);
  const sealed = crypto.sealAes256Gcm(headerKey, nonce, header);
  const bytes = new Uint8Array(1 + NONCE_LENGTH + sealed.length);
  bytes[0] = NONCE_LENGTH + sealed.length;
  bytes.set(nonce, 1);
  bytes.set(sealed, 1 + NONCE_LENGTH);
  return bytes;
}

/** The header that {@link sealHeader} sealed; `undefined` when the key doesn't open it. */
export function openHeader(
  crypto: TripleRatchetProvider,
  headerKey: Uint8Array,
  encryptedHeader: Uint8Array,
): Uint8Array | undefined {
  const at = 1 + NONCE_LENGTH;
  try {
    return crypto.openAes256Gcm(headerKey, encryptedHeader.subarray(1, at), encryptedHeader.subarray(at));
  } catch (error) {
    if (isSottoError(error, 'AUTHENTICATION_FAILED')) return undefined;
    throw error;
  }
}

/**
 * Takes a message apart, without any key.
 * @throws RATCHET_MALFORMED when it can't be a message; INVALID_ARGUMENT
 */
export function splitMessage(message: Uint8Array): MessageParts {
  const length = parseBytes(message, 'message')[0] ?? 0;
  if (length < NONCE_LENGTH + TAG_LENGTH || message.length < 1 + length + BODY_OVERHEAD) {
    throw new SottoError(
      'RATCHET_MALFORMED',
      'These bytes are too few for a message of the Triple Ratchet.',
      {
        reason: `${message.length} bytes, of which the header claims ${length}`,
      },
    );
  }
  return { encryptedHeader: message.subarray(0, 1 + length), body: message.subarray(1 + length) };
}
