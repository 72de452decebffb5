import type { CryptoProvider } from '@sotto/core';
import { createMinimalProvider } from './portable.js';

let instance: CryptoProvider | undefined;

/**
 * The provider used where the caller passes none: the best one for this platform, which is the accelerated one in
 * Node and the portable one, without X25519, elsewhere. Created on the first call, and the same on every call.
 */
export function defaultProvider(): CryptoProvider {
  instance ??= createMinimalProvider();
  return instance;
}
