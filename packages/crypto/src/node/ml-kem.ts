/** The entry `./ml-kem` in Node, by the export condition `node`. The same names as in `../ml-kem.ts`. */
import type { CryptoProvider, MlKem768Provider } from '@sotto/core';
import type { MlKem768Options } from '../ml-kem-options.js';
import { chooseMlKem768 } from './choose-ml-kem-768.js';

export { MlKem768Encapsulation, MlKem768KeyPair } from '@sotto/core';

/** As in `../ml-kem.ts`, for Node. */
export function withMlKem768<Provider extends CryptoProvider>(
  provider: Provider,
  options: MlKem768Options = {},
): Provider & MlKem768Provider {
  const { part, library } = chooseMlKem768(provider.randomBytes, options);
  return {
    ...provider,
    get parts() {
      return { ...provider.parts, 'ML-KEM-768': library };
    },
    mlKem768: part,
  };
}
