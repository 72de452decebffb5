import type { Transport } from '@sotto/core';
import type { CryptoProvider } from '@sotto/crypto';
import { createSealedTransport, type Pbkdf2 } from '@sotto/whisper-transport';
import { createWorkerMiner } from '@sotto/whisper-transport/miner';
import { createRelayCarrier } from '@sotto/whisper-transport/relay';

/** A transport over a node's WebSocket. The node sees sealed envelopes; keys stay here. */
export function connectTo(
  node: string,
  crypto: CryptoProvider,
): { readonly transport: Transport; closeMiner(): Promise<void> } {
  // Proof of work in Web Workers, so that the page stays quick.
  const miner = createWorkerMiner();
  return {
    transport: createSealedTransport(createRelayCarrier({ url: node }), {
      crypto,
      miner,
      pbkdf2,
    }),
    closeMiner: async () => miner.close(),
  };
}

/** The browser's own, off this thread: each public chat and each conversation has a key that is slow to derive. */
const pbkdf2: Pbkdf2 = async ({ password, salt, iterations, length }) => {
  const { subtle } = globalThis.crypto;
  const key = await subtle.importKey('raw', Uint8Array.from(password), 'PBKDF2', false, ['deriveBits']);
  const request = { name: 'PBKDF2', hash: 'SHA-256', salt: Uint8Array.from(salt), iterations };
  return new Uint8Array(await subtle.deriveBits(request, key, 8 * length));
};
