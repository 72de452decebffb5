import { type CryptoProvider, createPortableProvider } from '@sotto/crypto';
import { loadAcceleratedProvider } from '@sotto/crypto/accelerated';

export interface Providers {
  readonly accelerated: CryptoProvider;
  readonly portable: CryptoProvider;
}

/** A provider that can temporarily use a faster ECDH. */
export interface HurryingProvider {
  readonly crypto: CryptoProvider;
  /** Runs a function with the faster ECDH. */
  hurry<T>(run: () => Promise<T>): Promise<T>;
}

export function hurrying(own: CryptoProvider, faster: CryptoProvider): HurryingProvider {
  let inForce = own;
  const ecdh: CryptoProvider['secp256k1']['ecdh'] = (...keys) => inForce.secp256k1.ecdh(...keys);
  return {
    crypto: { ...own, secp256k1: { ...own.secp256k1, ecdh } },
    async hurry(run) {
      inForce = faster;
      try {
        return await run();
      } finally {
        inForce = own;
      }
    },
  };
}

export async function loadProviders(): Promise<Providers> {
  return { accelerated: await loadAcceleratedProvider(), portable: createPortableProvider() };
}
