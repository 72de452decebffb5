// C in WebAssembly, X25519. Its plaintexts are texts, so bytes would have to be encoded: it is given text of that length.
import { createRequire } from 'node:module';

const Olm = createRequire(import.meta.url)('@matrix-org/olm');

export async function createLibrary() {
  await Olm.init();
  const [a, b] = [new Olm.Account(), new Olm.Account()];
  a.create();
  b.create();
  const identityKey = (account) => JSON.parse(account.identity_keys()).curve25519;
  const [ofA, ofB] = [identityKey(a), identityKey(b)];
  b.generate_fallback_key();
  const [fallback] = Object.values(JSON.parse(b.fallback_key()).curve25519);
  const decoder = new TextDecoder('latin1');
  const texts = new WeakMap();
  const textOf = (bytes) => {
    let text = texts.get(bytes);
    if (text === undefined) {
      text = decoder.decode(bytes.map((byte) => byte & 0x7f));
      texts.set(bytes, text);
    }
    return text;
  };
  return {
    async begin() {
      const outbound = new Olm.Session();
      outbound.create_outbound(a, ofB, fallback);
      let inbound;
      const parties = [
        {
          encrypt: (plaintext) => outbound.encrypt(textOf(plaintext)),
          decrypt: ({ type, body }) => outbound.decrypt(type, body),
        },
        {
          encrypt: (plaintext) => inbound.encrypt(textOf(plaintext)),
          decrypt({ type, body }) {
            if (inbound === undefined) {
              inbound = new Olm.Session();
              inbound.create_inbound_from(b, ofA, body);
            }
            return inbound.decrypt(type, body);
          },
        },
      ];
      return Object.assign(parties, {
        end() {
          outbound.free();
          inbound?.free();
        },
      });
    },
  };
}
