import { defaultProvider } from '@sotto/crypto';
import { createMessenger, readAccount, writeAccount } from '@sotto/messenger';
import { createLevelDbStore } from '@sotto/store-adapters/leveldb';
import { createSealedTransport } from '@sotto/whisper-transport';
import { createRelayCarrier } from '@sotto/whisper-transport/relay';

/** The server's messenger: one for the process, however often Next loads this module, as a store has one writer. */
export function serverMessenger() {
  globalThis.serverMessenger ??= open().catch((error) => {
    globalThis.serverMessenger = undefined;
    throw error;
  });
  return globalThis.serverMessenger;
}

async function open() {
  const { STORE_PATH = 'data', RELAY_URL = 'ws://127.0.0.1:8547' } = process.env;
  const crypto = defaultProvider();
  const store = await createLevelDbStore({ path: STORE_PATH });
  let identity = await readAccount(store, crypto);
  if (identity === undefined) {
    identity = crypto.secp256k1.generateKeyPair();
    await writeAccount(store, identity, crypto);
  }
  const transport = createSealedTransport(createRelayCarrier({ url: RELAY_URL }));
  const messenger = await createMessenger({ identity, store, transport });
  messenger.on('message', async (message) => void (await message.acknowledge())); // nobody reads here
  messenger.start({ retry: true }).catch(() => {});
  return messenger;
}
