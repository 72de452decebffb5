import { parseObject } from '@sotto/core';
import type { CryptoProvider } from '@sotto/crypto';

/**
 * Checks that the first argument is a crypto provider, which is easily forgotten.
 * @throws INVALID_ARGUMENT
 */
export function checkProvider(crypto: CryptoProvider): void {
  parseObject(crypto, 'crypto', 'secp256k1', 'keccak256', 'sha256', 'randomBytes');
}
