// RELAY_URL=wss://HOST node bot.mjs [DIRECTORY]: prints the bot's contact code and answers until Ctrl-C.
import { createAgent, openAccount } from '@sotto/agent';
import { defaultProvider } from '@sotto/crypto';
import { createMessenger } from '@sotto/messenger';
import { createLevelDbStore } from '@sotto/store-adapters/leveldb';
import { createSealedTransport } from '@sotto/whisper-transport';
import { createRelayCarrier } from '@sotto/whisper-transport/relay';

const [path = 'bot-data'] = process.argv.slice(2);
const store = await createLevelDbStore({ path });
const identity = await openAccount(store, defaultProvider());
const transport = createSealedTransport(
  createRelayCarrier({ url: process.env.RELAY_URL ?? 'ws://127.0.0.1:8547' }),
);
const messenger = await createMessenger({ identity, store, transport });

const agent = createAgent({ onError: (_error, { reply }) => reply('Sorry, that failed.') });
agent.command('time', 'the time in UTC', ({ reply }) => reply(new Date().toISOString()));
agent.command('reverse', 'your text, backwards', ({ args, reply }) => reply([...args].reverse().join('')));
agent.onMessage(({ text, reply }) => text && reply(`You said: ${text}`));
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => agent.stop());
console.log(await messenger.contacts.ownCode());
await agent.serve(messenger, {
  retry: true,
  onRetry: ({ error }) => console.error('not connected yet:', error),
});
