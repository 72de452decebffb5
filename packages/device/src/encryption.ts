import {
  compareBytes,
  isSottoError,
  NO_INSTALLATION,
  type PublicKey,
  type SharedKey,
  SottoError,
} from '@sotto/core';
import { type DirectMessage, encodeProtocolMessage, withoutKemPreKeys } from '@sotto/protocol-codec';
import { offersSealed, sealDhFallback, type VerifiedBundle } from '@sotto/x3dh';
import type { DeviceContext } from './context.js';
import { activeDevices, getPeer, putPeer, withDevice, withinBounds } from './peers.js';
import { sealMessage } from './sealed/sealed-message.js';
import { encodeSessionContent } from './sealed/session-content.js';
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
import { offerOf } from './stored-offer.js';
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
  /**
   * Whether the message is sealed: it shows nothing of its sender, goes to the negotiated topic, and its envelope is to be signed with the
   * key that `Device.sealingKey` returns for it.
   */
  readonly sealed: boolean;
}

/** Options of `encryptDirect`. */
export interface EncryptOptions {
  /**
   * Whether the transport can sign with a pseudonym, so that the message may be sealed. It is when each device that it goes to has
   * written to us, offers it, and is written to in a session of the hybrid suite. Default false.
   */
  readonly mayBeSealed?: boolean | undefined;
}

/** A device and the session to send to it on. */
interface DeviceSession {
  readonly device: PeerDevice;
  readonly session: Session;
}

interface Outgoing extends EncryptOptions {
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
  { bundle, own, mayBeSealed = false }: Outgoing,
): Promise<EncryptedMessage> {
  await raiseStanding(tx, context, to, 'known');
  const known = await getPeer(tx, to);
  let peer = known;
  const addressed = activeDevices(peer, context.limits.maxActiveDevices);
  if (addressed.length === 0) return encryptDh(context, to, payload, bundle);

  const outcomes = new Map<string, DeviceOutcome>();
  // One device's bad prekey or exhausted session must not affect the others; a failing store must.
  const noteFailed = (installationId: string, error: unknown) => {
    if (!isSottoError(error, 'INVALID_PUBLIC_KEY') && !isSottoError(error, 'RATCHET_EXHAUSTED')) throw error;
    outcomes.set(installationId, { installationId, failed: error });
  };
  const ready: (DeviceSession & { readonly before: PeerDevice })[] = [];
  for (const before of addressed) {
    try {
      const { device, session } = await sessionWith(tx, context, to, before, own);
      ready.push({ before, device, session });
    } catch (error) {
      noteFailed(before.installationId, error);
    }
  }
  const sealed = mayBeSealed && ready.every(canBeSealed);
  const entries = new Map<string, DirectMessage>();
  for (const { before, device, session } of ready) {
    const { installationId } = device;
    const content = sealed
      ? encodeSessionContent({ bundle: bundleFor(bundle, [device], own), payload })
      : payload;
    try {
      const entry = encryptInSession(tx, context, device, session, content);
      if (device !== before) peer = withDevice(peer, device);
      entries.set(installationId, entry);
      outcomes.set(installationId, { installationId, sent: protectionOf(entry) });
    } catch (error) {
      noteFailed(installationId, error);
    }
  }
  const devices = addressed.map(({ installationId }) => outcomes.get(installationId) as DeviceOutcome);
  if (entries.size === 0) {
    throw new SottoError('NO_DEVICE_REACHED', 'Encrypting failed for every device of the recipient.', {
      failures: devices.length,
    });
  }
  if (peer !== known) putPeer(tx, to, await withinBounds(tx, peer, context));
  const reached = addressed.filter(({ installationId }) => entries.has(installationId));
  const topicMode = reached.every(({ protocolVersion }) => protocolVersion >= 1) ? 1 : 0;
  const agreed = topicMode === 1 && reached.every(({ hasReplied }) => hasReplied);
  const shown = sealed ? undefined : bundleFor(bundle, reached, own);
  const message = protocolMessage(context, shown, { directMessages: entries });
  return {
    message: sealed ? seal(context, to, message) : message,
    devices,
    negotiatedSecret: agreed ? context.negotiated.get(to) : undefined,
    topicMode,
    sealed,
  };
}

/** Whether a message in a session may be sealed: its device listens to the negotiated topic, and has offered to read such messages. */
function canBeSealed({ device, session }: DeviceSession): boolean {
  return (
    session.suite === 'hybrid' &&
    device.hasReplied &&
    device.protocolVersion >= 1 &&
    offersSealed(device.hybrid && offerOf(device.hybrid))
  );
}

function seal(
  { crypto, clock, identity, sealing }: DeviceContext,
  to: PublicKey,
  message: Uint8Array,
): Uint8Array {
  return sealMessage(crypto, sealing, { sender: identity.publicKey, recipient: to }, message, clock.now());
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
    sealed: false,
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
  bundle: VerifiedBundle | undefined,
  content: { directMessages?: ReadonlyMap<string, DirectMessage>; publicMessage?: Uint8Array | undefined },
): Uint8Array {
  return encodeProtocolMessage({
    installationId,
    bundles: bundle === undefined ? [] : [bundle],
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

/** The session to send on, a new one if need be, and the device with it. @throws INVALID_PUBLIC_KEY */
async function sessionWith(
  tx: Transaction,
  context: DeviceContext,
  to: PublicKey,
  device: PeerDevice,
  own: OwnState,
): Promise<DeviceSession> {
  let updated = device;
  for (
    let summary = sessionForSending(context, updated, own);
    summary !== undefined;
    summary = sessionForSending(context, updated, own)
  ) {
    const session = await loadSession(tx, context, summary);
    if (session !== undefined) return { device: updated, session };
    // A damaged session is replaced by another one, or a new one.
    const { id: damaged } = summary;
    await deleteSession(tx, damaged);
    updated = {
      ...updated,
      sessions: updated.sessions.filter(({ id }) => compareBytes(id, damaged) !== 0),
    };
  }
  const session = beginSession(context, to, updated, own);
  return { device: await addSession(tx, context, updated, session.summary, own), session };
}
