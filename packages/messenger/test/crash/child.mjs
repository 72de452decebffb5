// A person's program in a process of its own, to be killed: a messenger on a store on disk, with the parent as its
// network, and an application that notes what it was given.
import { appendFileSync, closeSync, existsSync, fsyncSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { defaultProvider } from '@sotto/crypto';
import { createMessenger } from '@sotto/messenger';
import { killing } from '@sotto/testing/kills';
import { openStore, untilAvailable } from './killable.ts';

const { kind, directory, place, privateKey, ...death } = JSON.parse(process.argv[2]);
const crypto = defaultProvider();

const notes = join(directory, 'application.txt');
const noted = new Set(existsSync(notes) ? readFileSync(notes, 'utf8').split('\n') : []);
/** The application's own durable note. It knows a message that it is given again by its id. */
function note(line) {
  if (noted.has(line)) return;
  noted.add(line);
  appendFileSync(notes, `${line}\n`);
  const file = openSync(notes, 'r');
  fsyncSync(file);
  closeSync(file);
}

const acknowledgements = new Map();
let sends = 0;
const transport = {
  // The parent delivers again what was not taken: that is its history.
  capabilities: { maxPayloadBytes: 1024 * 1024, history: true, confirmsSend: true },
  async connect(party) {
    process.on('message', (message) => {
      if (message.type === 'deliver') {
        void untilAvailable(() =>
          party.onMessage({
            sender: Buffer.from(message.sender, 'hex'),
            payload: new Uint8Array(Buffer.from(message.payload, 'hex')),
            channel: { kind: 'partitioned', recipient: party.identity.publicKey },
            sentAt: 0,
            fromHistory: false,
          }),
        ).then(() => process.send({ type: 'taken', id: message.id }));
      } else if (message.type === 'published') acknowledgements.get(message.id)?.();
    });
    return {
      send: (channel, payload) =>
        new Promise((resolve) => {
          const id = sends++;
          acknowledgements.set(id, resolve);
          process.send({
            type: 'publish',
            id,
            channel: channel.kind,
            payload: Buffer.from(payload).toString('hex'),
          });
        }),
      subscribe: async () => {},
      history: async () => {},
      close: async () => {},
    };
  },
};

const store = await openStore(kind, place);
// Another process has the store: nothing of this one may be seen any more.
void store.handedOver?.then(() => process.exit());
const messenger = await createMessenger({
  identity: crypto.secp256k1.keyPairFromPrivateKey(Buffer.from(privateKey, 'hex')),
  installationId: 'bob-1',
  store: killing(store, death),
  transport,
  crypto,
});
const handling = [];
/** Three messages are handled in the turn in which they are given; the next three take longer than the messenger waits for an answer. */
async function handle(message, takesLong) {
  if (takesLong) await setTimeout(20);
  note(`${message.id} ${new TextDecoder().decode(message.payload)}`);
  await untilAvailable(() => message.acknowledge());
}
messenger.on('message', (message) => {
  handling.push(handle(message, handling.length % 6 < 3));
});
process.on('message', async (message) => {
  if (message.type === 'say') {
    await untilAvailable(() =>
      messenger.send(Buffer.from(message.to, 'hex'), new TextEncoder().encode(message.text)),
    );
    process.send({ type: 'said', text: message.text });
  } else if (message.type === 'end') {
    await Promise.all(handling);
    await messenger.flushed();
    await messenger.close();
    process.send({ type: 'ended' });
    await store.close();
    process.disconnect();
  }
});
await messenger.start();
process.send({ type: 'ready' });
