// In strict TypeScript; options may be given as undefined, as those of one's own functions often are.
import { createPortableProvider } from '@sotto/crypto';
import { createMessenger, type Messenger } from '@sotto/messenger';
import { createMemoryStore } from '@sotto/store-adapters/memory';
import { createMemoryNetwork, type MemoryNetwork } from '@sotto/whisper-transport/memory';

interface Settings {
  readonly retry?: boolean | undefined;
}

const network: MemoryNetwork = createMemoryNetwork();
const { secp256k1 } = createPortableProvider();

async function open({ retry }: Settings = {}): Promise<Messenger> {
  const messenger = await createMessenger({
    identity: secp256k1.generateKeyPair(),
    store: createMemoryStore(),
    transport: network.transport(),
    clock: undefined,
    crypto: undefined,
    logger: undefined,
  });
  await messenger.start({ retry, signal: undefined });
  return messenger;
}

const alice: Messenger = await open();
const bob: Messenger = await open();
const arrived = new Promise<number>((resolve) => {
  bob.on('message', async (message) => {
    await message.acknowledge();
    resolve(message.payload.length);
  });
});
const contact = await alice.contacts.add(await bob.contacts.ownCode());
await alice.send(contact.identity, new Uint8Array([1, 2, 3]));
if ((await arrived) !== 3) throw new Error('What arrived is not what was sent');
await alice.close();
await bob.close();
