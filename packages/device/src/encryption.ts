import {
  compareBytes,
  isSottoError,
  NO_INSTALLATION,
  type PublicKey,
  type SharedKey,
  SottoError,
} from '@sotto/core';
import { type DirectMessage, encodeProtocolMessage, withoutKemPreKeys } from '@sotto/protocol-codec';
import { sealDhFallback, type VerifiedBundle } from '@sotto/x3dh';
import type { DeviceContext } from './context.js';
import { activeDevices, getPeer, putPeer, withDevice, withinBounds } from './peers.js';
import {
  addSession,
  beginSession,
  deleteSession,
  encryptInSession,
  type OwnState,
  sessionForSending,
} from './sessions.js';
import type { PeerDevice } from './storage/records.js';
import type { Transaction } from './storage/transaction.js';
import { raiseStanding } from './strangers.js';
import { loadSession, type Session } from './suites/session.js';

/**
 * How a message to one device was protected: `pq` in a session of the hybrid suite, `dr` in one of the deployed suite, `x3dh+dr`
 * in such a one that the peer has not answered yet, `dh` without one, to the identity key: no forward secrecy.
 */
export type SendProtection = 'pq' | 'dr' | 'x3dh+dr' | 'dh';

/** The result of encrypting for one device. */
export type DeviceOutcome =
  | { readonly installationId: string; readonly sent: SendProtection }
  | { readonly installationId: string; readonly failed: SottoError };

/** A message ready for a transport. */
export interface EncryptedMessage {
  /** The ProtocolMessage. */
  readonly message: Uint8Array;
  /** Per addressed device; a single entry `none` when no device is known. */
  readonly devices: readonly DeviceOutcome[];
  /** Secret of the negotiated topic, 32 bytes; `undefined` until each addressed device has sent us a message. */
  readonly negotiatedSecret: SharedKey | undefined;
  /** 1 when every addressed device understands negotiated topics. */
  readonly topicMode: 0 | 1;
}

interface Outgoing {
  readonly bundle: VerifiedBundle;
  readonly own: OwnState;
}

/**
 * Encrypts for the active devices of an identity; for our own identity, for our other devices. Falls back to the identity
 * key when no device is known.
 *
 * @throws NO_DEVICE_REACHED when every device failed
 */
export async function encryptDirect(
  tx: Transaction,
  context: DeviceContext,
  to: PublicKey,
  payload: Uint8Array,
  { bundle, own }: Outgoing,
): Promise<EncryptedMessage> {
  await raiseStanding(tx, context, to, 'known');
  const known = await getPeer(tx, to);
  let peer = known;
  const addressed = activeDevices(peer, context.limits.maxActiveDevices);
  if (addressed.length === 0) return encryptDh(context, to, payload, bundle);

  const entries = new Map<string, DirectMessage>();
  const devices: DeviceOutcome[] = [];
  for (const device of addressed) {
    const { installationId } = device;
    try {
      const { updated, entry } = await encryptForDevice(tx, context, to, device, payload, own);
      if (updated !== device) peer = withDevice(peer, updated);
      entries.set(installationId, entry);
      devices.push({ installationId, sent: protectionOf(entry) });
    } catch (error) {
      // One device's bad prekey or exhausted session must not affect the others; a failing store must.
      if (!isSottoError(error, 'INVALID_PUBLIC_KEY') && !isSottoError(error, 'RATCHET_EXHAUSTED'))
        throw error;
      devices.push({ installationId, failed: error });
    }
  }
  if (entries.size === 0) {
    throw new SottoError('NO_DEVICE_REACHED', 'Encrypting failed for every device of the recipient.', {
      failures: devices.length,
    });
  }
  if (peer !== known) putPeer(tx, to, await withinBounds(tx, peer, context));
  const reached = addressed.filter(({ installationId }) => entries.has(installationId));
  const topicMode = reached.every(({ protocolVersion }) => protocolVersion >= 1) ? 1 : 0;
  const agreed = topicMode === 1 && reached.every(({ hasReplied }) => hasReplied);
  return {
    message: protocolMessage(context, bundleFor(bundle, reached, own), { directMessages: entries }),
    devices,
    negotiatedSecret: agreed ? context.negotiated.get(to) : undefined,
    topicMode,
  };
}

/** Encrypts to an identity key alone, whatever is known of its devices. */
export function encryptDh(
  context: DeviceContext,
  to: PublicKey,
  payload: Uint8Array,
  bundle: VerifiedBundle,
): EncryptedMessage {
  const { ephemeralKey, payload: sealed } = sealDhFallback(context.crypto, to, payload);
  const entry: DirectMessage = { dhHeader: { key: ephemeralKey }, payload: sealed };
  return {
    message: protocolMessage(context, bundle, { directMessages: new Map([[NO_INSTALLATION, entry]]) }),
    devices: [{ installationId: NO_INSTALLATION, sent: 'dh' }],
    negotiatedSecret: undefined,
    topicMode: 0,
  };
}

/** A message that anyone can read, with our bundle; without a payload, the bundle alone. */
export function encodePublic(
  context: DeviceContext,
  bundle: VerifiedBundle,
  payload: Uint8Array | undefined,
): Uint8Array {
  // Who begins a session with us finds the whole bundle where we publish it.
  const shown = payload === undefined ? bundle : withoutKemPreKeys(bundle);
  return protocolMessage(context, shown, { publicMessage: payload });
}

function protocolMessage(
  { installationId }: DeviceContext,
  bundle: VerifiedBundle,
  content: { directMessages?: ReadonlyMap<string, DirectMessage>; publicMessage?: Uint8Array | undefined },
): Uint8Array {
  return encodeProtocolMessage({
    installationId,
    bundles: [bundle],
    directMessages: content.directMessages ?? new Map(),
    publicMessage: content.publicMessage,
  });
}

function protectionOf({ hybridHeader, x3dhHeader }: DirectMessage): SendProtection {
  if (hybridHeader !== undefined) return 'pq';
  return x3dhHeader === undefined ? 'dr' : 'x3dh+dr';
}

/**
 * Our bundle with the ML-KEM prekeys, 1184 bytes each, only while a device may need ours: one that offers the hybrid suite and
 * hasn't said that it has it, or of which nothing is known.
 */
function bundleFor(
  bundle: VerifiedBundle,
  devices: readonly PeerDevice[],
  { preKey: { version } }: OwnState,
): VerifiedBundle {
  const isWanted = devices.some(
    (device) => device.knownVersion !== version && (device.hybrid !== undefined || device.version === 0),
  );
  return isWanted ? bundle : withoutKemPreKeys(bundle);
}

async function encryptForDevice(
  tx: Transaction,
  context: DeviceContext,
  to: PublicKey,
  device: PeerDevice,
  payload: Uint8Array,
  own: OwnState,
): Promise<{ readonly updated: PeerDevice; readonly entry: DirectMessage }> {
  let updated = device;
  let session: Session | undefined;
  for (
    let summary = sessionForSending(context, updated, own);
    summary !== undefined;
    summary = sessionForSending(context, updated, own)
  ) {
    session = await loadSession(tx, context, summary);
    if (session !== undefined) break;
    // A damaged session is replaced by another one, or a new one.
    const { id: damaged } = summary;
    await deleteSession(tx, damaged);
    updated = {
      ...updated,
      sessions: updated.sessions.filter(({ id }) => compareBytes(id, damaged) !== 0),
    };
  }
  if (session === undefined) {
    session = beginSession(context, to, updated, own);
    updated = await addSession(tx, context, updated, session.summary, own);
  }
  return { updated, entry: encryptInSession(tx, context, updated, session, payload) };
}
