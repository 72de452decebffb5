// Two people, each with a LevelDB store; one is restarted in between.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createMemoryNetwork } from '@sotto/whisper-transport/memory';
import { openSession } from './src/session.js';

const directory = await mkdtemp(join(tmpdir(), 'electron-app-'));
const network = createMemoryNetwork();
let arrived = () => {};
const open = (name) =>
  openSession({
    path: join(directory, name),
    transport: network.transport(),
    onText: (text) => arrived(text),
  });
const alice = await open('alice');
await (await open('bob')).close();
const bob = await open('bob');
const text = new Promise((resolve) => {
  arrived = resolve;
});
await alice.send(await bob.code(), 'Psst, Bob.');
if ((await text) !== 'Psst, Bob.') throw new Error('something else arrived');
await Promise.all([alice.close(), bob.close()]);
await rm(directory, { recursive: true });
console.log('did: a message over LevelDB, with a restart');
