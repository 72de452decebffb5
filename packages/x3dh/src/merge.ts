import { compareBytes } from '@sotto/core';
import type { HybridPreKey } from '@sotto/protocol-codec';
import { isLowered, isSameOffer, offersHybrid } from './hybrid-offer.js';
import type { BundleDevice } from './plausibility.js';

/** What is known of one device of an identity. */
export interface KnownDevice extends BundleDevice {
  /** `Bundle.timestamp` of the newest bundle that lists the device as it is; nanoseconds since the epoch, 0 when undated. */
  readonly timestamp: bigint;
  /** Timestamp of the bundle from which the prekey is known, or in which the device itself last confirmed it; nanoseconds. */
  readonly attestedAt: bigint;
  /** Whether the device itself sent a bundle with this prekey. */
  readonly selfAttested: boolean;
  /** Whether the device once restarted with a lower version: what others list for it may be outdated. */
  readonly reset: boolean;
  /** Whether the device is known to make strict signatures: bundles without one no longer count for it. */
  readonly strict: boolean;
}

/** The result of {@link mergeBundle}. */
export interface BundleMerge {
  /** All known devices after the merge, by installation id. */
  readonly devices: ReadonlyMap<string, KnownDevice>;
  /** Installation ids seen for the first time. */
  readonly added: readonly string[];
  /** Installation ids that have a new prekey. */
  readonly rotated: readonly string[];
  /** Installation ids for which something newer was known: unchanged. */
  readonly stale: readonly string[];
  /** Installation ids of devices that themselves no longer offer the hybrid suite. Tell the user. */
  readonly lowered: readonly string[];
}

/**
 * Merges a bundle into what is known of an identity's devices. Monotone per installation: a lower version never replaces
 * a higher one, and at the same version an older bundle never replaces a newer one. A device that a bundle doesn't name
 * stays as it was. Pure.
 *
 * A device that lost its store restarts at version 1, while its siblings still list its previous prekey. So a device's own
 * bundles take precedence: a newer one counts even with a lower version, and its siblings' bundles can't replace a prekey
 * that it named itself.
 *
 * Once a device is known from a bundle with a strict signature, a bundle without one no longer counts for it:
 * an attacker may have removed that signature and moved bytes across borders that the other signature doesn't protect. This
 * holds for a device that made such a bundle itself, or may have; a device listed by a sibling may not make strict ones.
 *
 * Nor does a bundle that lists a device without the hybrid suite, or without sealed messages in it, count once the device is known to
 * offer that: siblings that don't know the suite list it so, and whoever forwards an older bundle would talk us down. Only the device
 * itself can withdraw its offer.
 *
 * @param bundle devices and timestamp of a verified and plausible bundle, and whether it had a strict
 *   signature
 * @param attestedBy installation id of the device that sent the bundle; none when that is not known, as with a contact code
 */
export function mergeBundle(
  known: ReadonlyMap<string, KnownDevice>,
  bundle: {
    readonly devices: readonly BundleDevice[];
    readonly timestamp: bigint;
    readonly strict?: boolean | undefined;
  },
  attestedBy?: string,
): BundleMerge {
  const devices = new Map(known);
  const added: string[] = [];
  const rotated: string[] = [];
  const stale: string[] = [];
  const lowered: string[] = [];
  const { timestamp, strict = false } = bundle;
  for (const device of bundle.devices) {
    const { installationId } = device;
    const speaker =
      attestedBy === undefined ? 'unknown' : installationId === attestedBy ? 'itself' : 'sibling';
    const own = speaker === 'itself';
    const before = known.get(installationId);
    const update = { ...device, timestamp, attestedAt: timestamp, selfAttested: own, reset: false };
    if (before === undefined) {
      added.push(installationId);
      devices.set(installationId, { ...update, strict: strict && speaker !== 'sibling' });
      continue;
    }
    // Whoever forwards a contact code can remove its strict signature, but not from a message of the device. If the device has
    // sent none so far, the contact code came from a sibling.
    const isSiblings = own && !before.selfAttested && known.size > 1;
    if (before.strict && !strict && !isSiblings) {
      stale.push(installationId);
      continue;
    }
    const isLower = offersHybrid(before.hybrid) && !offersHybrid(device.hybrid);
    if (isLowered(before.hybrid, device.hybrid) && !own) {
      stale.push(installationId);
      continue;
    }
    const makesStrict = own
      ? strict
      : before.strict || (strict && speaker === 'unknown' && !before.selfAttested);
    // The protocol version known so far may have been tampered with.
    const corrects = makesStrict && !before.strict && timestamp >= before.timestamp;
    const newer = timestamp > before.timestamp;
    const latest = newer ? timestamp : before.timestamp;
    if (device.version === before.version && compareBytes(device.signedPreKey, before.signedPreKey) === 0) {
      const confirmed = own && timestamp >= before.attestedAt;
      const offer = newerOffer(before.hybrid, device.hybrid, newer || corrects);
      if (newer || corrects || offer !== before.hybrid || (confirmed && !before.selfAttested)) {
        if (isLower && offer === undefined) lowered.push(installationId);
        devices.set(installationId, {
          ...before,
          protocolVersion: newer || corrects ? device.protocolVersion : before.protocolVersion,
          hybrid: offer,
          strict: makesStrict,
          timestamp: latest,
          ...(confirmed && { attestedAt: timestamp, selfAttested: true }),
        });
      } else if (timestamp < before.timestamp) {
        stale.push(installationId);
      }
    } else if (replaces(device, timestamp, speaker, before)) {
      rotated.push(installationId);
      if (isLower) lowered.push(installationId);
      const reset = before.reset || device.version <= before.version;
      devices.set(installationId, {
        ...update,
        hybrid: device.hybrid,
        timestamp: latest,
        reset: own && reset,
        strict: makesStrict,
      });
    } else {
      stale.push(installationId);
    }
  }
  return { devices, added, rotated, stale, lowered };
}

/**
 * The offer of a device whose prekey is unchanged. An ML-KEM prekey is always added where it was missing: the known hash
 * names it.
 */
function newerOffer(
  known: HybridPreKey | undefined,
  shown: HybridPreKey | undefined,
  isNewer: boolean,
): HybridPreKey | undefined {
  if (known === undefined || shown === undefined || !isSameOffer(known, shown)) {
    return isNewer ? shown : known;
  }
  return known.kemPreKey === undefined && shown.kemPreKey !== undefined ? shown : known;
}

/** Whether a prekey replaces the known one, by who sent the bundle. */
function replaces(
  device: BundleDevice,
  timestamp: bigint,
  speaker: 'itself' | 'sibling' | 'unknown',
  before: KnownDevice,
): boolean {
  const own = speaker === 'itself';
  if (speaker === 'sibling' && before.selfAttested) return false;
  // A bundle from before the device restarted may arrive late, or be replayed.
  if (device.version > before.version) return !before.reset || (own && timestamp > before.attestedAt);
  if (compareBytes(device.signedPreKey, before.signedPreKey) === 0) return false;
  // Of two bundles of the same time the device's own counts, in whichever order they arrive.
  if (timestamp === before.attestedAt) return own && !before.selfAttested;
  if (timestamp < before.attestedAt) return false;
  return own || (device.version === before.version && !before.selfAttested);
}
