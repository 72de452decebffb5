import {
  compareBytes,
  encodeHex,
  isSottoError,
  NO_INSTALLATION,
  type PublicKey,
  type SharedKey,
  SottoError,
} from '@sotto/core';
import { encodeState, encrypt } from '@sotto/double-ratchet';
import { type DirectMessage, encodeProtocolMessage } from '@sotto/protocol-codec';
import { sealDhFallback, type VerifiedBundle } from '@sotto/x3dh';
import type { DeviceContext } from './context.js';
import { storedNow } from './own-clock.js';
import { activeDevices, getPeer, putPeer, withDevice, withinBounds } from './peers.js';
import {
  addSession,
  beginSession,
  deleteSession,
  loadSession,
  type Session,
  sessionForSending,
} from './sessions.js';
import type { PeerDevice } from './storage/records.js';
import { sessionTable } from './storage/tables.js';
import type { Transaction } from './storage/transaction.js';
import { raiseStanding } from './strangers.js';

/** How a message to one device was protected: in a session, in one not answered yet, or with no bundle. */
export type SendProtection = 'dr' | 'x3dh+dr' | 'dh';

/** What became of a message for one device. */
export type DeviceOutcome =
  | { readonly installationId: string; readonly sent: SendProtection }
  | { readonly installationId: string; readonly failed: SottoError };

/** A message ready to be handed to a transport. */
export interface EncryptedMessage {
  /** The ProtocolMessage. */
  readonly message: Uint8Array;
  /** Per device addressed; one entry `none` when no device is known. */
  readonly devices: readonly DeviceOutcome[];
  /** Secret of the negotiated topic, once a message has come from every device addressed. */
  readonly negotiatedSecret: SharedKey | undefined;
  /** 1 when every device addressed understands negotiated topics. */
  readonly topicMode: 0 | 1;
}

interface Outgoing {
  readonly bundle: VerifiedBundle;
  /** Our current prekey, 33 bytes, and the epoch of our store. */
  readonly own: { readonly preKey: Uint8Array; readonly epoch: number };
}

/**
 * Encrypts for the active devices of an identity; for our own identity, for our other devices. With no device
 * known it falls back to the identity key.
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
      devices.push({ installationId, sent: entry.x3dhHeader === undefined ? 'dr' : 'x3dh+dr' });
    } catch (error) {
      // One device's bad prekey or worn-out session is no reason to leave out the others; a store that fails is.
      if (!isSottoError(error, 'INVALID_PUBLIC_KEY') && !isSottoError(error, 'RATCHET_EXHAUSTED'))
        throw error;
      devices.push({ installationId, failed: error });
    }
  }
  if (entries.size === 0) {
    throw new SottoError('NO_DEVICE_REACHED', 'No device of the recipient could be encrypted for.', {
      failures: devices.length,
    });
  }
  if (peer !== known) putPeer(tx, to, await withinBounds(tx, peer, context));
  const reached = addressed.filter(({ installationId }) => entries.has(installationId));
  const topicMode = reached.every(({ protocolVersion }) => protocolVersion >= 1) ? 1 : 0;
  const agreed = topicMode === 1 && reached.every(({ hasReplied }) => hasReplied);
  return {
    message: protocolMessage(context, bundle, { directMessages: entries }),
    devices,
    negotiatedSecret: agreed ? context.negotiated.get(to) : undefined,
    topicMode,
  };
}

/** Encrypts to an identity alone, whatever is known of its devices. */
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

/** A message that anybody can read, with our bundle; without a payload it carries the bundle alone. */
export function encodePublic(
  context: DeviceContext,
  bundle: VerifiedBundle,
  payload: Uint8Array | undefined,
): Uint8Array {
  return protocolMessage(context, bundle, { publicMessage: payload });
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

async function encryptForDevice(
  tx: Transaction,
  context: DeviceContext,
  to: PublicKey,
  device: PeerDevice,
  payload: Uint8Array,
  own: Outgoing['own'],
): Promise<{ readonly updated: PeerDevice; readonly entry: DirectMessage }> {
  let updated = device;
  let session: Session | undefined;
  for (
    let summary = sessionForSending(updated, own);
    summary !== undefined && session === undefined;
    summary = sessionForSending(updated, own)
  ) {
    session = await loadSession(tx, summary);
    if (session !== undefined) break;
    // A damaged session is given up for another, or a new one.
    await deleteSession(tx, summary.id);
    updated = {
      ...updated,
      sessions: updated.sessions.filter(({ id }) => compareBytes(id, summary?.id ?? id) !== 0),
    };
  }
  if (session === undefined) {
    session = beginSession(context, to, updated, own.epoch);
    updated = await addSession(tx, context, updated, session.summary, own);
  }
  const { summary, ephemeralKey } = session;
  const { next, message } = encrypt(context.suite, session.state, payload);
  tx.put(
    sessionTable,
    {
      ratchet: encodeState(next),
      ephemeralKey: ephemeralKey ?? new Uint8Array(0),
      usedAt: storedNow(context.clock),
    },
    encodeHex(summary.id),
  );
  return {
    updated,
    entry: {
      ...(ephemeralKey && { x3dhHeader: { key: ephemeralKey, id: summary.signedPreKey } }),
      drHeader: { ...message.header, id: summary.signedPreKey },
      payload: message.body,
    },
  };
}
