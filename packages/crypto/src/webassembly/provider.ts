import type { instantiateSecp256k1 } from '@bitauth/libauth';
import type { X25519Provider } from '@sotto/core';
import type { createKeccak } from 'hash-wasm';
import { createSecp256k1 } from '../libsecp256k1.js';
import { createPortableProvider } from '../portable.js';
import { createKeccak256 } from './keccak.js';
import type { WebAssemblyProviderOptions } from './options.js';
import { webAssemblyLibSecp256k1 } from './secp256k1.js';

/** What is used of npm `@bitauth/libauth` and `hash-wasm`. */
export interface WebAssemblyLibraries {
  readonly instantiateSecp256k1: typeof instantiateSecp256k1;
  readonly createKeccak: typeof createKeccak;
}

/** The provider over libraries that have been loaded. */
export async function createWebAssemblyProvider(
  options: WebAssemblyProviderOptions,
  libraries: WebAssemblyLibraries,
): Promise<X25519Provider> {
  const portable = createPortableProvider(options);
  // The seed blinds the library's own computations with private keys.
  const library = await libraries.instantiateSecp256k1(createPortableProvider().randomBytes(32));
  return {
    ...portable,
    name: 'webassembly',
    parts: {
      secp256k1: 'libsecp256k1, WebAssembly, of npm @bitauth/libauth; ECDH with blinded scalars',
      keccak256: 'hash-wasm',
      others: '@noble, in JavaScript',
    },
    secp256k1: createSecp256k1(webAssemblyLibSecp256k1(library), portable.randomBytes, portable.secp256k1),
    keccak256: await createKeccak256(libraries.createKeccak),
  };
}
