import { copyBytes, parseBytes } from '@sotto/core';
import { checkWire } from './check-wire.js';
import { checkLimit, type DecodeOptions, limitsOf } from './decode-limits.js';
import {
  Bundle as WireBundle,
  type HybridPreKey as WireHybrid,
} from './generated/sotto/secure_transport/v1/bundle.js';
import { checkInt64, checkUint32 } from './integers.js';
import { sortByKey } from './sorted-map.js';
import { BUNDLE } from './wire-shapes.js';

/**
 * What a device offers beyond the deployed protocol (wire profile, section 10). Only bundles with a strict signature attest
 * to it.
 */
export interface HybridPreKey {
  /** Numbers of the suites that the device speaks besides the deployed one, a byte each, ascending. */
  readonly suites: Uint8Array;
  /** Curve25519 prekey: 32 bytes, from an honest peer. */
  readonly curve25519PreKey: Uint8Array;
  /** SHA-256 of the ML-KEM-768 prekey: 32 bytes, from an honest peer. */
  readonly kemPreKeyHash: Uint8Array;
  /** ML-KEM-768 prekey: 1184 bytes, from an honest peer; left out for those who have it. */
  readonly kemPreKey?: Uint8Array | undefined;
}

/** One device's prekey, as a bundle lists it. */
export interface SignedPreKey {
  /** Public prekey: 33 bytes, compressed SEC1, from an honest peer. */
  readonly signedPreKey: Uint8Array;
  /** A uint32. Begins at 1 and grows by 1 with each new prekey of the device. */
  readonly version: number;
  /** A uint32. 1 means that the device understands negotiated topics. Not signed. */
  readonly protocolVersion: number;
  /** What the device offers beyond the deployed protocol; absent from deployed peers. */
  readonly hybrid?: HybridPreKey | undefined;
}

/**
 * X3DH prekey bundle (wire profile, section 2). Decoding checks only its structure: lengths of
 * keys, signature, time and versions are checked when a bundle is verified.
 */
export interface Bundle {
  /** Public identity key: 33 bytes, compressed SEC1, from an honest peer. */
  readonly identity: Uint8Array;
  /** Prekeys by installation id, in the order in which they were received. */
  readonly signedPreKeys: ReadonlyMap<string, SignedPreKey>;
  /** 65 bytes `r || s || v` from an honest peer. */
  readonly signature: Uint8Array;
  /** Nanoseconds since the epoch, an int64; 0 from old peers. */
  readonly timestamp: bigint;
  /** 65 bytes `r || s || v` over an unambiguous encoding; absent from deployed peers. Wire profile, section 2. */
  readonly strictSignature?: Uint8Array | undefined;
}

/**
 * The Bundle message, fresh. The encoding is deterministic: prekeys are in the byte order of their
 * installation ids.
 * @throws INVALID_ARGUMENT when a version is not a uint32 or the timestamp not an int64
 * @throws INVALID_TEXT when an installation id has a lone surrogate
 */
export function encodeBundle(bundle: Bundle): Uint8Array {
  return WireBundle.encode(bundleToWire(bundle)).finish();
}

/**
 * Reads a Bundle message. `bytes` are borrowed, the bundle shares nothing with them.
 * @throws MALFORMED_MESSAGE, LIMIT_EXCEEDED, INVALID_ARGUMENT
 */
export function decodeBundle(bytes: Uint8Array, options?: DecodeOptions): Bundle {
  const limits = limitsOf(options);
  checkLimit('Bundle, bytes', parseBytes(bytes, 'Bundle').length, limits.maxBundleBytes);
  // A copy in our own realm and memory, which the TextDecoder of some engines requires.
  const own = copyBytes(bytes);
  checkWire(own, BUNDLE, limits);
  return bundleFromWire(WireBundle.decode(own));
}

export function bundleToWire(bundle: Bundle): WireBundle {
  const signedPreKeys = sortByKey(
    bundle.signedPreKeys,
    ({ signedPreKey, version, protocolVersion, hybrid }) => ({
      signedPreKey,
      version: checkUint32('version of a signed prekey', version),
      protocolVersion: checkUint32('protocol version of a device', protocolVersion),
      hybrid: hybrid && { ...hybrid, kemPreKey: hybrid.kemPreKey ?? new Uint8Array(0) },
    }),
  );
  return {
    identity: bundle.identity,
    signedPreKeys,
    signature: bundle.signature,
    timestamp: checkInt64('timestamp of a bundle', bundle.timestamp),
    strictSignature: bundle.strictSignature ?? new Uint8Array(0),
  };
}

/** Copies, since the generated decoder returns views of its input. */
export function bundleFromWire(wire: WireBundle): Bundle {
  const signedPreKeys = new Map<string, SignedPreKey>();
  for (const [installationId, { signedPreKey, version, protocolVersion, hybrid }] of wire.signedPreKeys) {
    signedPreKeys.set(installationId, {
      signedPreKey: new Uint8Array(signedPreKey),
      version,
      protocolVersion,
      ...(hybrid && { hybrid: hybridFromWire(hybrid) }),
    });
  }
  return {
    identity: new Uint8Array(wire.identity),
    signedPreKeys,
    signature: new Uint8Array(wire.signature),
    timestamp: wire.timestamp,
    ...(wire.strictSignature.length > 0 && { strictSignature: new Uint8Array(wire.strictSignature) }),
  };
}

function hybridFromWire({ suites, curve25519PreKey, kemPreKeyHash, kemPreKey }: WireHybrid): HybridPreKey {
  return {
    suites: new Uint8Array(suites),
    curve25519PreKey: new Uint8Array(curve25519PreKey),
    kemPreKeyHash: new Uint8Array(kemPreKeyHash),
    ...(kemPreKey.length > 0 && { kemPreKey: new Uint8Array(kemPreKey) }),
  };
}

/**
 * A bundle without the ML-KEM prekeys, for those who have them and for places with little room: its signatures cover
 * their hashes, so it stays valid.
 */
export function withoutKemPreKeys<B extends Bundle>(bundle: B): B {
  const signedPreKeys = new Map(
    Array.from(bundle.signedPreKeys, ([id, { hybrid, ...preKey }]) => [
      id,
      { ...preKey, ...(hybrid && { hybrid: { ...hybrid, kemPreKey: undefined } }) },
    ]),
  );
  return { ...bundle, signedPreKeys };
}
