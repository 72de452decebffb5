import { encodeUtf8, SottoError, wipeBytes } from '@sotto/core';
import type { CryptoProvider } from '@sotto/crypto';

const MESSAGE_INFO = encodeUtf8('pcwSByyx2CRdryCffXJwy7xgVZWtW5Sh');
const ZERO_SALT = new Uint8Array(32);
const IV_LENGTH = 16;
const MAC_LENGTH = 32;

/** Bytes of a body in addition to its plaintext: iv and MAC. */
export const BODY_OVERHEAD = IV_LENGTH + MAC_LENGTH;

/** The keys of one message. */
interface MessageKeys {
  /** 32 bytes, AES-256-CTR. */
  readonly encryptionKey: Uint8Array;
  /** 32 bytes, HMAC-SHA-256. */
  readonly authenticationKey: Uint8Array;
  /** 16 bytes. */
  readonly iv: Uint8Array;
}

/** HKDF-SHA-256 of a message key. Wire profile, section 4. */
function deriveMessageKeys(crypto: CryptoProvider, messageKey: Uint8Array): MessageKeys {
  const output = crypto.hkdfSha256({ inputKey: messageKey, salt: ZERO_SALT, info: MESSAGE_INFO, length: 80 });
  return {
    encryptionKey: output.subarray(0, 32),
    authenticationKey: output.subarray(32, 64),
    iv: output.subarray(64, 80),
  };
}

/**
 * `header || iv || AES-256-CTR || HMAC-SHA-256(associated data || header || iv || ciphertext)`, as one byte string: what is
 * authenticated is contiguous, and a large message is copied once.
 */
export function sealMessage(
  crypto: CryptoProvider,
  messageKey: Uint8Array,
  plaintext: Uint8Array,
  associatedData: Uint8Array,
  header: Uint8Array,
): Uint8Array {
  const keys = deriveMessageKeys(crypto, messageKey);
  const ciphertext = crypto.aesCtr(keys.encryptionKey, keys.iv, plaintext);
  const message = new Uint8Array(header.length + ciphertext.length + BODY_OVERHEAD);
  message.set(header);
  message.set(keys.iv, header.length);
  message.set(ciphertext, header.length + IV_LENGTH);
  const authenticated = message.subarray(0, -MAC_LENGTH);
  message.set(crypto.hmacSha256(keys.authenticationKey, associatedData, authenticated), authenticated.length);
  wipeBytes(keys.encryptionKey, keys.authenticationKey);
  return message;
}

/**
 * Opens the body of what {@link sealMessage} returned. The MAC is compared in constant time, and before anything is decrypted.
 * @throws AUTHENTICATION_FAILED; RATCHET_MALFORMED when the body is shorter than iv and MAC
 */
export function openBody(
  crypto: CryptoProvider,
  messageKey: Uint8Array,
  body: Uint8Array,
  associatedData: Uint8Array,
  header: Uint8Array,
): Uint8Array {
  checkBodyLength(body);
  const keys = deriveMessageKeys(crypto, messageKey);
  const authenticated = body.subarray(0, body.length - MAC_LENGTH);
  const mac = crypto.hmacSha256(keys.authenticationKey, associatedData, header, authenticated);
  try {
    if (!crypto.equalBytes(mac, body.subarray(body.length - MAC_LENGTH))) {
      throw new SottoError('AUTHENTICATION_FAILED', 'The message does not authenticate in this session.', {
        what: 'ratchet message',
      });
    }
    return crypto.aesCtr(keys.encryptionKey, body.subarray(0, IV_LENGTH), authenticated.subarray(IV_LENGTH));
  } finally {
    wipeBytes(keys.encryptionKey, keys.authenticationKey);
  }
}

/** @throws RATCHET_MALFORMED when there is no room for iv and MAC */
export function checkBodyLength(body: Uint8Array): void {
  if (body.length < BODY_OVERHEAD) {
    throw new SottoError('RATCHET_MALFORMED', 'The message body is too short to be one.', {
      reason: `${body.length} bytes, at least ${BODY_OVERHEAD} are needed`,
    });
  }
}
