import type { MlKem768, RandomSource } from '@sotto/core';
import type { MlKem768Options } from '../ml-kem-options.js';
import { createMlKem768 as createNobleMlKem768 } from '../portable/ml-kem-768.js';
import type { Choice } from './choose-library.js';
import { createMlKem768 } from './ml-kem-768.js';
import { type NativeMlKem, nativeMlKem } from './native-ml-kem.js';

/** node:crypto where it has ML-KEM-768, else @noble/post-quantum. */
export function chooseMlKem768(
  randomBytes: RandomSource,
  { randomness = 'platform' }: MlKem768Options,
  native: Partial<NativeMlKem> = nativeMlKem(),
): Choice<MlKem768> {
  const portable = createNobleMlKem768(randomBytes);
  if (!isComplete(native)) {
    return { part: portable, library: '@noble/post-quantum: node:crypto has no ML-KEM before Node.js 24.7' };
  }
  const part = createMlKem768(native, randomBytes);
  try {
    // OpenSSL may be older than 3.5, and what replaces it in other runtimes may not import seeds.
    part.decapsulate(
      new Uint8Array(64),
      part.encapsulate(part.keyPairFromSeed(new Uint8Array(64)).encapsulationKey).ciphertext,
    );
  } catch {
    return { part: portable, library: '@noble/post-quantum: node:crypto has no ML-KEM-768 here' };
  }
  return randomness === 'platform'
    ? { part, library: 'node:crypto' }
    : {
        part: { ...part, encapsulate: portable.encapsulate },
        library: 'node:crypto; encapsulation on @noble/post-quantum, with the randomness of the provider',
      };
}

function isComplete(native: Partial<NativeMlKem>): native is NativeMlKem {
  return native.encapsulate !== undefined && native.decapsulate !== undefined;
}
