import { x25519 as curve } from '@noble/curves/ed25519.js';
import {
  type RandomSource,
  type X25519,
  X25519KeyPair,
  type X25519PrivateKey,
  type X25519PublicKey,
} from '@sotto/core';
import { requireLength } from '../arguments.js';
import { smallOrder } from '../x25519-arguments.js';

const KEY_LENGTH = 32;

/** X25519 on @noble/curves. */
export function createX25519(randomBytes: RandomSource): X25519 {
  return {
    generateKeyPair() {
      return pairOf(randomBytes(KEY_LENGTH));
    },

    keyPairFromPrivateKey(privateKey) {
      requireLength('private key', privateKey, KEY_LENGTH);
      return pairOf(Uint8Array.from(privateKey));
    },

    ecdh(privateKey, publicKey) {
      requireLength('private key', privateKey, KEY_LENGTH);
      requireLength('public key', publicKey, KEY_LENGTH);
      try {
        return curve.getSharedSecret(privateKey, publicKey);
      } catch {
        throw smallOrder();
      }
    },
  };
}

/** Takes the bytes over. */
function pairOf(privateKey: Uint8Array): X25519KeyPair {
  return new X25519KeyPair(curve.getPublicKey(privateKey) as X25519PublicKey, privateKey as X25519PrivateKey);
}
