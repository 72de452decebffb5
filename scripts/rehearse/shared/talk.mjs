// A message from one messenger to another, over sealed envelopes: what each project does with the packages.
import { createPortableProvider } from '@sotto/crypto';
import { createMessenger } from '@sotto/messenger';
import { createMemoryStore } from '@sotto/store-adapters/memory';
import { createMemoryNetwork } from '@sotto/whisper-transport/memory';

/**
 * @param settings `stores`: of both. Default: in memory; `transports`: of both. Default: a network in memory
 * @returns what arrived
 */
export async function talk({ stores, transports } = {}) {
  const network = createMemoryNetwork();
  const { secp256k1 } = createPortableProvider();
  const open = (i) =>
    createMessenger({
      identity: secp256k1.generateKeyPair(),
      store: stores?.[i] ?? createMemoryStore(),
      transport: transports?.[i] ?? network.transport(),
    });
  const [alice, bob] = [await open(0), await open(1)];
  const arrived = new Promise((resolve) => {
    bob.on('message', async (message) => {
      await message.acknowledge();
      resolve(new TextDecoder().decode(message.payload));
    });
  });
  await Promise.all([alice.start(), bob.start()]);
  const contact = await alice.contacts.add(await bob.contacts.ownCode());
  await alice.send(contact.identity, new TextEncoder().encode('Psst, Bob.'));
  const text = await arrived;
  await Promise.all([alice.close(), bob.close()]);
  if (text !== 'Psst, Bob.') throw new Error(`Arrived: ${text}`);
  return text;
}
