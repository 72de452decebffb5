// Breaks the library before the demo is loaded: `node --import <this> dist/main.js`, with BROKEN saying how.
import { systemClock } from '@sotto/core';
import { createPortableProvider } from '@sotto/crypto';
import { openDevice } from '@sotto/device';
import { createMemoryStore } from '@sotto/store-adapters/memory';

const crypto = createPortableProvider();
const identity = crypto.secp256k1.generateKeyPair();
const device = await openDevice({ identity, store: createMemoryStore(), crypto, clock: systemClock });
/** What all devices share. */
const shared = Object.getPrototypeOf(device);
const { decrypt } = shared;

/** Takes what is refused with this code for a message without content. */
function decryptDespite(code) {
  return async function (tx, from, message) {
    try {
      return await decrypt.call(this, tx, from, message);
    } catch (error) {
      if (error.code !== code) throw error;
      const news = { added: [], rotated: [], reset: [], firstContact: false };
      return { kind: 'bundle', messageId: new Uint8Array(32), senderInstallation: '', news };
    }
  };
}

const BREAKS = {
  'no sessions': { encryptDirect: shared.encryptDh },
  'no pairing': { updateDevice: async () => {} },
  'replays are taken': { decrypt: decryptDespite('DUPLICATE_MESSAGE') },
  'forgeries are taken': { decrypt: decryptDespite('AUTHENTICATION_FAILED') },
};

Object.assign(shared, BREAKS[process.env['BROKEN']]);
