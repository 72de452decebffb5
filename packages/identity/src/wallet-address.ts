import { encodeHex, encodeUtf8 } from '@sotto/core';
import type { CryptoProvider } from '@sotto/crypto';
import { checkProvider } from './check-provider.js';

/**
 * The Ethereum address of a public key (33 or 65 bytes): `0x` and 40 digits whose case is the EIP-55 checksum.
 * @throws INVALID_PUBLIC_KEY
 */
export function walletAddress(crypto: CryptoProvider, publicKey: Uint8Array): string {
  checkProvider(crypto);
  const point = crypto.secp256k1.uncompressPublicKey(publicKey).subarray(1);
  return checksumAddress(crypto, encodeHex(crypto.keccak256(point).subarray(12)));
}

/** An address with the checksum of EIP-55, of its 40 lower-case digits. */
export function checksumAddress(crypto: CryptoProvider, digits: string): string {
  const checksum = encodeHex(crypto.keccak256(encodeUtf8(digits)));
  const cased = [...digits].map((digit, i) =>
    Number.parseInt(checksum.charAt(i), 16) >= 8 ? digit.toUpperCase() : digit,
  );
  return `0x${cased.join('')}`;
}
