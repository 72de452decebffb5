/**
 * A provider for browsers whose curve is several times as fast as the portable one. It is a separate entry, since the
 * libraries that it loads are 130 kB, compressed.
 */
import { type Argon2id, packageMissing, type X25519Provider } from '@sotto/core';
import type { WebAssemblyProviderOptions } from './webassembly/options.js';
import { createWebAssemblyProvider } from './webassembly/provider.js';

export type { WebAssemblyProviderOptions } from './webassembly/options.js';

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
  return createWebAssemblyProvider(options, await loadLibraries());
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
