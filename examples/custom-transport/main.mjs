// Alice writes to Bob through the hub, which can't read it.
import { defaultProvider } from '@sotto/crypto';
import { createMessenger } from '@sotto/messenger';
import { createMemoryStore } from '@sotto/store-adapters/memory';
import { createSealedTransport } from '@sotto/whisper-transport';
import { createHubCarrier } from './carrier.mjs';
import { startHub } from './hub.mjs';

const hub = await startHub();
const open = () =>
  createMessenger({
    identity: defaultProvider().secp256k1.generateKeyPair(),
    store: createMemoryStore(),
    transport: createSealedTransport(createHubCarrier(hub.url)),
  });
const [alice, bob] = [await open(), await open()];
const arrived = new Promise((resolve) => {
  bob.on('message', async ({ payload, acknowledge }) => {
    await acknowledge();
    resolve(new TextDecoder().decode(payload));
  });
});
await Promise.all([alice.start(), bob.start()]);
const contact = await alice.contacts.add(await bob.contacts.ownCode());
await alice.send(contact.identity, new TextEncoder().encode('Whoever carries this cannot read it.'));
console.log(`did: Bob reads "${await arrived}"`);
await Promise.all([alice.close(), bob.close()]);
hub.stop();
