// Rust, native; X25519 and Kyber. Stores in memory hold the records as they are, the fastest that its API allows.
import * as signal from '@signalapp/libsignal-client';

class Sessions extends signal.SessionStore {
  #records = new Map();
  async saveSession(address, record) {
    this.#records.set(address.toString(), record);
  }
  async getSession(address) {
    return this.#records.get(address.toString()) ?? null;
  }
  async getExistingSessions(addresses) {
    return addresses.map((address) => this.#records.get(address.toString()));
  }
}

class Identities extends signal.IdentityKeyStore {
  #keys = new Map();
  constructor(pair) {
    super();
    this.pair = pair;
  }
  async getIdentityKey() {
    return this.pair.privateKey;
  }
  async getIdentityKeyPair() {
    return this.pair;
  }
  async getLocalRegistrationId() {
    return 5;
  }
  async saveIdentity(address, key) {
    this.#keys.set(address.toString(), key);
    return 0;
  }
  async isTrustedIdentity() {
    return true;
  }
  async getIdentity(address) {
    return this.#keys.get(address.toString()) ?? null;
  }
}

const keep = (Base, save, get, others = {}) => {
  class Kept extends Base {
    records = new Map();
  }
  Kept.prototype[save] = async function (id, record) {
    this.records.set(id, record);
  };
  Kept.prototype[get] = async function (id) {
    return this.records.get(id);
  };
  return Object.assign(Kept.prototype, others) && Kept;
};
const PreKeys = keep(signal.PreKeyStore, 'savePreKey', 'getPreKey', { async removePreKey() {} });
const SignedPreKeys = keep(signal.SignedPreKeyStore, 'saveSignedPreKey', 'getSignedPreKey');
const KyberPreKeys = keep(signal.KyberPreKeyStore, 'saveKyberPreKey', 'getKyberPreKey', {
  async markKyberPreKeyUsed() {},
});

let names = 0;
async function createAccount() {
  const pair = signal.IdentityKeyPair.generate();
  const account = {
    pair,
    address: signal.ProtocolAddress.new(`account-${names++}`, 1),
    identities: new Identities(pair),
    preKeys: new PreKeys(),
    signedPreKeys: new SignedPreKeys(),
    kyberPreKeys: new KyberPreKeys(),
  };
  const signed = signal.PrivateKey.generate();
  const signature = pair.privateKey.sign(signed.getPublicKey().serialize());
  await account.signedPreKeys.saveSignedPreKey(
    1,
    signal.SignedPreKeyRecord.new(1, Date.now(), signed.getPublicKey(), signed, signature),
  );
  const kyber = signal.KEMKeyPair.generate();
  const kyberSignature = pair.privateKey.sign(kyber.getPublicKey().serialize());
  await account.kyberPreKeys.saveKyberPreKey(
    1,
    signal.KyberPreKeyRecord.new(1, Date.now(), kyber, kyberSignature),
  );
  account.bundle = signal.PreKeyBundle.new(
    5,
    1,
    null,
    null,
    1,
    signed.getPublicKey(),
    signature,
    pair.publicKey,
    1,
    kyber.getPublicKey(),
    kyberSignature,
  );
  return account;
}

export async function createLibrary() {
  const [a, b] = [await createAccount(), await createAccount()];
  const party = (me, peer, sessions) => ({
    encrypt: (plaintext) =>
      signal.signalEncrypt(plaintext, peer.address, me.address, sessions, me.identities),
    decrypt: (message) =>
      message.type() === signal.CiphertextMessageType.PreKey
        ? signal.signalDecryptPreKey(
            signal.PreKeySignalMessage.deserialize(message.serialize()),
            peer.address,
            me.address,
            sessions,
            me.identities,
            me.preKeys,
            me.signedPreKeys,
            me.kyberPreKeys,
          )
        : signal.signalDecrypt(
            signal.SignalMessage.deserialize(message.serialize()),
            peer.address,
            me.address,
            sessions,
            me.identities,
          ),
  });
  return {
    async begin() {
      const [ofA, ofB] = [new Sessions(), new Sessions()];
      await signal.processPreKeyBundle(b.bundle, b.address, a.address, ofA, a.identities);
      return [party(a, b, ofA), party(b, a, ofB)];
    },
  };
}
