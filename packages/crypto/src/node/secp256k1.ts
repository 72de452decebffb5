import { randomBytes as platformRandom } from 'node:crypto';
import {
  compareBytes,
  KeyPair,
  PRIVATE_KEY_LENGTH,
  type PrivateKey,
  PUBLIC_KEY_LENGTH,
  type PublicKey,
  type RandomSource,
  type Secp256k1,
  SIGNATURE_LENGTH,
  type Signature,
  UNCOMPRESSED_PUBLIC_KEY_LENGTH,
  wipeBytes,
} from '@sotto/core';
import { requireLength } from '../arguments.js';
import {
  DIGEST_LENGTH,
  drawScalar,
  invalidPoint,
  invalidScalar,
  invalidSignature,
  requirePointForm,
  requireRecoveryBit,
} from '../secp256k1-arguments.js';
import type { Secp256k1Addon } from './secp256k1-addon.js';

const SHARED_LENGTH = 32;

/** secp256k1 on libsecp256k1; `portable` signs the digests that it treats differently. */
export function createSecp256k1(
  addon: Secp256k1Addon,
  randomBytes: RandomSource,
  portable: Secp256k1,
): Secp256k1 {
  // Blinds what the library computes with private keys. No result depends on it, so no script of a test does.
  addon.contextRandomize(platformRandom(32));

  function requireScalar(privateKey: Uint8Array): void {
    if (!addon.privateKeyVerify(privateKey)) throw invalidScalar();
  }

  /** Takes the bytes over. */
  function pairOf(privateKey: Uint8Array): KeyPair {
    const publicKey = addon.publicKeyCreate(privateKey, true, new Uint8Array(PUBLIC_KEY_LENGTH));
    return new KeyPair(publicKey as PublicKey, privateKey as PrivateKey);
  }

  function convert(publicKey: Uint8Array, length: number): Uint8Array {
    requirePointForm(publicKey);
    try {
      return addon.publicKeyConvert(publicKey, length === PUBLIC_KEY_LENGTH, new Uint8Array(length));
    } catch {
      throw invalidPoint(publicKey);
    }
  }

  /** r and s, 64 bytes: in range, and s low. */
  function requireScalars(signature: Uint8Array): void {
    const normalized = Uint8Array.from(signature);
    try {
      addon.signatureNormalize(normalized);
    } catch {
      throw invalidSignature('r or s is zero or not below the order');
    }
    if (compareBytes(signature, normalized) !== 0) throw invalidSignature('s is above half the order');
  }

  return {
    generateKeyPair() {
      return pairOf(drawScalar(randomBytes, (candidate) => addon.privateKeyVerify(candidate)));
    },

    keyPairFromPrivateKey(privateKey) {
      requireLength('private key', privateKey, PRIVATE_KEY_LENGTH);
      requireScalar(privateKey);
      return pairOf(Uint8Array.from(privateKey));
    },

    parsePublicKey(bytes) {
      return convert(bytes, PUBLIC_KEY_LENGTH) as PublicKey;
    },

    uncompressPublicKey(publicKey) {
      return convert(publicKey, UNCOMPRESSED_PUBLIC_KEY_LENGTH);
    },

    ecdh(privateKey, publicKey) {
      requireLength('private key', privateKey, PRIVATE_KEY_LENGTH);
      requireScalar(privateKey);
      requirePointForm(publicKey);
      const [xbuf, ybuf] = [new Uint8Array(SHARED_LENGTH), new Uint8Array(SHARED_LENGTH)];
      try {
        // Constant in time, with a hash that doesn't hash. publicKeyTweakMul, which looks simpler, is not.
        return addon.ecdh(
          publicKey,
          privateKey,
          { hashfn: (x) => x, xbuf, ybuf },
          new Uint8Array(SHARED_LENGTH),
        );
      } catch {
        throw invalidPoint(publicKey);
      } finally {
        wipeBytes(xbuf, ybuf);
      }
    },

    signRecoverable(digest, privateKey) {
      requireLength('digest', digest, DIGEST_LENGTH);
      requireLength('private key', privateKey, PRIVATE_KEY_LENGTH);
      requireScalar(privateKey);
      // RFC 6979 reduces the digest before the nonce is derived from it; this build of the library doesn't. No
      // private key, too, is at or above the order, so the same test finds the one digest in 2^128.
      if (!addon.privateKeyVerify(digest)) return portable.signRecoverable(digest, privateKey);
      const { signature: rs, recid } = addon.ecdsaSign(digest, privateKey, {}, new Uint8Array(64));
      const signature = new Uint8Array(SIGNATURE_LENGTH);
      signature.set(rs);
      signature[SIGNATURE_LENGTH - 1] = recid;
      return signature as Signature;
    },

    recoverPublicKey(digest, signature) {
      requireLength('digest', digest, DIGEST_LENGTH);
      requireLength('signature', signature, SIGNATURE_LENGTH);
      const recovery = requireRecoveryBit(signature);
      const rs = signature.subarray(0, SIGNATURE_LENGTH - 1);
      requireScalars(rs);
      try {
        const output = new Uint8Array(PUBLIC_KEY_LENGTH);
        return addon.ecdsaRecover(rs, recovery, digest, true, output) as PublicKey;
      } catch {
        throw invalidSignature('no key can have made it');
      }
    },
  };
}
