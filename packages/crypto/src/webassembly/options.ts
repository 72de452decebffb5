import type { RandomSource } from '@sotto/core';

/** Options of `loadWebAssemblyProvider`. */
export interface WebAssemblyProviderOptions {
  /** Where all randomness (keys, nonces) comes from. Default: `crypto.getRandomValues`. Only for tests. */
  readonly random?: RandomSource | undefined;
}
