// JavaScript, X25519. Its store keeps sessions as texts; WebCrypto does hashes and ciphers.
import { createRequire } from 'node:module';

const lib = createRequire(import.meta.url)('@privacyresearch/libsignal-protocol-typescript');
const { KeyHelper, SessionBuilder, SessionCipher, SignalProtocolAddress } = lib;

const bufferOf = (bytes) => bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);

async function createAccount(name) {
  const identity = await KeyHelper.generateIdentityKeyPair();
  const signed = await KeyHelper.generateSignedPreKey(identity, 1);
  return {
    address: new SignalProtocolAddress(name, 1),
    identity,
    signed,
    bundle: {
      registrationId: 1,
      identityKey: identity.pubKey,
      signedPreKey: { keyId: 1, publicKey: signed.keyPair.pubKey, signature: signed.signature },
    },
  };
}

function createStore({ identity, signed }) {
  const sessions = new Map();
  return {
    getIdentityKeyPair: async () => identity,
    getLocalRegistrationId: async () => 1,
    isTrustedIdentity: async () => true,
    saveIdentity: async () => false,
    loadPreKey: async () => undefined,
    storePreKey: async () => {},
    removePreKey: async () => {},
    loadSignedPreKey: async () => signed.keyPair,
    storeSignedPreKey: async () => {},
    removeSignedPreKey: async () => {},
    storeSession: async (id, record) => {
      sessions.set(id, record);
    },
    loadSession: async (id) => sessions.get(id),
  };
}

export async function createLibrary() {
  const [a, b] = [await createAccount('a'), await createAccount('b')];
  const party = (store, peer) => {
    const cipher = new SessionCipher(store, peer.address);
    return {
      encrypt: (plaintext) => cipher.encrypt(bufferOf(plaintext)),
      decrypt: ({ type, body }) =>
        type === 3
          ? cipher.decryptPreKeyWhisperMessage(body, 'binary')
          : cipher.decryptWhisperMessage(body, 'binary'),
    };
  };
  return {
    async begin() {
      const [ofA, ofB] = [createStore(a), createStore(b)];
      await new SessionBuilder(ofA, b.address).processPreKey(b.bundle);
      return [party(ofA, b), party(ofB, a)];
    },
  };
}
