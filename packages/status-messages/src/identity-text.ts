import { type CryptoProvider, decodeHex, encodeHex, type PublicKey } from '@sotto/core';
import { malformed } from '@sotto/protocol-codec/internal';

/** A public key as these messages name it: `0x04` and 128 hex digits, in lower case. */
export function formatIdentity(crypto: CryptoProvider, identity: PublicKey): string {
  return `0x${encodeHex(crypto.secp256k1.uncompressPublicKey(identity))}`;
}

/**
 * Parses a public key as these messages name it.
 * @throws MALFORMED_MESSAGE
 */
export function parseIdentity(crypto: CryptoProvider, text: string): PublicKey {
  if (!/^0x04[0-9a-f]{128}$/i.test(text)) throw malformed('public key', 'not 0x04 and 128 hex digits');
  try {
    return crypto.secp256k1.parsePublicKey(decodeHex(text));
  } catch {
    throw malformed('public key', 'not a point on the curve');
  }
}
