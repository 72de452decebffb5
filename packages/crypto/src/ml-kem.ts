/**
 * ML-KEM-768 for a provider. An entry of its own, since only post-quantum sessions need it: beside a provider it is 8 kB,
 * compressed.
 */
import type { CryptoProvider, MlKem768Provider } from '@sotto/core';
import type { MlKem768Options } from './ml-kem-options.js';
import { createMlKem768 } from './portable/ml-kem-768.js';

export type { MlKem768, MlKem768Provider } from '@sotto/core';
export { MlKem768Encapsulation, MlKem768KeyPair } from '@sotto/core';
export type { MlKem768Options } from './ml-kem-options.js';

/**
 * The provider with ML-KEM-768: in Node.js 24.7 and later on node:crypto (OpenSSL), elsewhere on @noble/post-quantum. Both return
 * the same bytes and throw the same errors; `parts` says which it is.
 */
export function withMlKem768<Provider extends CryptoProvider>(
  provider: Provider,
  // Read by the implementation for Node.js.
  _options: MlKem768Options = {},
): Provider & MlKem768Provider {
  return {
    ...provider,
    get parts() {
      return { ...provider.parts, 'ML-KEM-768': '@noble/post-quantum, in JavaScript' };
    },
    mlKem768: createMlKem768(provider.randomBytes),
  };
}
