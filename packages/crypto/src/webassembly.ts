/**
 * A provider for browsers whose curve is several times as fast as the portable one. It is a separate entry, since the
 * libraries that it loads are 130 kB, compressed.
 */
import { type Argon2id, packageMissing, type RandomSource, type X25519Provider } from '@sotto/core';
import { createSecp256k1 } from './libsecp256k1.js';
import { createPortableProvider } from './portable.js';
import { webAssemblyLibSecp256k1 } from './webassembly/secp256k1.js';

/** Options of {@link loadWebAssemblyProvider}. */
export interface WebAssemblyProviderOptions {
  /** Where all randomness (keys, nonces) comes from. Default: `crypto.getRandomValues`. Only for tests. */
  readonly random?: RandomSource | undefined;
}

/**
 * Loads libsecp256k1 (npm `@bitauth/libauth`) and KECCAK-256 (npm `hash-wasm`) in WebAssembly, only when it is
 * called; the rest is @noble. It returns the same bytes and throws the same errors as the portable provider.
 *
 * Rejects with what the runtime throws where WebAssembly is missing or forbidden (a page's policy has to have
 * `script-src 'wasm-unsafe-eval'`): fall back to `createPortableProvider`.
 * @throws PACKAGE_MISSING when one of the two packages isn't installed
 */
export async function loadWebAssemblyProvider(
  options: WebAssemblyProviderOptions = {},
): Promise<X25519Provider> {
  const portable = createPortableProvider(options);
  const { instantiateSecp256k1, loadKeccak256 } = await loadLibraries();
  // The seed blinds the library's own computations with private keys.
  const library = await instantiateSecp256k1(createPortableProvider().randomBytes(32));
  return {
    ...portable,
    name: 'webassembly',
    parts: {
      secp256k1: 'libsecp256k1, WebAssembly, of npm @bitauth/libauth; ECDH with blinded scalars',
      keccak256: 'hash-wasm',
      others: '@noble, in JavaScript',
    },
    secp256k1: createSecp256k1(webAssemblyLibSecp256k1(library), portable.randomBytes, portable.secp256k1),
    keccak256: await loadKeccak256(),
  };
}

/**
 * Loads Argon2id (npm `hash-wasm`) in WebAssembly, for stores and backups under a passphrase: several times as fast as in
 * JavaScript.
 * @throws PACKAGE_MISSING when it isn't installed
 */
export async function loadArgon2id(): Promise<Argon2id> {
  try {
    return (await import('./webassembly/argon2id.js')).webAssemblyArgon2id;
  } catch (cause) {
    throw packageMissing('Argon2id in WebAssembly', ['hash-wasm'], cause);
  }
}

async function loadLibraries() {
  try {
    return await import('./webassembly/libraries.js');
  } catch (cause) {
    // The packages are installed, but can't run.
    if (cause instanceof WebAssembly.CompileError || cause instanceof WebAssembly.LinkError) throw cause;
    throw packageMissing('The WebAssembly provider', ['@bitauth/libauth', 'hash-wasm'], cause);
  }
}
