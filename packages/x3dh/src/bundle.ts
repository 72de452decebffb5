import { compareBytes, concatBytes, encodeUtf8, type KeyPair, type PublicKey, SottoError } from '@sotto/core';
import type { CryptoProvider } from '@sotto/crypto';
import type { Bundle, SignedPreKey } from '@sotto/protocol-codec';

declare const verified: unique symbol;

/** A bundle whose signature was made by the identity that it names. */
export type VerifiedBundle = Bundle & { readonly identity: PublicKey; readonly [verified]: true };

/** Milliseconds to the nanoseconds of `Bundle.timestamp`. */
export function bundleTimestamp(milliseconds: number): bigint {
  return BigInt(Math.trunc(milliseconds)) * 1_000_000n;
}

/**
 * The bytes under a bundle's signature: per device, in ascending byte order of the UTF-8 of its installation id,
 * `id || signed prekey || decimal version`; then the decimal timestamp when it is not 0.
 *
 * The timestamp is the deployed peers' addition to the specification. There are no delimiters: what could be
 * moved across a border is caught by `checkBundlePlausibility`. Wire profile, section 2.
 */
export function bundleSignedMaterial(bundle: Pick<Bundle, 'signedPreKeys' | 'timestamp'>): Uint8Array {
  const devices = [...bundle.signedPreKeys]
    .map(([id, preKey]) => ({ id: encodeUtf8(id), preKey }))
    .sort((a, b) => compareBytes(a.id, b.id));
  const parts = devices.flatMap(({ id, preKey }) => [
    id,
    preKey.signedPreKey,
    encodeUtf8(preKey.version.toString()),
  ]);
  if (bundle.timestamp !== 0n) parts.push(encodeUtf8(bundle.timestamp.toString()));
  return concatBytes(...parts);
}

/**
 * Makes the bundle of an identity: its devices' signed prekeys, signed.
 *
 * @param identity signs; its public key is named in the bundle
 * @param content.signedPreKeys by installation id; versions begin at 1 and grow with each new prekey of a device
 * @param content.timestamp nanoseconds since the epoch, see {@link bundleTimestamp}
 */
export function signBundle(
  crypto: CryptoProvider,
  identity: KeyPair,
  content: { readonly signedPreKeys: ReadonlyMap<string, SignedPreKey>; readonly timestamp: bigint },
): VerifiedBundle {
  const digest = crypto.keccak256(bundleSignedMaterial(content));
  const bundle: Bundle = {
    identity: identity.publicKey.slice(),
    signedPreKeys: new Map(content.signedPreKeys),
    signature: crypto.secp256k1.signRecoverable(digest, identity.privateKey),
    timestamp: content.timestamp,
  };
  return bundle as VerifiedBundle;
}

/**
 * Checks that a bundle was signed by the identity that it names; nothing else of it, see
 * `checkBundlePlausibility`.
 *
 * @throws BUNDLE_SIGNATURE_INVALID
 */
export function verifyBundle(crypto: CryptoProvider, bundle: Bundle): VerifiedBundle {
  const invalid = (reason: string, cause?: unknown) =>
    new SottoError(
      'BUNDLE_SIGNATURE_INVALID',
      'This bundle was not signed by the identity that it names.',
      { reason },
      { cause },
    );
  // The 65-byte form would let one identity appear under two names.
  if (bundle.identity.length !== 33) throw invalid(`identity of ${bundle.identity.length} bytes`);
  let signer: PublicKey;
  try {
    signer = crypto.secp256k1.recoverPublicKey(
      crypto.keccak256(bundleSignedMaterial(bundle)),
      bundle.signature,
    );
  } catch (cause) {
    throw invalid('malformed signature', cause);
  }
  if (compareBytes(signer, bundle.identity) !== 0) throw invalid('signed by another key');
  return bundle as VerifiedBundle;
}
