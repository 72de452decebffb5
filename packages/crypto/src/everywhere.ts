/** What every entry of this package exports; the default provider is added by platform. */
export type { CryptoProvider, Secp256k1, X25519, X25519Provider } from '@sotto/core';
export {
  HKDF_MAX_LENGTH,
  PBKDF2_MAX_ITERATIONS,
  PBKDF2_MAX_LENGTH,
  RANDOM_MAX_LENGTH,
  X25519KeyPair,
  type X25519PrivateKey,
  type X25519PublicKey,
} from '@sotto/core';
export * from './describe-provider.js';
export * from './ecies.js';
export * from './portable.js';
