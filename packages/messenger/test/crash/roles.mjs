// A process to be killed in one of several roles, see `roles` below. The parent is its network, where it has one, and is told
// with `ready` when the work begins, and with `ended` when all of it is done.
import { closeSync, createReadStream, fsyncSync, openSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { defaultProvider } from '@sotto/crypto';
import { createMessenger, readAccount } from '@sotto/messenger';
import { exportBackup, restoreBackup } from '@sotto/messenger/backup';
import { killing, parentTransport } from '@sotto/testing/kills';
import { openStore } from './killable.ts';

const { role, kind, directory, peers, from, ...death } = JSON.parse(process.argv[2]);
const crypto = defaultProvider();
const bytesOf = (text) => new TextEncoder().encode(text);
const say = (message) => process.send(message);
const SENDER_KEYS = { senderKeysFrom: 1, senderKeyMessages: 4 };

const transport = parentTransport({ history: role.endsWith('by sender keys') });

async function openMessenger(store, options = {}) {
  const identity = await readAccount(store, crypto);
  const messenger = await createMessenger({ identity, store, transport, crypto, ...options });
  messenger.on('message', async (message) => {
    say({ type: 'heard', id: message.id, text: new TextDecoder().decode(message.payload) });
    await message.acknowledge();
  });
  await messenger.start();
  say({ type: 'ready' });
  return messenger;
}

/** Names, members and messages of a group; what a life has begun, the next one finds done or not done. */
async function administer(store, options) {
  const messenger = await openMessenger(store, options);
  const [bob, carol] = peers.map((peer) => new Uint8Array(Buffer.from(peer, 'hex')));
  let [group] = await messenger.groups.list();
  if (group === undefined) ({ group } = await messenger.groups.create('name', [bob]));
  for (let i = from; i < from + 3; i++) {
    await messenger.groups.rename(group.id, `name ${i}`);
    const { members } = await messenger.groups.get(group.id);
    const isIn = members.some((member) => Buffer.from(member).equals(carol));
    await (isIn ? messenger.groups.remove(group.id, [carol]) : messenger.groups.add(group.id, [carol]));
    await messenger.send({ kind: 'group', groupId: group.id }, bytesOf(`say ${i}`));
    say({ type: 'said', text: `say ${i}` });
  }
  await messenger.flushed();
  const { id, name, members } = await messenger.groups.get(group.id);
  say({ type: 'group', id, name, members });
  await messenger.close();
}

/** A member of a group with sender keys, who reads until the parent says that it is enough. What was read is kept with the acknowledgement. */
async function readBySenderKeys(store) {
  const identity = await readAccount(store, crypto);
  const messenger = await createMessenger({ identity, store, transport, crypto, limits: SENDER_KEYS });
  let heard = 0;
  // A life that was killed may not have told all that it read.
  for await (const { value } of store.list('app/heard/'))
    say({ type: 'heard', text: new TextDecoder().decode(value) });
  messenger.on('message', async (message) => {
    const key = `app/heard/${from}/${heard++}`;
    await message.acknowledge({ alongside: [{ type: 'put', key, value: message.payload }] });
    say({ type: 'heard', text: new TextDecoder().decode(message.payload) });
  });
  const isOver = new Promise((resolve) => {
    process.on('message', ({ type }) => type === 'enough' && resolve());
  });
  await messenger.start();
  say({ type: 'ready' });
  await isOver;
  await messenger.flushed();
  await messenger.close();
}

/** With sender keys, which are replaced with each removal, and after a few messages. */
function administerBySenderKeys(store) {
  return administer(store, { limits: SENDER_KEYS });
}

/** A store of an earlier version: opened, written on. */
async function migrate(store) {
  const messenger = await openMessenger(store);
  const peer = new Uint8Array(Buffer.from(peers[0], 'hex'));
  for (let i = from; i < from + 3; i++) {
    await messenger.send(peer, bytesOf(`say ${i}`));
    say({ type: 'said', text: `say ${i}` });
  }
  await messenger.flushed();
  await messenger.close();
}

const backup = join(directory, 'backup');
const passphrase = 'correct horse';

/** A file takes the place of the one before when it is whole, as an application has to do it. */
async function write(store) {
  say({ type: 'ready' });
  const identity = await readAccount(store, crypto);
  const chunks = [];
  const cost = { memoryKiB: 8, passes: 1 };
  for await (const chunk of exportBackup({ store, identity, passphrase, crypto, cost })) chunks.push(chunk);
  writeFileSync(`${backup}.new`, Buffer.concat(chunks));
  const file = openSync(`${backup}.new`, 'r');
  fsyncSync(file);
  closeSync(file);
  renameSync(`${backup}.new`, backup);
  await store.close();
}

async function restore(store) {
  say({ type: 'ready' });
  await restoreBackup(createReadStream(backup), { store, passphrase, crypto });
  await store.close();
}

/** Commits and compacts in turn. */
async function compact(store) {
  say({ type: 'ready' });
  for (let i = from; i < from + 10; i++) {
    await store.commit([
      { type: 'put', key: 'app/last', value: bytesOf(String(i)) },
      { type: 'put', key: `app/log/${i}`, value: new Uint8Array(2_000).fill(i) },
    ]);
    say({ type: 'said', text: String(i) });
    await store.compact();
  }
  await store.close();
}

const roles = {
  administrator: administer,
  'administrator by sender keys': administerBySenderKeys,
  'member by sender keys': readBySenderKeys,
  migration: migrate,
  'backup written': write,
  'backup restored': restore,
  compaction: compact,
};
const place = role === 'backup restored' ? join(directory, 'restored') : directory;
await roles[role](killing(await openStore(kind, place), death));
say({ type: 'ended' });
process.disconnect();
