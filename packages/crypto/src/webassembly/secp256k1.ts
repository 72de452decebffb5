import type { Secp256k1 as LibAuth } from '@bitauth/libauth';
import { randomBytes as platformRandom } from '@noble/hashes/utils.js';
import {
  compareBytes,
  copyBytes,
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
import { createBlinding } from './blinding.js';

/** Bytes of a shared x coordinate. */
const SHARED_LENGTH = 32;

/**
 * secp256k1 on libsecp256k1 in WebAssembly; `portable` signs the digests that it treats differently.
 *
 * This build has no `ecdh`, and its multiplication of a point takes a time that depends on the scalar. So no secret is ever
 * used as it is: `k * P` is computed as `(k / r) * (r * P)`, with another `r` each time. Each of the two scalars alone is evenly
 * distributed, whatever `k` is; `k / r` itself is computed in constant time by the library.
 */
export function createSecp256k1(library: LibAuth, randomBytes: RandomSource, portable: Secp256k1): Secp256k1 {
  const isScalar = (bytes: Uint8Array) => library.validatePrivateKey(bytes);

  function requireScalar(privateKey: Uint8Array): void {
    if (!isScalar(privateKey)) throw invalidScalar();
  }

  /** Takes the bytes over. */
  function pairOf(privateKey: Uint8Array): KeyPair {
    const publicKey = bytesOr(library.derivePublicKeyCompressed(privateKey), invalidScalar);
    return new KeyPair(publicKey as PublicKey, privateKey as PrivateKey);
  }

  function convert(publicKey: Uint8Array, length: number): Uint8Array {
    requirePointForm(publicKey);
    const converted =
      length === PUBLIC_KEY_LENGTH
        ? library.compressPublicKey(publicKey)
        : library.uncompressPublicKey(publicKey);
    return bytesOr(converted, () => invalidPoint(publicKey));
  }

  const multiplyScalars = (a: Uint8Array, b: Uint8Array) =>
    bytesOr(library.mulTweakPrivateKey(a, b), invalidScalar);

  // No result depends on it, so no script of a test does.
  const nextBlinding = createBlinding(() => drawScalar(platformRandom, isScalar), multiplyScalars);

  /** r and s, 64 bytes: in range, and s low. */
  function requireScalars(signature: Uint8Array): void {
    const outOfRange = () => invalidSignature('r or s is zero or not below the order');
    const normalized = bytesOr(library.normalizeSignatureCompact(signature), outOfRange);
    for (const scalar of [signature.subarray(0, 32), signature.subarray(32)]) {
      if (scalar.every((byte) => byte === 0)) throw outOfRange();
    }
    if (compareBytes(signature, normalized) !== 0) throw invalidSignature('s is above half the order');
  }

  return {
    generateKeyPair() {
      return pairOf(drawScalar(randomBytes, isScalar));
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
      const { factor, inverse } = nextBlinding();
      const blinded = multiplyScalars(privateKey, inverse);
      try {
        const product = library.mulTweakPublicKeyUncompressed(publicKey, factor);
        const point = bytesOr(product, () => invalidPoint(publicKey));
        const shared = library.mulTweakPublicKeyUncompressed(point, blinded);
        const bytes = bytesOr(shared, () => invalidPoint(publicKey));
        return copyBytes(bytes.subarray(1, 1 + SHARED_LENGTH));
      } finally {
        wipeBytes(blinded);
      }
    },

    signRecoverable(digest, privateKey) {
      requireLength('digest', digest, DIGEST_LENGTH);
      requireLength('private key', privateKey, PRIVATE_KEY_LENGTH);
      requireScalar(privateKey);
      // RFC 6979 reduces the digest before the nonce is derived from it; this build of the library doesn't.
      if (!isScalar(digest)) return portable.signRecoverable(digest, privateKey);
      const made = library.signMessageHashRecoverableCompact(privateKey, digest);
      if (typeof made === 'string') throw invalidScalar();
      const signature = new Uint8Array(SIGNATURE_LENGTH);
      signature.set(made.signature);
      signature[SIGNATURE_LENGTH - 1] = made.recoveryId;
      return signature as Signature;
    },

    recoverPublicKey(digest, signature) {
      requireLength('digest', digest, DIGEST_LENGTH);
      requireLength('signature', signature, SIGNATURE_LENGTH);
      const recovery = requireRecoveryBit(signature) as 0 | 1;
      const scalars = copyBytes(signature.subarray(0, SIGNATURE_LENGTH - 1));
      requireScalars(scalars);
      const recovered = library.recoverPublicKeyCompressed(scalars, recovery, digest);
      return bytesOr(recovered, () => invalidSignature('no key can have made it')) as PublicKey;
    },
  };
}

/** The library answers with a text where it refuses. */
function bytesOr(answer: Uint8Array | string, refusal: () => Error): Uint8Array {
  if (typeof answer === 'string') throw refusal();
  return answer;
}
