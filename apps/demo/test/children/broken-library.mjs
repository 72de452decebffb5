// Breaks the library before the demo is loaded: `node --import <this> dist/main.js`, with BROKEN saying how.
import { Device } from '@sotto/messenger';

const { decrypt } = Device.prototype;

/** Takes what is refused with this code for a message without content. */
function decryptDespite(code) {
  return async function (work, from, message) {
    try {
      return await decrypt.call(this, work, from, message);
    } catch (error) {
      if (error.code !== code) throw error;
      const news = { added: [], rotated: [], reset: [], firstContact: false };
      return { kind: 'bundle', messageId: new Uint8Array(32), senderInstallation: '', news };
    }
  };
}

const BREAKS = {
  'no sessions': { encryptDirect: Device.prototype.encryptDh },
  'no pairing': { updateDevice: async () => {} },
  'replays are taken': { decrypt: decryptDespite('DUPLICATE_MESSAGE') },
  'forgeries are taken': { decrypt: decryptDespite('AUTHENTICATION_FAILED') },
};

Object.assign(Device.prototype, BREAKS[process.env['BROKEN']]);
