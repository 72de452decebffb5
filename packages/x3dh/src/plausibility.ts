import { isSottoError, type PublicKey, parseInstallationId, SottoError } from '@sotto/core';
import type { CryptoProvider } from '@sotto/crypto';
import { bundleTimestamp, type VerifiedBundle } from './bundle.js';

/** What is asked of a bundle beyond its signature. */
export interface PlausibilityOptions {
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** How far a peer's clock may be ahead of ours. Default 10 minutes: the drift seen on phones. */
  readonly maxAheadMs?: number;
  /** Most devices in one bundle. Default 16; honest ones have three at most. */
  readonly maxDevices?: number;
  /** Whether bundles without a time, as releases before 2019-07 sent them, are taken. Default true. */
  readonly acceptUndated?: boolean;
}

/** One device of a bundle that can be talked to. */
export interface BundleDevice {
  readonly installationId: string;
  /** 33 bytes, on the curve. */
  readonly signedPreKey: PublicKey;
  /** 0 to 2^31 - 1. */
  readonly version: number;
  /** 1 or more: understands negotiated topics. */
  readonly protocolVersion: number;
}

/** What {@link checkBundlePlausibility} found. */
export interface PlausibleBundle {
  readonly devices: readonly BundleDevice[];
  /** Devices left out because their prekey or id is unusable; they don't spoil the others. */
  readonly unusable: readonly { readonly installationId: string; readonly reason: string }[];
}

const VERSION_LIMIT = 2 ** 31;
/** Nanoseconds since the epoch have 19 digits from 2001 to 2286. */
const EARLIEST = 10n ** 18n;

/**
 * Refuses what no honest peer signs, above all what could be made of a signed text by moving characters across
 * its missing delimiters. Hostile cases, "Bundles".
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
    if (!acceptUndated) throw implausible('it has no time');
  } else if (bundle.timestamp < EARLIEST) {
    throw implausible('its time is not in nanoseconds since the epoch');
  } else if (bundle.timestamp > bundleTimestamp(now + maxAheadMs)) {
    throw implausible('its time lies in the future');
  }
  if (bundle.signedPreKeys.size > maxDevices) throw implausible(`more than ${maxDevices} devices`);

  const devices: BundleDevice[] = [];
  const unusable: { installationId: string; reason: string }[] = [];
  for (const [installationId, preKey] of bundle.signedPreKeys) {
    if (preKey.signedPreKey.length !== 33) throw implausible('a prekey that has not 33 bytes');
    if (preKey.version >= VERSION_LIMIT) throw implausible('a prekey version of 2^31 or more');
    try {
      devices.push({
        installationId: parseInstallationId(installationId),
        signedPreKey: crypto.secp256k1.parsePublicKey(preKey.signedPreKey),
        version: preKey.version,
        protocolVersion: preKey.protocolVersion,
      });
    } catch (error) {
      if (!isSottoError(error)) throw error;
      unusable.push({ installationId, reason: error.code });
    }
  }
  return { devices, unusable };
}
