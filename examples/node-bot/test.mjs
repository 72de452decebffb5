// RELAY_URL=ws://HOST node test.mjs: starts the bot twice, and writes to it each time.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { defaultProvider } from '@sotto/crypto';
import { createMessenger } from '@sotto/messenger';
import { createMemoryStore } from '@sotto/store-adapters/memory';
import { createSealedTransport } from '@sotto/whisper-transport';
import { createRelayCarrier } from '@sotto/whisper-transport/relay';

const directory = await mkdtemp(join(tmpdir(), 'node-bot-'));
const alice = await createMessenger({
  identity: defaultProvider().secp256k1.generateKeyPair(),
  store: createMemoryStore(),
  transport: createSealedTransport(createRelayCarrier({ url: process.env.RELAY_URL })),
});
const waiting = [];
alice.on('message', async (message) => {
  await message.acknowledge();
  waiting.shift()?.(new TextDecoder().decode(message.payload));
});
await alice.start();

async function talkToBot(text) {
  const bot = spawn(process.execPath, ['bot.mjs', join(directory, 'data')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(bot, 'exit');
  const [code] = await once(createInterface({ input: bot.stdout }), 'line');
  const { identity } = await alice.contacts.add(code);
  const answer = new Promise((resolve) => waiting.push(resolve));
  await alice.send(identity, new TextEncoder().encode(text));
  const received = await answer;
  bot.kill('SIGTERM');
  const [exitCode] = await ended;
  if (exitCode !== 0) throw new Error(`The bot ended with ${exitCode}`);
  return { code, received };
}

const first = await talkToBot('/reverse sotto');
const second = await talkToBot('hello again');
await alice.close();
await rm(directory, { recursive: true });
if (first.received !== 'ottos') throw new Error(`The bot answered ${first.received}`);
if (second.received !== 'You said: hello again') throw new Error(`The bot answered ${second.received}`);
console.log('did: two runs of the bot, one account, both answers');
