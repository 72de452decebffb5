// JavaScript on node:crypto, X25519.
import libsignal from 'libsignal';

const { keyhelper, ProtocolAddress, SessionBuilder, SessionCipher } = libsignal;

function createAccount(name) {
  const identity = keyhelper.generateIdentityKeyPair();
  const signed = keyhelper.generateSignedPreKey(identity, 1);
  return {
    address: new ProtocolAddress(name, 1),
    identity,
    signed,
    bundle: {
      registrationId: 1,
      identityKey: identity.pubKey,
      signedPreKey: { keyId: 1, publicKey: signed.keyPair.pubKey, signature: signed.signature },
    },
  };
}

/** Records in memory, as they are. */
function createStore({ identity, signed }) {
  const sessions = new Map();
  return {
    loadSession: async (id) => sessions.get(id),
    storeSession: async (id, record) => {
      sessions.set(id, record);
    },
    isTrustedIdentity: async () => true,
    loadPreKey: async () => undefined,
    removePreKey: async () => {},
    loadSignedPreKey: async () => signed.keyPair,
    getOurRegistrationId: async () => 1,
    getOurIdentity: async () => identity,
  };
}

export async function createLibrary() {
  const [a, b] = [createAccount('a'), createAccount('b')];
  const party = (store, peer) => {
    const cipher = new SessionCipher(store, peer.address);
    return {
      encrypt: ({ buffer, byteOffset, byteLength }) =>
        cipher.encrypt(Buffer.from(buffer, byteOffset, byteLength)),
      decrypt: ({ type, body }) =>
        type === 3 ? cipher.decryptPreKeyWhisperMessage(body) : cipher.decryptWhisperMessage(body),
    };
  };
  return {
    async begin() {
      const [ofA, ofB] = [createStore(a), createStore(b)];
      await new SessionBuilder(ofA, b.address).initOutgoing(b.bundle);
      return [party(ofA, b), party(ofB, a)];
    },
  };
}
