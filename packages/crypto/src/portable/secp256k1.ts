import { secp256k1 as curve } from '@noble/curves/secp256k1.js';
import {
  compareBytes,
  copyBytes,
  encodeHex,
  KeyPair,
  LruCache,
  PRIVATE_KEY_LENGTH,
  type PrivateKey,
  type PublicKey,
  parseBytes,
  type RandomSource,
  type Secp256k1,
  SIGNATURE_LENGTH,
  type Signature,
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
import { SignerTables } from './signer-tables.js';

/** Public keys kept decoded, as those of a conversation come again with each message: half a kilobyte each. */
const MAX_DECODED = 64;

/** secp256k1 on @noble/curves. */
export function createSecp256k1(randomBytes: RandomSource): Secp256k1 {
  const signers = new SignerTables();
  const decoded = new LruCache<string, ReturnType<typeof decodePoint>>(MAX_DECODED);
  const pointOf = (publicKey: Uint8Array) => {
    requirePointForm(publicKey);
    return decoded.getOrCreate(encodeHex(publicKey), () => decodePoint(publicKey));
  };

  return {
    generateKeyPair() {
      return pairOf(drawScalar(randomBytes, curve.utils.isValidSecretKey));
    },

    keyPairFromPrivateKey(privateKey) {
      requireLength('private key', privateKey, PRIVATE_KEY_LENGTH);
      requireScalar(privateKey);
      return pairOf(Uint8Array.from(privateKey));
    },

    parsePublicKey(bytes) {
      return pointOf(bytes).toBytes(true) as PublicKey;
    },

    uncompressPublicKey(publicKey) {
      return pointOf(publicKey).toBytes(false);
    },

    ecdh(privateKey, publicKey) {
      requireLength('private key', privateKey, PRIVATE_KEY_LENGTH);
      requireScalar(privateKey);
      const { Fn, Fp } = curve.Point;
      // `multiply` is the blinded, constant-time one.
      const shared = pointOf(publicKey).multiply(Fn.fromBytes(privateKey));
      return Fp.toBytes(shared.x);
    },

    signRecoverable(digest, privateKey) {
      requireLength('digest', digest, DIGEST_LENGTH);
      requireLength('private key', privateKey, PRIVATE_KEY_LENGTH);
      requireScalar(privateKey);
      const recovered = curve.sign(digest, privateKey, { prehash: false, lowS: true, format: 'recovered' });
      const signature = new Uint8Array(SIGNATURE_LENGTH);
      // The library puts the recovery byte first. 2 and 3 (x of the nonce's point not below the order) would need
      // 2^127 signatures to meet, and recoverPublicKey refuses them.
      signature.set(recovered.subarray(1));
      signature.set(recovered.subarray(0, 1), SIGNATURE_LENGTH - 1);
      return signature as Signature;
    },

    recoverPublicKey(digest, signature, expected) {
      requireLength('digest', digest, DIGEST_LENGTH);
      requireLength('signature', signature, SIGNATURE_LENGTH);
      if (expected !== undefined) parseBytes(expected, 'expected key');
      const parsed = parseSignature(signature);
      if (expected !== undefined && signers.verify(digest, parsed.toBytes('recovered'), expected)) {
        return copyBytes(expected) as PublicKey;
      }
      const signer = recover(parsed, digest);
      if (expected !== undefined && compareBytes(signer, expected) === 0) signers.countRecovered(signer);
      return signer;
    },
  };
}

/** Takes the bytes over. */
function pairOf(privateKey: Uint8Array): KeyPair {
  return new KeyPair(curve.getPublicKey(privateKey, true) as PublicKey, privateKey as PrivateKey);
}

function requireScalar(privateKey: Uint8Array): void {
  if (!curve.utils.isValidSecretKey(privateKey)) throw invalidScalar();
}

function decodePoint(bytes: Uint8Array) {
  try {
    return curve.Point.fromBytes(bytes);
  } catch {
    throw invalidPoint(bytes);
  }
}

/** `bytes` has 65. */
function parseSignature(bytes: Uint8Array) {
  const recovery = requireRecoveryBit(bytes);
  const signature = decodeScalars(bytes.subarray(0, SIGNATURE_LENGTH - 1)).addRecoveryBit(recovery);
  if (signature.hasHighS()) throw invalidSignature('s is above half the order');
  return signature;
}

function recover(signature: ReturnType<typeof parseSignature>, digest: Uint8Array): PublicKey {
  try {
    return signature.recoverPublicKey(digest).toBytes(true) as PublicKey;
  } catch {
    throw invalidSignature('no key can be recovered from it');
  }
}

function decodeScalars(bytes: Uint8Array) {
  try {
    return curve.Signature.fromBytes(bytes, 'compact');
  } catch {
    throw invalidSignature('r or s is zero or not below the order');
  }
}
