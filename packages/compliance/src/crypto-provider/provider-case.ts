import type { CryptoProvider, X25519Provider } from '@sotto/core';

/** One requirement on a provider. */
export interface ProviderCase<Provider extends CryptoProvider = X25519Provider> {
  /** Unique; begins with the operation, as in `secp256k1.ecdh: ...`. */
  readonly name: string;
  /** Throws a plain Error that says what was expected when the provider doesn't meet it. */
  run(provider: Provider): void;
}
