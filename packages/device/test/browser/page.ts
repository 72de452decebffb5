/** What runs in the page: a device on IndexedDB, and calls for the tests outside to make. Bytes are hex. */
import { decodeHex, decodeUtf8, encodeHex, encodeUtf8, isSottoError, systemClock } from '@sotto/core';
import { createPortableProvider } from '@sotto/crypto/portable';
import { loadWebAssemblyProvider } from '@sotto/crypto/webassembly';
import { decodeBundle, encodeBundle } from '@sotto/protocol-codec';
import { createIndexedDbStore } from '@sotto/store-adapters/indexeddb';
import { createHybridSuite } from '../../src/hybrid.js';
import { type Device, openDevice } from '../../src/index.js';

const PROVIDERS = { portable: async () => createPortableProvider(), webassembly: loadWebAssemblyProvider };
export type ProviderName = keyof typeof PROVIDERS;

const { parsePublicKey } = createPortableProvider().secp256k1;
let open: Device | undefined;

function device(): Device {
  if (open === undefined) throw new Error('no device is open');
  return open;
}

const api = {
  /** @param privateKey of the identity @returns its public key */
  async open(name: string, privateKey: string, provider: ProviderName): Promise<string> {
    const crypto = await PROVIDERS[provider]();
    open = await openDevice({
      identity: crypto.secp256k1.keyPairFromPrivateKey(decodeHex(privateKey)),
      installationId: name,
      store: await createIndexedDbStore({ name, whenLocked: 'wait' }),
      crypto,
      clock: systemClock,
      hybrid: createHybridSuite(crypto),
      sealedSender: true,
    });
    return encodeHex(open.identity);
  },

  async bundle(): Promise<string> {
    return encodeHex(encodeBundle(await device().read((tx) => device().bundle(tx))));
  },

  async meet(bundle: string): Promise<void> {
    await device().transaction((tx) => device().processBundle(tx, decodeBundle(decodeHex(bundle))));
  },

  async write(to: string, text: string) {
    const recipient = parsePublicKey(decodeHex(to));
    const { message, devices, sealed } = await device().transaction((tx) =>
      device().encryptDirect(tx, recipient, encodeUtf8(text), { mayBeSealed: true }),
    );
    const signer = device().sealingKey(recipient, message)?.publicKey;
    return {
      message: encodeHex(message),
      sent: devices.map((one) => ('sent' in one ? one.sent : one.failed.code)),
      sealed,
      signer: signer === undefined ? encodeHex(device().identity) : encodeHex(signer),
    };
  },

  /** What a message says, or the code with which it is refused. @param signer of its envelope */
  async read(peer: string, signer: string, message: string) {
    const bytes = decodeHex(message);
    const signed = parsePublicKey(decodeHex(signer));
    const isSealed = device().isSealed(bytes);
    const sender = isSealed ? device().sealedSender(parsePublicKey(decodeHex(peer)), signed, bytes) : signed;
    if (sender === undefined) return 'of nobody';
    try {
      const outcome = await device().transaction((tx) => device().decrypt(tx, sender, bytes));
      if (outcome.kind !== 'message') return outcome.kind;
      return `${outcome.protection}${outcome.sealed ? ' sealed' : ''}: ${decodeUtf8(outcome.payload)}`;
    } catch (error) {
      if (isSottoError(error)) return error.code;
      throw error;
    }
  },
};

export type PageApi = typeof api;
Object.assign(globalThis, { sotto: api });
