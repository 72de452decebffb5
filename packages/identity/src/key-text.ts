import { base58 } from '@scure/base';
import {
  concatBytes,
  decodeHex,
  encodeHex,
  invalidArgument,
  type PublicKey,
  parseText,
  SottoError,
} from '@sotto/core';
import type { CryptoProvider } from '@sotto/crypto';
import { checkProvider } from './check-provider.js';

/**
 * Text forms of a public key (wire profile, section 8):
 * `uncompressed` `0x04…`, 65 bytes; `compressed` `0x02…` or `0x03…`, 33 bytes;
 * `base16` `fe701…` and `base58btc` `zQ3sh…`, multibase of the multicodec secp256k1-pub.
 */
export type KeyTextForm = 'uncompressed' | 'compressed' | 'base16' | 'base58btc';

/** Multicodec of a compressed secp256k1 public key, as a varint. */
const SECP256K1_PUB = Uint8Array.of(0xe7, 0x01);

/** Longest text that {@link parseKeyText} looks at, in characters. The longest form has 132. */
export const KEY_TEXT_MAX_CHARACTERS = 256;

/**
 * Writes a public key (33 or 65 bytes).
 * @throws INVALID_PUBLIC_KEY
 */
export function formatKeyText(crypto: CryptoProvider, publicKey: Uint8Array, form: KeyTextForm): string {
  checkProvider(crypto);
  const compressed = crypto.secp256k1.parsePublicKey(publicKey);
  switch (form) {
    case 'uncompressed':
      return `0x${encodeHex(crypto.secp256k1.uncompressPublicKey(compressed))}`;
    case 'compressed':
      return `0x${encodeHex(compressed)}`;
    case 'base16':
      return `f${encodeHex(concatBytes(SECP256K1_PUB, compressed))}`;
    case 'base58btc':
      return `z${base58.encode(concatBytes(SECP256K1_PUB, compressed))}`;
    default:
      throw invalidArgument('form', 'none of "uncompressed", "compressed", "base16" and "base58btc"');
  }
}

/**
 * Reads a public key in any of the forms of {@link KeyTextForm}. White space around it is ignored; hexadecimal may be
 * of either case and, without multibase, lack its `0x`. No error holds the text: it might be a private key, pasted by
 * mistake.
 * @throws INVALID_TEXT for what is neither hexadecimal nor `f…` nor `z…`, and for another multicodec
 * @throws INVALID_LENGTH when there are not 33 bytes (or 65, without multibase)
 * @throws INVALID_PUBLIC_KEY when the bytes are not a point on the curve
 * @throws LIMIT_EXCEEDED beyond {@link KEY_TEXT_MAX_CHARACTERS}
 */
export function parseKeyText(crypto: CryptoProvider, text: string): PublicKey {
  checkProvider(crypto);
  if (parseText(text, 'text').length > KEY_TEXT_MAX_CHARACTERS) {
    throw new SottoError('LIMIT_EXCEEDED', 'Too long for a public key.', {
      what: 'public key, characters',
      limit: KEY_TEXT_MAX_CHARACTERS,
      actual: text.length,
    });
  }
  return crypto.secp256k1.parsePublicKey(keyBytes(text.trim()));
}

function keyBytes(text: string): Uint8Array {
  switch (text.charAt(0)) {
    case 'f':
    case 'F':
      return withoutMulticodec(hexBytes(text.slice(1)));
    case 'z':
      return withoutMulticodec(base58Bytes(text.slice(1)));
    default: {
      const bytes = hexBytes(/^0x/i.test(text) ? text.slice(2) : text);
      return checkLength(bytes, [33, 65]);
    }
  }
}

function withoutMulticodec(bytes: Uint8Array): Uint8Array {
  if (bytes[0] !== SECP256K1_PUB[0] || bytes[1] !== SECP256K1_PUB[1]) {
    throw notAKey('a multicodec other than secp256k1-pub');
  }
  return checkLength(bytes.subarray(SECP256K1_PUB.length), [33]);
}

function checkLength(bytes: Uint8Array, lengths: readonly number[]): Uint8Array {
  if (!lengths.includes(bytes.length)) {
    throw new SottoError('INVALID_LENGTH', 'A public key has another length.', {
      what: 'public key',
      kind: 'public key',
      expected: lengths.join(' or '),
      actual: bytes.length,
    });
  }
  return bytes;
}

function hexBytes(digits: string): Uint8Array {
  if (!/^([0-9a-f]{2})+$/i.test(digits)) throw notAKey('neither hexadecimal nor multibase f or z');
  return decodeHex(digits);
}

function base58Bytes(text: string): Uint8Array {
  try {
    return base58.decode(text);
  } catch {
    throw notAKey('not base58btc after the z');
  }
}

function notAKey(reason: string): SottoError<'INVALID_TEXT'> {
  return new SottoError('INVALID_TEXT', `Not a valid public key: ${reason}.`, {
    what: 'public key',
    reason,
  });
}
