import {
  compareBytes,
  copyBytes,
  KeyPair,
  PRIVATE_KEY_LENGTH,
  type PrivateKey,
  PUBLIC_KEY_LENGTH,
  type PublicKey,
  parseBytes,
  type RandomSource,
  type Secp256k1,
  SIGNATURE_LENGTH,
  type Signature,
  UNCOMPRESSED_PUBLIC_KEY_LENGTH,
} from '@sotto/core';
import { requireLength } from './arguments.js';
import {
  DIGEST_LENGTH,
  drawScalar,
  invalidPoint,
  invalidScalar,
  invalidSignature,
  requirePointForm,
  requireRecoveryBit,
} from './secp256k1-arguments.js';

/** The functions of libsecp256k1, adapted by each build of it. `undefined` means that the input was refused; results are fresh. */
export interface LibSecp256k1 {
  /** Whether 32 bytes are in 1 .. order - 1. */
  isScalar(bytes: Uint8Array): boolean;
  /** The public key of a scalar, 33 bytes. */
  publicKeyOf(privateKey: Uint8Array): Uint8Array | undefined;
  /** Converts a public key to the form of 33 or 65 bytes. */
  convert(publicKey: Uint8Array, length: number): Uint8Array | undefined;
  /** The x coordinate of a scalar times a point, 32 bytes, in constant time. */
  ecdh(privateKey: Uint8Array, publicKey: Uint8Array): Uint8Array | undefined;
  /** Signs a digest that is a scalar: `r || s` and the recovery bit. */
  sign(digest: Uint8Array, privateKey: Uint8Array): readonly [rs: Uint8Array, recovery: number] | undefined;
  /** `r || s` with the low s; zeros pass. */
  normalize(rs: Uint8Array): Uint8Array | undefined;
  /** The public key that signed, 33 bytes. */
  recover(digest: Uint8Array, rs: Uint8Array, recovery: 0 | 1): Uint8Array | undefined;
}

/**
 * secp256k1 on a build of libsecp256k1.
 * @param portable signs the digests that the library handles differently
 */
export function createSecp256k1(
  library: LibSecp256k1,
  randomBytes: RandomSource,
  portable: Secp256k1,
): Secp256k1 {
  function requireScalar(privateKey: Uint8Array): void {
    if (!library.isScalar(privateKey)) throw invalidScalar();
  }

  /** Takes the bytes over. */
  function pairOf(privateKey: Uint8Array): KeyPair {
    const publicKey = library.publicKeyOf(privateKey) ?? raise(invalidScalar());
    return new KeyPair(publicKey as PublicKey, privateKey as PrivateKey);
  }

  function convert(publicKey: Uint8Array, length: number): Uint8Array {
    requirePointForm(publicKey);
    return library.convert(publicKey, length) ?? raise(invalidPoint(publicKey));
  }

  /** r and s, 64 bytes: in range, and s low. */
  function requireScalars(rs: Uint8Array): void {
    const normalized = library.normalize(rs);
    const isZero = (scalar: Uint8Array) => scalar.every((byte) => byte === 0);
    if (normalized === undefined || isZero(rs.subarray(0, 32)) || isZero(rs.subarray(32))) {
      throw invalidSignature('r or s is zero or not below the order');
    }
    if (compareBytes(rs, normalized) !== 0) throw invalidSignature('s is above half the order');
  }

  return {
    generateKeyPair() {
      return pairOf(drawScalar(randomBytes, (candidate) => library.isScalar(candidate)));
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
      return library.ecdh(privateKey, publicKey) ?? raise(invalidPoint(publicKey));
    },

    signRecoverable(digest, privateKey) {
      requireLength('digest', digest, DIGEST_LENGTH);
      requireLength('private key', privateKey, PRIVATE_KEY_LENGTH);
      requireScalar(privateKey);
      // RFC 6979 reduces the digest before the nonce is derived from it; these builds of the library don't. A digest that is not a
      // scalar is exactly what would be reduced: one digest in 2^128.
      if (!library.isScalar(digest)) return portable.signRecoverable(digest, privateKey);
      const [rs, recovery] = library.sign(digest, privateKey) ?? raise(invalidScalar());
      const signature = new Uint8Array(SIGNATURE_LENGTH);
      signature.set(rs);
      signature[SIGNATURE_LENGTH - 1] = recovery;
      return signature as Signature;
    },

    recoverPublicKey(digest, signature, expected) {
      requireLength('digest', digest, DIGEST_LENGTH);
      requireLength('signature', signature, SIGNATURE_LENGTH);
      if (expected !== undefined) parseBytes(expected, 'expected key');
      const recovery = requireRecoveryBit(signature);
      const rs = copyBytes(signature.subarray(0, SIGNATURE_LENGTH - 1));
      requireScalars(rs);
      const publicKey = library.recover(digest, rs, recovery);
      return (publicKey ?? raise(invalidSignature('no key can be recovered from it'))) as PublicKey;
    },
  };
}

function raise(error: Error): never {
  throw error;
}
