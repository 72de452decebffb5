import { compareBytes, concatBytes, encodeUtf8, type KeyPair, type PublicKey, SottoError } from '@sotto/core';
import type { CryptoProvider } from '@sotto/crypto';
import type { Bundle, HybridPreKey, SignedPreKey } from '@sotto/protocol-codec';

declare const verified: unique symbol;

/** A bundle that was signed by the identity that it names. */
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

const STRICT_CONTEXT = encodeUtf8('sotto bundle v1');
const HYBRID_STRICT_CONTEXT = encodeUtf8('sotto bundle v2');
const DEVICE_CONTEXT = encodeUtf8('sotto device v1');

/**
 * The bytes under a bundle's strict signature: everything that the bundle says, each part with its length, so that
 * nothing can be moved across a border. `"sotto bundle v1" || identity || BE64(timestamp) || BE32(number of devices)`, then
 * per device, in ascending byte order of the UTF-8 of its installation id, `BE32(length) || id || BE32(length) ||
 * signed prekey || BE32(version) || BE32(protocol version)`. Wire profile, section 2.
 *
 * Where a device offers more than the deployed protocol, the text begins with `"sotto bundle v2"`, and each device's
 * part ends with `BE32(length) || suites || BE32(length) || Curve25519 prekey || BE32(length) || hash of the ML-KEM prekey`,
 * all empty for a device that doesn't. Wire profile, section 10.
 */
export function strictSignedMaterial(
  bundle: Pick<Bundle, 'identity' | 'signedPreKeys' | 'timestamp'>,
): Uint8Array {
  const devices = [...bundle.signedPreKeys]
    .map(([id, preKey]) => ({ id: encodeUtf8(id), preKey }))
    .sort((a, b) => compareBytes(a.id, b.id));
  const isHybrid = devices.some(({ preKey }) => preKey.hybrid !== undefined);
  return concatBytes(
    isHybrid ? HYBRID_STRICT_CONTEXT : STRICT_CONTEXT,
    bundle.identity,
    bigEndian(BigInt.asUintN(64, bundle.timestamp), 8),
    bigEndian(devices.length, 4),
    ...devices.flatMap(({ id, preKey }) => [
      ...preKeyPart(id, preKey),
      bigEndian(preKey.protocolVersion, 4),
      ...(isHybrid ? hybridPart(preKey.hybrid) : []),
    ]),
  );
}

/**
 * SHA-256 of a device's id, prekeys and suites as a bundle lists them, 32 bytes, for a handshake to name them:
 * `"sotto device v1"`, then the device's part of a text that begins with `"sotto bundle v2"`, without the protocol version,
 * which may change while the prekeys stay.
 */
export function deviceDigest(
  crypto: Pick<CryptoProvider, 'sha256'>,
  installationId: string,
  preKey: Pick<SignedPreKey, 'signedPreKey' | 'version' | 'hybrid'>,
): Uint8Array {
  const id = encodeUtf8(installationId);
  return crypto.sha256(DEVICE_CONTEXT, ...preKeyPart(id, preKey), ...hybridPart(preKey.hybrid));
}

function preKeyPart(
  id: Uint8Array,
  { signedPreKey, version }: Pick<SignedPreKey, 'signedPreKey' | 'version'>,
): readonly Uint8Array[] {
  return [...withLength(id), ...withLength(signedPreKey), bigEndian(version, 4)];
}

const NOT_OFFERED: HybridPreKey = {
  suites: new Uint8Array(0),
  curve25519PreKey: new Uint8Array(0),
  kemPreKeyHash: new Uint8Array(0),
};

function hybridPart(hybrid: HybridPreKey = NOT_OFFERED): readonly Uint8Array[] {
  const { suites, curve25519PreKey, kemPreKeyHash } = hybrid;
  return [...withLength(suites), ...withLength(curve25519PreKey), ...withLength(kemPreKeyHash)];
}

function withLength(bytes: Uint8Array): readonly [Uint8Array, Uint8Array] {
  return [bigEndian(bytes.length, 4), bytes];
}

function bigEndian(value: number | bigint, length: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value));
  return bytes.subarray(8 - length);
}

/**
 * Makes the bundle of an identity: its devices' signed prekeys, with the signature that deployed peers check and the
 * strict one. Shares no bytes with what is handed in.
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
  const unsigned = {
    identity: Uint8Array.from(identity.publicKey),
    signedPreKeys: new Map(
      Array.from(content.signedPreKeys, ([id, preKey]) => [
        id,
        {
          ...preKey,
          signedPreKey: Uint8Array.from(preKey.signedPreKey),
          ...(preKey.hybrid && { hybrid: copyOffer(preKey.hybrid) }),
        },
      ]),
    ),
    timestamp: content.timestamp,
  };
  const sign = (material: Uint8Array) =>
    crypto.secp256k1.signRecoverable(crypto.keccak256(material), identity.privateKey);
  const bundle: Bundle = {
    ...unsigned,
    signature: sign(bundleSignedMaterial(unsigned)),
    strictSignature: sign(strictSignedMaterial(unsigned)),
  };
  return bundle as VerifiedBundle;
}

function copyOffer({ suites, curve25519PreKey, kemPreKeyHash, kemPreKey }: HybridPreKey): HybridPreKey {
  return {
    suites: Uint8Array.from(suites),
    curve25519PreKey: Uint8Array.from(curve25519PreKey),
    kemPreKeyHash: Uint8Array.from(kemPreKeyHash),
    ...(kemPreKey && { kemPreKey: Uint8Array.from(kemPreKey) }),
  };
}

/**
 * Checks that a bundle was signed by the identity that it names, and its strict signature where it has one; nothing
 * else of it, see `checkBundlePlausibility`.
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
  const check = (material: Uint8Array, signature: Uint8Array) => {
    let signer: PublicKey;
    try {
      signer = crypto.secp256k1.recoverPublicKey(crypto.keccak256(material), signature);
    } catch (cause) {
      throw invalid('malformed signature', cause);
    }
    if (compareBytes(signer, bundle.identity) !== 0) throw invalid('signed by another key');
  };
  check(bundleSignedMaterial(bundle), bundle.signature);
  if (bundle.strictSignature !== undefined) {
    check(strictSignedMaterial(bundle), bundle.strictSignature);
  }
  return bundle as VerifiedBundle;
}
