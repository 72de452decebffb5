import { createConversations } from '@sotto/conversations';
import { defaultProvider } from '@sotto/crypto';
import { createMessenger, readAccount, writeAccount } from '@sotto/messenger';

/** Opens the account in a store, or makes one, and connects in the background. */
export async function openSession({ store, transport, crypto = defaultProvider() }) {
  let identity = await readAccount(store, crypto);
  if (identity === undefined) {
    identity = crypto.secp256k1.generateKeyPair();
    await writeAccount(store, identity, crypto);
  }
  const messenger = await createMessenger({ identity, store, transport, crypto });
  const conversations = await createConversations({ messenger, store }); // before start: it listens
  const started = messenger.start({ retry: true }).catch(() => {}); // rejects when it is closed meanwhile
  return {
    messenger,
    conversations,
    started,
    async close() {
      await conversations.close();
      await messenger.close();
    },
  };
}
