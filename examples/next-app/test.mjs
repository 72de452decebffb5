// RELAY_URL=ws://HOST node test.mjs: starts what `next build` built, and asks it for a message.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defaultProvider } from '@sotto/crypto';
import { createMessenger } from '@sotto/messenger';
import { createMemoryStore } from '@sotto/store-adapters/memory';
import { createSealedTransport } from '@sotto/whisper-transport';
import { createRelayCarrier } from '@sotto/whisper-transport/relay';

const alice = await createMessenger({
  identity: defaultProvider().secp256k1.generateKeyPair(),
  store: createMemoryStore(),
  transport: createSealedTransport(createRelayCarrier({ url: process.env.RELAY_URL })),
});
const arrived = new Promise((resolve) => {
  alice.on('message', async (message) => {
    await message.acknowledge();
    resolve(new TextDecoder().decode(message.payload));
  });
});
await alice.start();

const directory = await mkdtemp(join(tmpdir(), 'next-app-'));
const port = await freePort();
const next = spawn(process.execPath, ['node_modules/next/dist/bin/next', 'start', '--port', `${port}`], {
  stdio: 'inherit',
  env: { ...process.env, STORE_PATH: join(directory, 'data') },
});
try {
  const url = `http://127.0.0.1:${port}`;
  for (const end = Date.now() + 60_000; Date.now() < end; ) {
    if ((await fetch(url).catch(() => undefined))?.ok) break;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  const post = (body) => fetch(`${url}/api/notify`, { method: 'POST', body: JSON.stringify(body) });
  const accepted = await post({ to: await alice.contacts.ownCode(), text: 'Your parcel has arrived.' });
  if (accepted.status !== 202) throw new Error(`The route answers ${accepted.status}`);
  const refused = await post({ to: 'nonsense', text: '' });
  if (refused.status !== 400) throw new Error(`Nonsense is answered with ${refused.status}`);
  const text = await arrived;
  if (text !== 'Your parcel has arrived.') throw new Error(`Arrived: ${text}`);
  console.log('did: a message from the route handler, LevelDB, a relay');
} finally {
  next.kill();
  await once(next, 'exit');
  await alice.close();
  await rm(directory, { recursive: true, force: true });
}

async function freePort() {
  const server = createServer().listen(0);
  await once(server, 'listening');
  const { port: free } = server.address();
  server.close();
  return free;
}
