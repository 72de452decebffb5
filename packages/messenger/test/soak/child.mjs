// Three messengers in a process of its own that talk for as long as the parent says, and what grows in its heap meanwhile.
import { join } from 'node:path';
import process from 'node:process';
import { defaultProvider } from '@sotto/crypto';
import { createMessenger } from '@sotto/messenger';
import { createLevelDbStore } from '@sotto/store-adapters/leveldb';
import { manualClock } from '@sotto/testing/clock';
import { countObjects, growing } from '@sotto/testing/heap';
import { createMemoryNetwork } from '@sotto/whisper-transport/memory';

const [directory = '', messages = '300', minutes = '0'] = process.argv.slice(2);
const crypto = defaultProvider();
const clock = manualClock();
const network = createMemoryNetwork({ clock });
let received = 0;

async function open(name) {
  const messenger = await createMessenger({
    identity: crypto.secp256k1.generateKeyPair(),
    store: await createLevelDbStore({ path: join(directory, name), durability: 'process-crash' }),
    transport: network.transport(),
    clock,
  });
  messenger.on('message', async ({ acknowledge }) => {
    await acknowledge();
    received++;
  });
  await messenger.start();
  await messenger.chats.join('soak');
  return messenger;
}

const people = [await open('alice'), await open('bob'), await open('carol')];
const [alice, bob, carol] = people;
for (const one of people) {
  for (const other of people) if (one !== other) await one.contacts.add(await other.contacts.ownCode());
}
const { group } = await alice.groups.create('soak', [bob.identity, carol.identity]);

async function settled() {
  for (let quiet = 0; quiet < 2; quiet++) {
    for (const one of people) await one.flushed();
    await network.idle();
  }
}

/** One message of each kind, and a few minutes. */
async function round(number) {
  const text = new TextEncoder().encode(`${number} ${'.'.repeat(number % 200)}`);
  const [from, to] = [people[number % 3], people[(number + 1) % 3]];
  await from.send(to.identity, text);
  await from.send({ kind: 'group', groupId: group.id }, text);
  await from.send({ kind: 'public', name: 'soak' }, text);
  await settled();
  await clock.advanceAndRest(5 * 60_000);
}

let rounds = 0;
/** Talks for so many rounds at least, and for a third of the time. */
async function third() {
  const until = Date.now() + (Number(minutes) * 60_000) / 3;
  for (let i = 0; i < Number(messages) || Date.now() < until; i++) await round(rounds++);
  const before = rounds;
  return { counts: await countObjects(), rounds: before };
}

const [first, second, last] = [await third(), await third(), await third()];
const work = Math.min(second.rounds - first.rounds, last.rounds - second.rounds);
process.send({
  rounds,
  received,
  growing: growing([first.counts, second.counts, last.counts], work, 0.1),
});
for (const one of people) await one.close();
process.disconnect();
