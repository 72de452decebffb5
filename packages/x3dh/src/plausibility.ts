import {
  compareBytes,
  encodeUtf8,
  isSottoError,
  type PublicKey,
  parseInstallationId,
  SottoError,
} from '@sotto/core';
import type { CryptoProvider } from '@sotto/crypto';
import type { HybridPreKey } from '@sotto/protocol-codec';
import { bundleTimestamp, type VerifiedBundle } from './bundle.js';
import { checkOffer } from './hybrid-offer.js';

/** Options of {@link checkBundlePlausibility}. */
export interface PlausibilityOptions {
  /** The current time, in milliseconds since the epoch. */
  readonly now: number;
  /** How far a peer's clock may be ahead of ours. Default 10 minutes: the drift seen on phones. */
  readonly maxAheadMs?: number | undefined;
  /** Most devices in one bundle. Default 16; honest ones have three at most. */
  readonly maxDevices?: number | undefined;
  /** Whether to accept bundles without a time, as releases before 2019-07 sent them. Default true. */
  readonly acceptUndated?: boolean | undefined;
}

/** A usable device of a bundle. */
export interface BundleDevice {
  /** Installation id, as the bundle lists it. */
  readonly installationId: string;
  /** 33 bytes, compressed SEC1; on the curve. */
  readonly signedPreKey: PublicKey;
  /** Version of the prekey, 0 to 2^31 - 1. */
  readonly version: number;
  /** 0, or 1 and more when the device understands negotiated topics. */
  readonly protocolVersion: number;
  /** Offer of the hybrid suite, attested by a strict signature; its ML-KEM prekey is the one that its hash names. */
  readonly hybrid?: HybridPreKey | undefined;
}

/** The result of {@link checkBundlePlausibility}. */
export interface PlausibleBundle {
  /** The usable devices. */
  readonly devices: readonly BundleDevice[];
  /** Devices left out because their prekey or id is unusable; the others are not affected. */
  readonly unusable: readonly { readonly installationId: string; readonly reason: string }[];
}

const VERSION_LIMIT = 2 ** 31;
/** Before the first release that signed prekeys. */
const EARLIEST_RELEASE_MS = Date.UTC(2019, 0, 1);
const DAY_MS = 24 * 60 * 60_000;
/** Deployed peers replace a prekey once a day; a device that heals a lost session, once an hour at most. */
const MOST_ROTATIONS_PER_DAY = 24;
/** What an unsigned protocol version can say at most: 1, negotiated topics. */
const MOST_UNSIGNED_PROTOCOL_VERSION = 1;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
/** Nanoseconds since the epoch have 19 digits from 2001 to 2286. */
const EARLIEST = 10n ** 18n;

/**
 * Refuses bundles that no honest peer signs, above all those made from a signed text by moving characters across
 * its missing delimiters. The text under a strict signature has delimiters: there only sizes and times are checked.
 *
 * @throws BUNDLE_IMPLAUSIBLE
 */
export function checkBundlePlausibility(
  crypto: CryptoProvider,
  bundle: VerifiedBundle,
  options: PlausibilityOptions,
): PlausibleBundle {
  const { now, maxAheadMs = 10 * 60_000, maxDevices = 16, acceptUndated = true } = options;
  const implausible = (reason: string) =>
    new SottoError('BUNDLE_IMPLAUSIBLE', `No honest peer publishes such a bundle: ${reason}.`, { reason });

  if (bundle.timestamp === 0n) {
    if (!acceptUndated) throw implausible('it has no timestamp');
  } else if (bundle.timestamp < EARLIEST) {
    throw implausible('its timestamp is not in nanoseconds since the epoch');
  } else if (bundle.timestamp > bundleTimestamp(now + maxAheadMs)) {
    throw implausible('its timestamp is in the future');
  }
  if (bundle.signedPreKeys.size > maxDevices) throw implausible(`more than ${maxDevices} devices`);

  const strict = bundle.strictSignature !== undefined;
  const problem = strict ? undefined : movedAcrossBorder(bundle, now);
  if (problem !== undefined) throw implausible(problem);

  const devices: BundleDevice[] = [];
  const unusable: { installationId: string; reason: string }[] = [];
  for (const [installationId, preKey] of bundle.signedPreKeys) {
    if (preKey.signedPreKey.length !== 33) throw implausible('a prekey that does not have 33 bytes');
    if (preKey.version >= VERSION_LIMIT) throw implausible('a prekey version of 2^31 or more');
    const hybrid = strict && preKey.hybrid ? checkOffer(crypto, preKey.hybrid) : undefined;
    if (hybrid === 'malformed') throw implausible('an offer whose keys do not have 32 bytes');
    try {
      devices.push({
        installationId: parseInstallationId(installationId),
        signedPreKey: crypto.secp256k1.parsePublicKey(preKey.signedPreKey),
        version: preKey.version,
        protocolVersion: strict
          ? preKey.protocolVersion
          : Math.min(preKey.protocolVersion, MOST_UNSIGNED_PROTOCOL_VERSION),
        ...(hybrid && { hybrid }),
      });
    } catch (error) {
      if (!isSottoError(error)) throw error;
      unusable.push({ installationId, reason: error.code });
    }
  }
  return { devices, unusable };
}

/**
 * Signs that bytes were moved between id, prekey, version and time: ids with control characters, which is what the first
 * byte of a prekey is; prekeys that don't begin as a compressed point; versions that no one can have reached by then;
 * ids that are a UUID but for digits of the version before them.
 */
function movedAcrossBorder(bundle: VerifiedBundle, now: number): string | undefined {
  const madeAt = bundle.timestamp === 0n ? now : Number(bundle.timestamp / 1_000_000n);
  const days = Math.max(0, madeAt - EARLIEST_RELEASE_MS) / DAY_MS;
  const mostVersion = 1 + Math.ceil(days * MOST_ROTATIONS_PER_DAY);
  const sorted = [...bundle.signedPreKeys]
    .map(([id, preKey]) => ({ id, bytes: encodeUtf8(id), preKey }))
    .sort((a, b) => compareBytes(a.bytes, b.bytes));
  let digitsBefore = '';
  for (const { id, preKey } of sorted) {
    if (/\p{Control}/u.test(id)) return 'an installation id with control characters';
    const [prefix] = preKey.signedPreKey;
    if (prefix !== 2 && prefix !== 3) return 'a prekey that is not a compressed point';
    if (preKey.version > mostVersion) return 'a prekey version that could not be reached by its time';
    const leadingDigits = id.length - id.replace(/^\d+/, '').length;
    for (let moved = 1; moved <= leadingDigits; moved++) {
      if (UUID.test(id.slice(moved))) return 'digits before an installation id';
    }
    for (let moved = 1; moved < digitsBefore.length; moved++) {
      if (UUID.test(digitsBefore.slice(-moved) + id)) return 'digits missing from an installation id';
    }
    digitsBefore = preKey.version.toString();
  }
  return undefined;
}
