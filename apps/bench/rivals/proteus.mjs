// libsodium in WebAssembly, X25519.
import { createRequire } from 'node:module';

const { init, keys, message, session } = createRequire(import.meta.url)('@wireapp/proteus');

export async function createLibrary() {
  await init();
  const [a, b] = [new keys.IdentityKeyPair(), new keys.IdentityKeyPair()];
  // The last prekey is never used up.
  const preKey = keys.PreKey.last_resort();
  const bundle = new keys.PreKeyBundle(b.public_key, preKey);
  const store = { load_prekey: async () => preKey, delete_prekey: async () => 0 };
  const read = (bytes) => message.Envelope.deserialise(bytes);
  const write = (of, plaintext) => session.Session.encrypt(of, plaintext).serialise();
  return {
    async begin() {
      const outbound = session.Session.init_from_prekey(a, bundle);
      let inbound;
      return [
        {
          encrypt: (plaintext) => write(outbound, plaintext),
          decrypt: (bytes) => outbound.decrypt(store, read(bytes)),
        },
        {
          encrypt: (plaintext) => write(inbound, plaintext),
          async decrypt(bytes) {
            if (inbound !== undefined) return inbound.decrypt(store, read(bytes));
            const [begun, plaintext] = await session.Session.init_from_message(b, store, read(bytes));
            inbound = begun;
            return plaintext;
          },
        },
      ];
    },
  };
}
