// A messenger in a process of its own, whose memory and output the parent searches for secrets. The other person is in it as well.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { setFlagsFromString, writeHeapSnapshot } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { defaultProvider } from '@sotto/crypto';
import { createMessenger } from '@sotto/messenger';
import { createEncryptedStore } from '@sotto/store-adapters/encrypted';
import { createLevelDbStore } from '@sotto/store-adapters/leveldb';
import { createMemoryStore } from '@sotto/store-adapters/memory';
import { createMemoryNetwork } from '@sotto/whisper-transport/memory';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc');
const [directory] = process.argv.slice(2);
const crypto = defaultProvider();
/** Everything that would be printed somewhere: logs, errors, events, objects. */
const printed = [];
const print = (thing) =>
  printed.push(
    inspect(thing, { depth: 12, showHidden: true, maxArrayLength: null }),
    `${thing}`,
    thing instanceof Error ? `${thing.stack}` : safeJson(thing),
  );

function safeJson(thing) {
  try {
    return JSON.stringify(thing) ?? '';
  } catch {
    return '';
  }
}

/** Runs the conversation; nothing of it is reachable afterwards. */
async function life() {
  const given = JSON.parse(readFileSync(join(directory, 'given.json'), 'utf8'));
  const store = await openEncrypted(given.passphrase);
  const identity = crypto.secp256k1.keyPairFromPrivateKey(Buffer.from(given.privateKey, 'hex'));
  const network = createMemoryNetwork();
  const logger = Object.fromEntries(
    ['debug', 'info', 'warn', 'error'].map((level) => [level, (...args) => args.forEach(print)]),
  );
  const alice = await createMessenger({ identity, store, transport: network.transport(), logger });
  const bob = await createMessenger({
    identity: crypto.secp256k1.generateKeyPair(),
    store: createMemoryStore(),
    transport: network.transport(),
  });
  for (const event of [
    'deviceAdded',
    'sessionEstablished',
    'preKeyRotated',
    'decryptionFailed',
    'status',
    'contactChanged',
  ])
    alice.on(event, print);
  await alice.start();
  await bob.start();
  const contact = await alice.contacts.add(await bob.contacts.ownCode());
  await bob.contacts.add(await alice.contacts.ownCode());
  const received = { alice: 0, bob: 0 };
  alice.on('message', async ({ acknowledge }) => {
    received.alice++;
    await acknowledge();
  });
  bob.on('message', async ({ acknowledge, conversation }) => {
    received.bob++;
    await acknowledge();
    await bob.send(
      { kind: 'direct', peer: conversation.peer ?? alice.publicKey },
      new TextEncoder().encode('an answer'),
    );
  });
  for (let i = 0; i < 5; i++) {
    await alice.send(contact.identity, new TextEncoder().encode(`${given.message} ${i}`));
    await network.idle();
  }
  for (const thing of [alice, alice.devices, alice.contacts, store, identity, crypto, contact]) print(thing);
  for (const call of [
    () => openEncrypted('a wrong passphrase'),
    () => alice.contacts.add('not a code'),
    () => alice.send('nobody', new Uint8Array(1)),
    () => crypto.secp256k1.keyPairFromPrivateKey(new Uint8Array(32)),
    () => crypto.openAes256Gcm(new Uint8Array(32), new Uint8Array(12), new Uint8Array(40)),
  ])
    await Promise.resolve().then(call).catch(print);
  await told('open', { received });
  await alice.close();
  await bob.close();
}

async function openEncrypted(passphrase) {
  return createEncryptedStore({
    store: await createLevelDbStore({ path: join(directory, 'store'), durability: 'process-crash' }),
    passphrase,
    randomBytes: crypto.randomBytes,
    passphraseCost: { memoryKiB: 8, passes: 1 },
  });
}

/** Tells the parent what has happened, and goes on when it has looked. */
function told(state, more = {}) {
  collect();
  process.send({ state, ...more });
  return new Promise((resolve) => process.once('message', resolve));
}

await life();
for (let i = 0; i < 3; i++) {
  await new Promise((resolve) => setTimeout(resolve, 20));
  collect();
}
writeFileSync(join(directory, 'printed.txt'), printed.join('\n'));
printed.length = 0;
collect();
writeHeapSnapshot(join(directory, 'closed.heapsnapshot'));
writeFileSync(join(directory, 'report.json'), JSON.stringify(process.report.getReport()));
await told('closed');
process.exit();
