import type { CryptoProvider } from '@sotto/core';
import { createMinimalProvider } from './portable.js';

let instance: CryptoProvider | undefined;

/**
 * The provider used where the caller names none: the best one for this platform, which is the accelerated one in
 * Node and the portable one, without X25519, elsewhere. Made on the first call, the same one on every call.
 */
export function defaultProvider(): CryptoProvider {
  instance ??= createMinimalProvider();
  return instance;
}
