import { defaultProvider } from '@sotto/crypto';
import { createMessenger, readAccount, writeAccount } from '@sotto/messenger';
import { createLevelDbStore } from '@sotto/store-adapters/leveldb';

/** What the page may ask for, and what it is told: texts, never keys. */
export async function openSession({ path, transport, onText }) {
  const crypto = defaultProvider();
  const store = await createLevelDbStore({ path });
  let identity = await readAccount(store, crypto);
  if (identity === undefined) {
    identity = crypto.secp256k1.generateKeyPair();
    await writeAccount(store, identity, crypto);
  }
  const messenger = await createMessenger({ identity, store, transport, crypto });
  messenger.on('message', async (message) => {
    onText(new TextDecoder().decode(message.payload));
    await message.acknowledge();
  });
  messenger.start({ retry: true }).catch(() => {}); // rejects when it is closed meanwhile
  return {
    code: () => messenger.contacts.ownCode(),
    async send(code, text) {
      const { identity: peer } = await messenger.contacts.add(code.trim());
      await messenger.send(peer, new TextEncoder().encode(text));
    },
    close: () => messenger.close(),
  };
}
