import { createMessenger } from '@sotto/messenger';
import { createMemoryStore } from '@sotto/store-adapters/memory';
import { crypto } from './data-directory.js';
import { openSession, type Session } from './session.js';
import { memoryNetwork } from './transport.js';

/** A session in a network of its own, with a contact named Echo that repeats every message. Nothing is kept. */
export async function openMemorySession(): Promise<{ readonly session: Session; close(): Promise<void> }> {
  const transport = memoryNetwork();
  const account = () => ({
    identity: crypto.secp256k1.generateKeyPair(),
    store: createMemoryStore(),
    transport: transport(),
  });
  const echo = await createMessenger({ ...account(), crypto });
  echo.on('message', async (message) => {
    if (message.conversation.kind === 'direct') await echo.send(message.sender, message.payload);
    await message.acknowledge();
  });
  await echo.start();
  const session = await openSession(account());
  const { identity } = await session.conversations.addContact(await echo.contacts.ownCode(), 'Echo');
  await session.conversations.open({ kind: 'direct', peer: identity });
  return {
    session,
    async close() {
      await session.close();
      await echo.close();
    },
  };
}
