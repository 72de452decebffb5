// Two people, each with an AsyncStorage; one is restarted and has the same account.
import { createMemoryNetwork } from '@sotto/whisper-transport/memory';
import { openSession } from './src/session.js';

function fakeAsyncStorage() {
  const items = new Map();
  return {
    getItem: async (key) => items.get(key) ?? null,
    setItem: async (key, value) => void items.set(key, value),
    removeItem: async (key) => void items.delete(key),
    getAllKeys: async () => [...items.keys()],
    multiGet: async (keys) => keys.map((key) => [key, items.get(key) ?? null]),
    multiSet: async (pairs) => pairs.forEach(([key, value]) => void items.set(key, value)),
    multiRemove: async (keys) => keys.forEach((key) => void items.delete(key)),
  };
}

const network = createMemoryNetwork();
let arrived = () => {};
const open = (storage) =>
  openSession({ storage, transport: network.transport(), onText: (text) => arrived(text) });
const [alices, bobs] = [fakeAsyncStorage(), fakeAsyncStorage()];
const alice = await open(alices);
const first = await open(bobs);
await first.close();
const bob = await open(bobs);
if (!bob.code || bob.code.length < 50) throw new Error('no contact code');

const text = new Promise((resolve) => {
  arrived = resolve;
});
await alice.hello(bob.code);
if ((await text) !== 'Hello.') throw new Error('something else arrived');
await Promise.all([alice.close(), bob.close()]);
console.log('did: a message over AsyncStorage, with a restart');
