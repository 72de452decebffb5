import type { CryptoProvider } from '@sotto/crypto';
import { createKeccak } from 'hash-wasm';

/**
 * A provider whose KECCAK-256 is WebAssembly: each envelope is hashed twice, for its name and for its work, and
 * nothing else costs a busy node as much. It takes a promise to load, which a provider of its own can't wait for.
 */
export async function withFastKeccak(provider: CryptoProvider): Promise<CryptoProvider> {
  const keccak = await createKeccak(256);
  return {
    ...provider,
    keccak256(...parts) {
      keccak.init();
      for (const part of parts) keccak.update(part);
      return keccak.digest('binary');
    },
  };
}
