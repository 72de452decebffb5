import type { Transport } from '@sotto/core';
import { defaultProvider } from '@sotto/crypto';
import { createMessenger, type ReceivedMessage } from '@sotto/messenger';
import { createMemoryStore } from '@sotto/store-adapters/memory';

const crypto = defaultProvider();
const textOf = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

/** Somebody with a messenger, who keeps what he gets. */
export async function createPerson(transport: Transport) {
  const identity = crypto.secp256k1.generateKeyPair();
  const messenger = await createMessenger({ identity, store: createMemoryStore(), transport, crypto });
  const received: ReceivedMessage[] = [];
  const waiting = new Set<() => void>();
  messenger.on('message', async (message) => {
    received.push(message);
    await message.acknowledge();
    for (const look of [...waiting]) look();
  });
  return {
    identity,
    messenger,
    received,
    texts: () => received.map(({ payload }) => textOf(payload)),
    /** Resolves once so many messages are there. */
    count: (most: number) =>
      new Promise<void>((resolve) => {
        const look = () => {
          if (received.length < most) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      }),
  };
}
