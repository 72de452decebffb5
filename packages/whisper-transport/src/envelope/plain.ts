import { copyBytes, type KeyPair, type PublicKey, SIGNATURE_LENGTH, SottoError } from '@sotto/core';
import type { CryptoProvider } from '@sotto/crypto';

/** Sealed messages have a multiple of so many bytes, so that their length reveals less. */
const PADDING_UNIT = 256;
const SIZE_MASK = 0b011;
const SIGNED = 0b100;

/** What is inside an envelope. */
export interface PlainMessage {
  /** What was sent, without padding. */
  readonly payload: Uint8Array;
  /** Who signed it; `undefined` when it is not signed. */
  readonly signer: PublicKey | undefined;
}

/**
 * `flags || payload size || payload || padding || signature?`. Wire profile, section 7.
 *
 * @param signer signs; without one, anyone may have written it
 * @param padding for tests; drawn at random otherwise
 */
export function encodePlain(
  crypto: CryptoProvider,
  payload: Uint8Array,
  signer: KeyPair | undefined,
  padding?: Uint8Array,
): Uint8Array {
  const size = sizeField(payload.length);
  const signatureLength = signer === undefined ? 0 : SIGNATURE_LENGTH;
  const raw = 1 + size.length + payload.length + signatureLength;
  const pad = padding ?? crypto.randomBytes(PADDING_UNIT - (raw % PADDING_UNIT));
  // In one array, so that it can be signed in place.
  const plain = new Uint8Array(raw + pad.length);
  const end = plain.length - signatureLength;
  plain[0] = size.length | (signer === undefined ? 0 : SIGNED);
  plain.set(size, 1);
  plain.set(payload, 1 + size.length);
  plain.set(pad, end - pad.length);
  if (signer !== undefined) {
    const digest = crypto.keccak256(plain.subarray(0, end));
    plain.set(crypto.secp256k1.signRecoverable(digest, signer.privateKey), end);
  }
  return plain;
}

/**
 * Reads what {@link encodePlain} wrote; the payload is copied. The signer is recovered from the signature.
 *
 * @param expected who probably signed; changes nothing but the time taken
 * @throws MALFORMED_MESSAGE, INVALID_SIGNATURE
 */
export function decodePlain(crypto: CryptoProvider, plain: Uint8Array, expected?: PublicKey): PlainMessage {
  const flags = plain[0];
  if (flags === undefined) throw malformed('it is empty');
  const sizeLength = flags & SIZE_MASK;
  const signed = (flags & SIGNED) !== 0;
  const end = plain.length - (signed ? SIGNATURE_LENGTH : 0);
  const begin = 1 + sizeLength;
  if (begin > end) throw malformed('it is shorter than its header and signature');
  let size = 0;
  for (let i = sizeLength; i > 0; i--) size = size * 256 + (plain[i] as number);
  if (begin + size > end) throw malformed('its payload is longer than the message');
  const digest = signed ? crypto.keccak256(plain.subarray(0, end)) : undefined;
  const signer = digest && crypto.secp256k1.recoverPublicKey(digest, plain.subarray(end), expected);
  return { payload: copyBytes(plain.subarray(begin, begin + size)), signer };
}

/** Little-endian, as few bytes as it takes. */
function sizeField(length: number): Uint8Array {
  const bytes: number[] = [];
  for (let left = length; left > 0 || bytes.length === 0; left = Math.floor(left / 256))
    bytes.push(left % 256);
  if (bytes.length > SIZE_MASK) {
    throw new SottoError('LIMIT_EXCEEDED', 'The message is too large to be sealed.', {
      what: 'bytes of a payload',
      limit: 2 ** 24 - 1,
      actual: length,
    });
  }
  return Uint8Array.from(bytes);
}

function malformed(reason: string): SottoError {
  return new SottoError('MALFORMED_MESSAGE', 'The sealed message is damaged.', {
    what: 'sealed message',
    reason,
  });
}
