/**
 * The optional packages, each imported in a `try` of its own: a bundler that does not find one then goes on without it, as
 * Node.js does. (The entry `./webassembly` imports them without: who asks for it has them.)
 */
import { packageMissing } from '@sotto/core';
import { createKeccak256 } from '../webassembly/keccak.js';
import type { WebAssemblyProviderOptions } from '../webassembly/options.js';
import { createWebAssemblyProvider } from '../webassembly/provider.js';

async function loadHashWasm() {
  try {
    return await import('hash-wasm');
  } catch (cause) {
    throw packageMissing('KECCAK-256 in WebAssembly', ['hash-wasm'], cause);
  }
}

async function loadLibauth() {
  try {
    return await import('@bitauth/libauth');
  } catch (cause) {
    throw packageMissing('libsecp256k1 in WebAssembly', ['@bitauth/libauth'], cause);
  }
}

/** As `loadWebAssemblyProvider`. */
export async function loadOptionalWebAssembly(options: WebAssemblyProviderOptions) {
  const { instantiateSecp256k1 } = await loadLibauth();
  const { createKeccak } = await loadHashWasm();
  return createWebAssemblyProvider(options, { instantiateSecp256k1, createKeccak });
}

/** KECCAK-256 in WebAssembly. */
export async function loadOptionalKeccak256() {
  const { createKeccak } = await loadHashWasm();
  return createKeccak256(createKeccak);
}
