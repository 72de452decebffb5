import type { Secp256k1 as LibAuth } from '@bitauth/libauth';
import { randomBytes as platformRandom } from '@noble/hashes/utils.js';
import { copyBytes, PUBLIC_KEY_LENGTH, wipeBytes } from '@sotto/core';
import type { LibSecp256k1 } from '../libsecp256k1.js';
import { drawScalar, invalidScalar } from '../secp256k1-arguments.js';
import { createBlinding } from './blinding.js';

/** Bytes of a shared x coordinate. */
const SHARED_LENGTH = 32;

/**
 * libsecp256k1 in the WebAssembly build of npm `@bitauth/libauth`.
 *
 * This build has no `ecdh`, and its point multiplication isn't constant-time. So no secret is ever
 * used directly: `k * P` is computed as `(k / r) * (r * P)`, with another `r` each time. Each of the two scalars alone is uniformly
 * distributed, whatever `k` is; `k / r` itself is computed in constant time by the library.
 */
export function webAssemblyLibSecp256k1(library: LibAuth): LibSecp256k1 {
  const isScalar = (bytes: Uint8Array) => library.validatePrivateKey(bytes);

  function multiplyScalars(a: Uint8Array, b: Uint8Array): Uint8Array {
    const product = unlessRefused(library.mulTweakPrivateKey(a, b));
    if (product === undefined) throw invalidScalar();
    return product;
  }

  // No result depends on it, so scripted randomness in tests is not affected.
  const nextBlinding = createBlinding(() => drawScalar(platformRandom, isScalar), multiplyScalars);

  return {
    isScalar,

    publicKeyOf: (privateKey) => unlessRefused(library.derivePublicKeyCompressed(privateKey)),

    convert: (publicKey, length) =>
      unlessRefused(
        length === PUBLIC_KEY_LENGTH
          ? library.compressPublicKey(publicKey)
          : library.uncompressPublicKey(publicKey),
      ),

    ecdh(privateKey, publicKey) {
      const { factor, inverse } = nextBlinding();
      const blinded = multiplyScalars(privateKey, inverse);
      try {
        const point = unlessRefused(library.mulTweakPublicKeyUncompressed(publicKey, factor));
        const shared = point && unlessRefused(library.mulTweakPublicKeyUncompressed(point, blinded));
        return shared && copyBytes(shared.subarray(1, 1 + SHARED_LENGTH));
      } finally {
        wipeBytes(blinded);
      }
    },

    sign(digest, privateKey) {
      const made = library.signMessageHashRecoverableCompact(privateKey, digest);
      return typeof made === 'string' ? undefined : [made.signature, made.recoveryId];
    },

    normalize: (rs) => unlessRefused(library.normalizeSignatureCompact(rs)),

    recover: (digest, rs, recovery) =>
      unlessRefused(library.recoverPublicKeyCompressed(rs, recovery, digest)),
  };
}

/** The library returns an error string where it refuses. */
function unlessRefused(answer: Uint8Array | string): Uint8Array | undefined {
  return typeof answer === 'string' ? undefined : answer;
}
