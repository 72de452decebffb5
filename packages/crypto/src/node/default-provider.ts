import type { CryptoProvider } from '@sotto/core';
import { createAcceleratedProvider } from './accelerated.js';

let instance: CryptoProvider | undefined;

/** As in `../default-provider.ts`, for Node. */
export function defaultProvider(): CryptoProvider {
  instance ??= createAcceleratedProvider();
  return instance;
}
