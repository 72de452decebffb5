import { concatBytes, isSottoError, SottoError } from '@sotto/core';
import type { CryptoProvider } from '@sotto/crypto';
import { type Direction, dayBytes, type SealingKeys, sealingDay } from './sealing-keys.js';

/** No protobuf message begins with this byte, as no field has the number 0. */
const MARK = 0;
const VERSION = 1;
const HEADER_LENGTH = 6;
const NONCE_LENGTH = 12;
const TAG_LENGTH = 16;
const TIME_LENGTH = 8;

/** A sealed message that was opened. */
export interface Unsealed {
  /** The ProtocolMessage, nobody else's. */
  readonly message: Uint8Array;
  /** When it was sealed, milliseconds since the epoch by the sender's clock. */
  readonly sealedAt: number;
}

/** Whether a message is sealed: a ProtocolMessage isn't. */
export function isSealed(message: Uint8Array): boolean {
  return message[0] === MARK && message[1] === VERSION;
}

/**
 * Seals a ProtocolMessage: `00 || 01 || BE32(day) || nonce, 12 bytes || AES-256-GCM of BE64(milliseconds) || message`, the six bytes
 * before the nonce being associated data. Wire profile, section 11.
 * @param now milliseconds since the epoch
 */
export function sealMessage(
  crypto: CryptoProvider,
  keys: SealingKeys,
  direction: Direction,
  message: Uint8Array,
  now: number,
): Uint8Array {
  const day = sealingDay(now);
  const header = concatBytes(Uint8Array.of(MARK, VERSION), dayBytes(day));
  const nonce = crypto.randomBytes(NONCE_LENGTH);
  const time = new Uint8Array(TIME_LENGTH);
  new DataView(time.buffer).setBigUint64(0, BigInt(Math.max(0, Math.trunc(now))));
  const { key } = keys.get(direction, day);
  return concatBytes(header, nonce, crypto.sealAes256Gcm(key, nonce, concatBytes(time, message), header));
}

/**
 * Opens what {@link sealMessage} made.
 * @throws MALFORMED_MESSAGE, also when it was not sealed in this direction by one of the two
 */
export function unsealMessage(
  crypto: CryptoProvider,
  keys: SealingKeys,
  direction: Direction,
  sealed: Uint8Array,
): Unsealed {
  const day = dayOfSealed(sealed);
  const header = sealed.subarray(0, HEADER_LENGTH);
  const nonce = sealed.subarray(HEADER_LENGTH, HEADER_LENGTH + NONCE_LENGTH);
  const { key } = keys.get(direction, day);
  const opened = openWith(crypto, key, nonce, sealed.subarray(HEADER_LENGTH + NONCE_LENGTH), header);
  const sealedAt = Number(new DataView(opened.buffer, opened.byteOffset).getBigUint64(0));
  if (sealingDay(sealedAt) !== day) throw malformedSeal('its time is of another day');
  return { message: opened.subarray(TIME_LENGTH), sealedAt };
}

function openWith(
  crypto: CryptoProvider,
  ...sealed: Parameters<CryptoProvider['openAes256Gcm']>
): Uint8Array {
  try {
    return crypto.openAes256Gcm(...sealed);
  } catch (error) {
    if (isSottoError(error, 'AUTHENTICATION_FAILED'))
      throw malformedSeal('the key of its day does not open it');
    throw error;
  }
}

/**
 * The day of a sealed message, see {@link isSealed}, which names its keys.
 * @throws MALFORMED_MESSAGE
 */
export function dayOfSealed(sealed: Uint8Array): number {
  if (sealed.length < HEADER_LENGTH + NONCE_LENGTH + TAG_LENGTH + TIME_LENGTH) {
    throw malformedSeal(`${sealed.length} bytes are too few`);
  }
  return new DataView(sealed.buffer, sealed.byteOffset).getUint32(2);
}

/** The error for a sealed message that no peer makes. */
export function malformedSeal(reason: string): SottoError {
  return new SottoError('MALFORMED_MESSAGE', `The sealed message is malformed: ${reason}.`, {
    what: 'sealed message',
    reason,
  });
}
