import { compareBytes } from '@sotto/core';
import type { BundleDevice } from './plausibility.js';

/** What is known of one device of an identity. */
export interface KnownDevice extends BundleDevice {
  /** `Bundle.timestamp` of the newest bundle that named the device as it is; ns since the epoch, 0 when undated. */
  readonly timestamp: bigint;
  /** Time of the bundle from which the prekey is known, or in which the device itself last confirmed it. */
  readonly attestedAt: bigint;
  /** The device itself named this prekey. */
  readonly selfAttested: boolean;
  /** The device once began again with a lower version: what others still say of it may be from before. */
  readonly reset: boolean;
  /** It makes strict signatures, as far as we know: no bundle without one is believed about it any more. */
  readonly strict: boolean;
}

/** What a bundle changes. */
export interface BundleMerge {
  /** All devices known afterwards, by installation id. */
  readonly devices: ReadonlyMap<string, KnownDevice>;
  /** Installation ids seen for the first time. */
  readonly added: readonly string[];
  /** Installation ids that have a new prekey. */
  readonly rotated: readonly string[];
  /** Installation ids of which something newer was known already: nothing changed there. */
  readonly stale: readonly string[];
}

/**
 * Lays a bundle over what is known of an identity's devices. Monotone per installation: a lower version never replaces
 * a higher one, and at the same version an older bundle never replaces a newer one. A device that a bundle doesn't name
 * stays as it was. Pure.
 *
 * A device that lost its store begins again at version 1 while its siblings go on listing what it had before. So what a
 * device says of itself counts for more: it is believed in a newer bundle even with a lower version, and its siblings
 * are not believed about a prekey that it named itself.
 *
 * Once a device is known from a bundle with a strict signature, a bundle without one says nothing of it: somebody may
 * have removed that signature and moved bytes across borders that the other one doesn't see. That is so for a device that
 * made such a bundle itself, or may have: what a sibling lists may be a device that makes none.
 *
 * @param bundle devices and time of a bundle that was verified and found plausible, and whether it had a strict
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
    // Whoever passes a contact code on can remove a strict signature, but not from what a device has sent itself. If it had
    // not spoken so far, the contact code was that of a sibling.
    const isSiblings = own && !before.selfAttested && known.size > 1;
    if (before.strict && !strict && !isSiblings) {
      stale.push(installationId);
      continue;
    }
    const makesStrict = own
      ? strict
      : before.strict || (strict && speaker === 'unknown' && !before.selfAttested);
    // What was known of the protocol version until now may have been changed on its way.
    const corrects = makesStrict && !before.strict && timestamp >= before.timestamp;
    const newer = timestamp > before.timestamp;
    const latest = newer ? timestamp : before.timestamp;
    if (device.version === before.version && compareBytes(device.signedPreKey, before.signedPreKey) === 0) {
      const confirmed = own && timestamp >= before.attestedAt;
      if (newer || corrects || (confirmed && !before.selfAttested)) {
        devices.set(installationId, {
          ...before,
          protocolVersion: newer || corrects ? device.protocolVersion : before.protocolVersion,
          strict: makesStrict,
          timestamp: latest,
          ...(confirmed && { attestedAt: timestamp, selfAttested: true }),
        });
      } else if (timestamp < before.timestamp) {
        stale.push(installationId);
      }
    } else if (replaces(device, timestamp, speaker, before)) {
      rotated.push(installationId);
      const reset = before.reset || device.version <= before.version;
      devices.set(installationId, {
        ...update,
        timestamp: latest,
        reset: own && reset,
        strict: makesStrict,
      });
    } else {
      stale.push(installationId);
    }
  }
  return { devices, added, rotated, stale };
}

/** Whether another prekey than the one known is believed, by who says so. */
function replaces(
  device: BundleDevice,
  timestamp: bigint,
  speaker: 'itself' | 'sibling' | 'unknown',
  before: KnownDevice,
): boolean {
  const own = speaker === 'itself';
  if (speaker === 'sibling' && before.selfAttested) return false;
  // What a device said before it began again may come late, or be passed on again by somebody else.
  if (device.version > before.version) return !before.reset || (own && timestamp > before.attestedAt);
  if (timestamp <= before.attestedAt || compareBytes(device.signedPreKey, before.signedPreKey) === 0)
    return false;
  return own || (device.version === before.version && !before.selfAttested);
}
