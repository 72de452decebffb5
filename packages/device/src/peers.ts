import { compareBytes, encodeHex, LruCache, type PublicKey } from '@sotto/core';
import type { Bundle, HybridPreKey } from '@sotto/protocol-codec';
import {
  type BundleMerge,
  checkBundlePlausibility,
  type KnownDevice,
  mergeBundle,
  type VerifiedBundle,
  verifyBundle,
} from '@sotto/x3dh';
import type { DeviceContext } from './context.js';
import { deleteSession } from './sessions.js';
import type { PeerDevice, PeerRecord } from './storage/records.js';
import { peerTable } from './storage/tables.js';
import type { ReadTransaction, Transaction } from './storage/transaction.js';
import { offerOf, storedOffer } from './stored-offer.js';

/** What is known of an identity; an empty record when nothing is. */
export async function getPeer(tx: ReadTransaction, identity: Uint8Array): Promise<PeerRecord> {
  return (
    (await tx.get(peerTable, encodeHex(identity))) ?? {
      devices: [],
      answeredAt: 0n,
      verified: false,
      standing: 'stranger',
      requestMessages: 0,
      requestBytes: 0n,
      requestedAt: 0n,
    }
  );
}

export function putPeer(tx: Transaction, identity: Uint8Array, peer: PeerRecord): void {
  tx.put(peerTable, peer, encodeHex(identity));
}

/** Deletes an identity with its devices and sessions. */
export async function deletePeer(tx: Transaction, identity: Uint8Array): Promise<void> {
  const { devices } = await getPeer(tx, identity);
  for (const { sessions } of devices) for (const { id } of sessions) await deleteSession(tx, id);
  tx.delete(peerTable, encodeHex(identity));
}

/** The record with one device replaced, or added. */
export function withDevice(peer: PeerRecord, device: PeerDevice): PeerRecord {
  const others = peer.devices.filter(({ installationId }) => installationId !== device.installationId);
  return { ...peer, devices: [...others, device] };
}

export function findDevice(peer: PeerRecord, installationId: string): PeerDevice | undefined {
  return peer.devices.find((device) => device.installationId === installationId);
}

/** A device of which nothing is known but its name. */
export function newPeerDevice(installationId: string, enabled: boolean): PeerDevice {
  return {
    installationId,
    signedPreKey: new Uint8Array(0),
    version: 0,
    protocolVersion: 0,
    timestamp: 0n,
    enabled,
    hasReplied: false,
    sessions: [],
    name: '',
    metadata: new Map(),
    attestedAt: 0n,
    selfAttested: false,
    reset: false,
    strict: false,
    hybrid: undefined,
    knownVersion: 0,
  };
}

/**
 * Resets a device that lost its store: it has none of our sessions, and doesn't subscribe to topics negotiated before.
 */
export function withoutSessions(device: PeerDevice): PeerDevice {
  return {
    ...device,
    hasReplied: false,
    knownVersion: 0,
    sessions: device.sessions.map((session) => ({ ...session, lost: true })),
  };
}

/** Most recently active first; ties by byte order of the id, so that the order is stable. */
function byActivity(a: PeerDevice, b: PeerDevice): number {
  if (a.timestamp !== b.timestamp) return a.timestamp > b.timestamp ? -1 : 1;
  return a.installationId < b.installationId ? -1 : 1;
}

/** The devices of an identity to which messages are sent: enabled, usable, the most recently active. */
export function activeDevices(peer: PeerRecord, most: number): readonly PeerDevice[] {
  return peer.devices
    .filter(
      ({ enabled, signedPreKey, sessions }) => enabled && (signedPreKey.length > 0 || sessions.length > 0),
    )
    .toSorted(byActivity)
    .slice(0, most);
}

/**
 * Recent bundles: one that is repeated with every message is verified and merged only once.
 */
export class BundleCache {
  readonly #verified = new LruCache<string, VerifiedBundle>(512);
  /** By record, the bundle that changed nothing in it, and its sender. Records are immutable. */
  readonly #merged = new WeakMap<
    PeerRecord,
    readonly [bundle: VerifiedBundle, attestedBy?: string | undefined]
  >();

  /** Verifies a bundle, or returns an equal one that was verified before. @throws BUNDLE_SIGNATURE_INVALID */
  verify({ crypto }: Pick<DeviceContext, 'crypto'>, bundle: Bundle): VerifiedBundle {
    return this.#verified.getOrCreate(fingerprint(bundle), () => verifyBundle(crypto, bundle));
  }

  /**
   * Merges a verified bundle into what is known of its identity.
   *
   * @param attestedBy installation id of the device that sent the bundle itself, see `mergeBundle`
   * @throws BUNDLE_IMPLAUSIBLE
   */
  async apply(
    tx: Transaction,
    context: DeviceContext,
    bundle: VerifiedBundle,
    attestedBy?: string,
  ): Promise<BundleNews> {
    const peer = await getPeer(tx, bundle.identity);
    const [merged, by] = this.#merged.get(peer) ?? [];
    if (merged === bundle && by === attestedBy) return NO_NEWS;
    const { next, news } = await mergeInto(tx, context, peer, bundle, attestedBy);
    if (next === peer) this.#merged.set(peer, [bundle, attestedBy]);
    else putPeer(tx, bundle.identity, next);
    return news;
  }
}

/** The content of a bundle as an unambiguous string. */
function fingerprint({ identity, signedPreKeys, timestamp, signature, strictSignature }: Bundle): string {
  const strict = strictSignature === undefined ? '' : encodeHex(strictSignature);
  let text = `${encodeHex(identity)} ${timestamp} ${encodeHex(signature)} ${strict}`;
  for (const [id, { signedPreKey, version, protocolVersion, hybrid }] of signedPreKeys) {
    text += ` ${id.length}:${id} ${encodeHex(signedPreKey)} ${version} ${protocolVersion}`;
    if (hybrid !== undefined) text += ` ${offerFingerprint(hybrid)}`;
  }
  return text;
}

function offerFingerprint({ suites, curve25519PreKey, kemPreKeyHash, kemPreKey }: HybridPreKey): string {
  return [suites, curve25519PreKey, kemPreKeyHash, kemPreKey ?? new Uint8Array(0)].map(encodeHex).join('/');
}

/** What a bundle changed. */
export interface BundleNews extends Pick<BundleMerge, 'added' | 'rotated' | 'lowered'> {
  /** Installation ids of devices that lost their store and started over. */
  readonly reset: readonly string[];
  /** Whether no device of the identity was known before. */
  readonly firstContact: boolean;
}

export const NO_NEWS: BundleNews = { added: [], rotated: [], lowered: [], reset: [], firstContact: false };

/** A record with a bundle merged into it; the same record when nothing in it changes. */
async function mergeInto(
  tx: Transaction,
  context: DeviceContext,
  peer: PeerRecord,
  bundle: VerifiedBundle,
  attestedBy: string | undefined,
): Promise<{ readonly next: PeerRecord; readonly news: BundleNews }> {
  const { crypto, clock, limits, identity, installationId: ownInstallation } = context;
  const { devices } = checkBundlePlausibility(crypto, bundle, {
    now: clock.now(),
    maxAheadMs: limits.maxClockAheadMs,
    acceptUndated: limits.acceptUndatedBundles,
  });
  const isOwn = compareBytes(bundle.identity, identity.publicKey) === 0;
  const known = new Map(
    peer.devices
      .filter(({ signedPreKey }) => signedPreKey.length > 0)
      .map((device): [string, KnownDevice] => [device.installationId, toKnownDevice(device)]),
  );
  const merge = mergeBundle(
    known,
    {
      // No bundle changes the record of this device itself.
      devices: isOwn ? devices.filter(({ installationId }) => installationId !== ownInstallation) : devices,
      timestamp: bundle.timestamp,
      strict: bundle.strictSignature !== undefined,
    },
    attestedBy,
  );
  const reset: string[] = [];
  let next = peer;
  for (const update of merge.devices.values()) {
    if (known.get(update.installationId) === update) continue;
    // Devices of peers are enabled when seen; our own wait for the user.
    const before = findDevice(peer, update.installationId) ?? newPeerDevice(update.installationId, !isOwn);
    const { installationId } = update;
    const changed: PeerDevice = { ...before, ...update, hybrid: update.hybrid && storedOffer(update.hybrid) };
    const beganAgain = merge.rotated.includes(installationId) && update.version <= before.version;
    if (beganAgain) reset.push(installationId);
    next = withDevice(next, beganAgain ? withoutSessions(changed) : changed);
  }
  return {
    next: next === peer ? peer : await withinBounds(tx, next, context),
    news: {
      added: merge.added,
      rotated: merge.rotated,
      lowered: merge.lowered,
      reset,
      firstContact: peer.devices.length === 0 && merge.added.length > 0,
    },
  };
}

/** A device as X3DH merges bundles into it; it has a prekey. */
function toKnownDevice(device: PeerDevice): KnownDevice {
  return {
    ...device,
    signedPreKey: device.signedPreKey as PublicKey,
    hybrid: device.hybrid && offerOf(device.hybrid),
  };
}

/**
 * Bounds the devices and sessions remembered of an identity. Drops the least recently active devices first; of those without
 * a dated bundle, the ones that never wrote.
 */
export async function withinBounds(
  tx: Transaction,
  peer: PeerRecord,
  { limits }: DeviceContext,
): Promise<PeerRecord> {
  let { devices } = peer;
  if (devices.length > limits.maxKnownDevices) {
    const kept = devices.toSorted(byImportance).slice(0, limits.maxKnownDevices);
    for (const { sessions } of devices.filter((device) => !kept.includes(device))) {
      for (const { id } of sessions) await deleteSession(tx, id);
    }
    devices = kept;
  }
  let excess =
    devices.reduce((sum, { sessions }) => sum + sessions.length, 0) - limits.maxSessionsPerIdentity;
  // The last session of each device stays: it is the one in use.
  for (const device of devices.toSorted(byImportance).toReversed()) {
    if (excess <= 0) break;
    const gone = device.sessions.slice(0, Math.min(excess, device.sessions.length - 1));
    for (const { id } of gone) await deleteSession(tx, id);
    excess -= gone.length;
    const fewer = { ...device, sessions: device.sessions.slice(gone.length) };
    devices = devices.map((other) => (other === device ? fewer : other));
  }
  return devices === peer.devices ? peer : { ...peer, devices };
}

/** A device that has just appeared counts as recent; of those without a dated bundle, those that wrote come first. */
function byImportance(a: PeerDevice, b: PeerDevice): number {
  if (a.timestamp === b.timestamp && a.hasReplied !== b.hasReplied) return a.hasReplied ? -1 : 1;
  return byActivity(a, b);
}
