import { defaultProvider } from '@sotto/crypto';
import { createMessenger, readAccount, writeAccount } from '@sotto/messenger';
import { createAsyncStorageStore } from './async-storage.js';

/** Opens the account that AsyncStorage keeps, or makes one, and connects in the background. */
export async function openSession({ storage, transport, onText }) {
  const crypto = defaultProvider();
  const store = await createAsyncStorageStore(storage);
  let identity = await readAccount(store, crypto);
  if (identity === undefined) {
    identity = crypto.secp256k1.generateKeyPair();
    await writeAccount(store, identity, crypto);
  }
  const messenger = await createMessenger({ identity, store, transport, crypto });
  messenger.on('message', async (message) => {
    onText(new TextDecoder().decode(message.payload), message.sender);
    await message.acknowledge();
  });
  messenger.start({ retry: true }).catch(() => {}); // rejects when it is closed meanwhile
  return {
    code: await messenger.contacts.ownCode(),
    async hello(code) {
      const { identity: peer } = await messenger.contacts.add(code.trim());
      await messenger.send(peer, new TextEncoder().encode('Hello.'));
    },
    close: () => messenger.close(),
  };
}
