import { secp256k1 as curve } from '@noble/curves/secp256k1.js';
import {
  KeyPair,
  PRIVATE_KEY_LENGTH,
  type PrivateKey,
  PUBLIC_KEY_LENGTH,
  type PublicKey,
  type RandomSource,
  SIGNATURE_LENGTH,
  type Signature,
  SottoError,
  UNCOMPRESSED_PUBLIC_KEY_LENGTH,
} from '@sotto/core';
import { requireLength } from '../arguments.js';
import type { Secp256k1 } from '../provider.js';

const DIGEST_LENGTH = 32;

/** Draws before a random source is given up; even the second is as unlikely as a guessed key. */
const MAX_DRAWS = 16;

/** secp256k1 on @noble/curves. */
export function createSecp256k1(randomBytes: RandomSource): Secp256k1 {
  return {
    generateKeyPair() {
      for (let draw = 0; draw < MAX_DRAWS; draw++) {
        const candidate = randomBytes(PRIVATE_KEY_LENGTH);
        if (curve.utils.isValidSecretKey(candidate)) return pairOf(candidate);
      }
      throw new SottoError('INVALID_PRIVATE_KEY', `The random source gave no key in ${MAX_DRAWS} draws.`, {
        curve: 'secp256k1',
      });
    },

    keyPairFromPrivateKey(privateKey) {
      requireLength('private key', privateKey, PRIVATE_KEY_LENGTH);
      requireScalar(privateKey);
      return pairOf(Uint8Array.from(privateKey));
    },

    parsePublicKey(bytes) {
      return decodePoint(bytes).toBytes(true) as PublicKey;
    },

    uncompressPublicKey(publicKey) {
      return decodePoint(publicKey).toBytes(false);
    },

    ecdh(privateKey, publicKey) {
      requireLength('private key', privateKey, PRIVATE_KEY_LENGTH);
      requireScalar(privateKey);
      const { Fn, Fp } = curve.Point;
      // `multiply` is the blinded, constant-time one.
      const shared = decodePoint(publicKey).multiply(Fn.fromBytes(privateKey));
      return Fp.toBytes(shared.x);
    },

    signRecoverable(digest, privateKey) {
      requireLength('digest', digest, DIGEST_LENGTH);
      requireLength('private key', privateKey, PRIVATE_KEY_LENGTH);
      requireScalar(privateKey);
      const recovered = curve.sign(digest, privateKey, { prehash: false, lowS: true, format: 'recovered' });
      const signature = new Uint8Array(SIGNATURE_LENGTH);
      // The library puts the recovery byte first. 2 and 3 (x of the nonce's point not below the order) would take
      // 2^127 signatures to meet, and recoverPublicKey refuses them.
      signature.set(recovered.subarray(1));
      signature.set(recovered.subarray(0, 1), SIGNATURE_LENGTH - 1);
      return signature as Signature;
    },

    recoverPublicKey(digest, signature) {
      requireLength('digest', digest, DIGEST_LENGTH);
      requireLength('signature', signature, SIGNATURE_LENGTH);
      const parsed = parseSignature(signature);
      try {
        return parsed.recoverPublicKey(digest).toBytes(true) as PublicKey;
      } catch {
        throw invalidSignature('no key can have made it');
      }
    },
  };
}

/** Takes the bytes over. */
function pairOf(privateKey: Uint8Array): KeyPair {
  return new KeyPair(curve.getPublicKey(privateKey, true) as PublicKey, privateKey as PrivateKey);
}

function requireScalar(privateKey: Uint8Array): void {
  if (curve.utils.isValidSecretKey(privateKey)) return;
  throw new SottoError(
    'INVALID_PRIVATE_KEY',
    'The private key is zero or not below the order of the group.',
    {
      curve: 'secp256k1',
    },
  );
}

function decodePoint(bytes: Uint8Array) {
  try {
    return curve.Point.fromBytes(bytes);
  } catch {
    const reason =
      bytes.length === PUBLIC_KEY_LENGTH || bytes.length === UNCOMPRESSED_PUBLIC_KEY_LENGTH
        ? 'not the encoding of a point on the curve'
        : `${bytes.length} bytes, not ${PUBLIC_KEY_LENGTH} or ${UNCOMPRESSED_PUBLIC_KEY_LENGTH}`;
    throw new SottoError('INVALID_PUBLIC_KEY', `Not a secp256k1 public key: ${reason}.`, {
      curve: 'secp256k1',
      reason,
    });
  }
}

/** `bytes` has 65. */
function parseSignature(bytes: Uint8Array) {
  const v = bytes[SIGNATURE_LENGTH - 1] as number;
  // 27 and 28 are how Ethereum's own tools write 0 and 1.
  const recovery = v >= 27 ? v - 27 : v;
  if (recovery > 1) throw invalidSignature('v is none of 0, 1, 27 and 28');
  const signature = decodeScalars(bytes.subarray(0, SIGNATURE_LENGTH - 1)).addRecoveryBit(recovery);
  if (signature.hasHighS()) throw invalidSignature('s is above half the order');
  return signature;
}

function decodeScalars(bytes: Uint8Array) {
  try {
    return curve.Signature.fromBytes(bytes, 'compact');
  } catch {
    throw invalidSignature('r or s is zero or not below the order');
  }
}

function invalidSignature(reason: string): SottoError {
  return new SottoError('INVALID_SIGNATURE', `Not a signature: ${reason}.`, { reason });
}
