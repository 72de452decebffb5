// CHAIN_URL=http://HOST:8545 RELAY_URL=wss://HOST node main.mjs
import { openAccount } from '@sotto/agent';
import { defaultProvider } from '@sotto/crypto';
import { createMessenger } from '@sotto/messenger';
import { createLevelDbStore } from '@sotto/store-adapters/leveldb';
import { createSealedTransport } from '@sotto/whisper-transport';
import { createRelayCarrier } from '@sotto/whisper-transport/relay';
import { createPublicClient, http } from 'viem';
import { createWalletAgent } from './agent.mjs';

const { CHAIN_URL = 'http://127.0.0.1:8545', RELAY_URL = 'ws://127.0.0.1:8547' } = process.env;
const store = await createLevelDbStore({ path: 'wallet-agent-data' });
const messenger = await createMessenger({
  identity: await openAccount(store, defaultProvider()),
  store,
  transport: createSealedTransport(createRelayCarrier({ url: RELAY_URL })),
});
const agent = createWalletAgent(createPublicClient({ transport: http(CHAIN_URL) }));
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => agent.stop());
await agent.serve(messenger, { retry: true });
console.log(await messenger.contacts.ownCode());
