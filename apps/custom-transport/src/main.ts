// Alice writes to Bob through a pipe that neither of them trusts: a BroadcastChannel, or a NATS broker.
//   node dist/main.js
//   node dist/main.js nats://127.0.0.1:4222

import { defaultProvider } from '@sotto/crypto';
import { createMessenger } from '@sotto/messenger';
import { createMemoryStore } from '@sotto/store-adapters/memory';
import { createSealedTransport } from '@sotto/whisper-transport';
import { createBroadcastChannelCarrier } from './broadcast-channel.js';
import { createNatsCarrier } from './nats.js';

const [, , broker] = process.argv;
const carrier =
  broker === undefined ? createBroadcastChannelCarrier('sotto-example') : createNatsCarrier(broker);
const transport = createSealedTransport(carrier);
const { secp256k1 } = defaultProvider();
const open = () =>
  createMessenger({ identity: secp256k1.generateKeyPair(), store: createMemoryStore(), transport });
const [alice, bob] = [await open(), await open()];

const read = new Promise<void>((resolve) => {
  bob.on('message', async ({ payload, protection, acknowledge }) => {
    console.log(`Bob reads: ${new TextDecoder().decode(payload)} (protection: ${protection})`);
    await acknowledge();
    resolve();
  });
});
console.log(`Alice and Bob connect by ${broker ?? 'a BroadcastChannel'}.`);
await Promise.all([alice.start(), bob.start()]);
const contact = await alice.contacts.add(await bob.contacts.ownCode());
await alice.send(contact.identity, new TextEncoder().encode('Whoever carries this cannot read it.'));
await read;
await Promise.all([alice.close(), bob.close()]);
