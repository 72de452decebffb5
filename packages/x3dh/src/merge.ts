import { compareBytes } from '@sotto/core';
import type { BundleDevice } from './plausibility.js';

/** What is known of one device of an identity. */
export interface KnownDevice extends BundleDevice {
  /** `Bundle.timestamp` of the newest bundle that named the device as it is; ns since the epoch, 0 when undated. */
  readonly timestamp: bigint;
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
 * Lays a bundle over what is known of an identity's devices. Monotone per installation: a lower version never
 * replaces a higher one, and at the same version an older bundle never replaces a newer one. A device that a
 * bundle doesn't name stays as it was. Pure.
 *
 * @param bundle devices and time of a bundle that was verified and found plausible
 * @param ownWord installation id of the device that sent the bundle, when that is certain: what a device says of
 *   itself is believed in a newer bundle even with a lower version, since one that lost its store begins again at 1
 */
export function mergeBundle(
  known: ReadonlyMap<string, KnownDevice>,
  bundle: { readonly devices: readonly BundleDevice[]; readonly timestamp: bigint },
  ownWord?: string,
): BundleMerge {
  const devices = new Map(known);
  const added: string[] = [];
  const rotated: string[] = [];
  const stale: string[] = [];
  for (const device of bundle.devices) {
    const { installationId } = device;
    const before = known.get(installationId);
    const update = { ...device, timestamp: bundle.timestamp };
    if (before === undefined) {
      added.push(installationId);
      devices.set(installationId, update);
      continue;
    }
    const newer = bundle.timestamp > before.timestamp;
    const sameKey = compareBytes(device.signedPreKey, before.signedPreKey) === 0;
    const restarted = newer && (device.version === before.version || installationId === ownWord);
    if (device.version > before.version || (restarted && !sameKey)) {
      rotated.push(installationId);
      devices.set(installationId, newer ? update : { ...update, timestamp: before.timestamp });
    } else if (newer && sameKey && device.version === before.version) {
      devices.set(installationId, update);
    } else if (!sameKey || device.version !== before.version || bundle.timestamp < before.timestamp) {
      stale.push(installationId);
    }
  }
  return { devices, added, rotated, stale };
}
