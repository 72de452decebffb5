import { randomBytes as platformRandom } from 'node:crypto';
import { PUBLIC_KEY_LENGTH, wipeBytes } from '@sotto/core';
import type { LibSecp256k1 } from '../libsecp256k1.js';
import type { Secp256k1Addon } from './secp256k1-addon.js';

/** Bytes of a shared x coordinate. */
const SHARED_LENGTH = 32;

/** libsecp256k1 in the native addon of npm `secp256k1`. */
export function nativeLibSecp256k1(addon: Secp256k1Addon): LibSecp256k1 {
  // Blinds what the library computes with private keys. No result depends on it, so scripted randomness in tests is not affected.
  addon.contextRandomize(platformRandom(32));
  return {
    isScalar: (bytes) => addon.privateKeyVerify(bytes),

    publicKeyOf: (privateKey) =>
      unlessRefused(() => addon.publicKeyCreate(privateKey, true, new Uint8Array(PUBLIC_KEY_LENGTH))),

    convert: (publicKey, length) =>
      unlessRefused(() =>
        addon.publicKeyConvert(publicKey, length === PUBLIC_KEY_LENGTH, new Uint8Array(length)),
      ),

    ecdh(privateKey, publicKey) {
      const [xbuf, ybuf] = [new Uint8Array(SHARED_LENGTH), new Uint8Array(SHARED_LENGTH)];
      // Constant-time; the hash function passes x through. publicKeyTweakMul looks simpler and isn't constant-time.
      const options = { hashfn: (x: Uint8Array) => x, xbuf, ybuf };
      try {
        return unlessRefused(() => addon.ecdh(publicKey, privateKey, options, new Uint8Array(SHARED_LENGTH)));
      } finally {
        wipeBytes(xbuf, ybuf);
      }
    },

    sign(digest, privateKey) {
      const made = unlessRefused(() => addon.ecdsaSign(digest, privateKey, {}, new Uint8Array(64)));
      return made && [made.signature, made.recid];
    },

    normalize(rs) {
      const normalized = Uint8Array.from(rs);
      return unlessRefused(() => {
        addon.signatureNormalize(normalized);
        return normalized;
      });
    },

    recover: (digest, rs, recovery) =>
      unlessRefused(() => addon.ecdsaRecover(rs, recovery, digest, true, new Uint8Array(PUBLIC_KEY_LENGTH))),
  };
}

/** The addon throws where others return `undefined`. */
function unlessRefused<T>(call: () => T): T | undefined {
  try {
    return call();
  } catch {
    return undefined;
  }
}
