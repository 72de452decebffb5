import {
  compareBytes,
  concatBytes,
  copyBytes,
  encodeHex,
  encodeUtf8,
  isDamage,
  type PublicKey,
} from '@sotto/core';
import { decodeState, listSkippedKeys, type RatchetState, startInitiator } from '@sotto/double-ratchet';
import { initiateX3dh } from '@sotto/x3dh';
import type { DeviceContext } from './context.js';
import type { PeerDevice, SessionSummary } from './storage/records.js';
import { endedChainTable, sessionTable, skippedKeyTable } from './storage/tables.js';
import type { ReadTransaction, Transaction } from './storage/transaction.js';

const SESSION_ID_LENGTH = 16;
const ORDER_LENGTH = 8;

/** A decoded session. */
export interface Session {
  readonly summary: SessionSummary;
  readonly state: RatchetState;
  /** Our ephemeral key, 33 bytes, while the X3DH header has to be repeated. */
  readonly ephemeralKey: Uint8Array | undefined;
}

/**
 * Derives a session's id from both parties' shares in the key agreement and their identities. The
 * ephemeral key counts by its x coordinate, since a point and its negative agree on the same key.
 */
export function sessionId(
  { crypto }: Pick<DeviceContext, 'crypto'>,
  remote: { readonly identity: Uint8Array; readonly installationId: string },
  signedPreKey: Uint8Array,
  ephemeralKey: Uint8Array,
): Uint8Array {
  return copyBytes(
    crypto
      .keccak256(
        concatBytes(
          remote.identity,
          signedPreKey,
          ephemeralKey.subarray(1),
          encodeUtf8(remote.installationId),
        ),
      )
      .subarray(0, SESSION_ID_LENGTH),
  );
}

/** The part of a shared key that orders two sessions begun simultaneously. */
export function sessionOrder(sharedKey: Uint8Array): Uint8Array {
  return copyBytes(sharedKey.subarray(0, ORDER_LENGTH));
}

/**
 * The session to send on. Both sides come to the same choice: a session lives as long as the prekey that it was
 * made with is its owner's current one; of two begun simultaneously, that with the lower shared key is
 * used. Wire profile, section 5.
 */
export function sessionForSending(
  device: PeerDevice,
  own: { readonly preKey: Uint8Array; readonly epoch: number },
): SessionSummary | undefined {
  const usable = device.sessions.filter(({ lost, epoch }) => !lost && epoch === own.epoch);
  const newestOf = (initiator: boolean, preKey: Uint8Array) =>
    usable.findLast(
      (session) => session.initiator === initiator && compareBytes(session.signedPreKey, preKey) === 0,
    );
  const begun = newestOf(true, device.signedPreKey);
  const accepted = newestOf(false, own.preKey);
  if (begun && accepted) return compareBytes(begun.order, accepted.order) <= 0 ? begun : accepted;
  // A device that no bundle has named can still be answered.
  return begun ?? accepted ?? (device.signedPreKey.length === 0 ? usable.at(-1) : undefined);
}

/** Begins a session with a device whose prekey is known. */
export function beginSession(
  context: DeviceContext,
  identity: PublicKey,
  device: Pick<PeerDevice, 'installationId' | 'signedPreKey'>,
  epoch: number,
): Session {
  const { signedPreKey, installationId } = device;
  const { sharedKey, ephemeralKey } = initiateX3dh(context.crypto, {
    identity: context.identity,
    remoteIdentity: identity,
    signedPreKey,
  });
  return {
    summary: {
      id: sessionId(context, { identity, installationId }, signedPreKey, ephemeralKey),
      initiator: true,
      signedPreKey,
      order: sessionOrder(sharedKey),
      lost: false,
      epoch,
      peerPreKey: signedPreKey,
    },
    state: startInitiator(context.suite, sharedKey, signedPreKey),
    ephemeralKey,
  };
}

/**
 * Reads a session; `undefined` when its record is missing or damaged, so that one bad record costs one session.
 */
export async function loadSession(
  tx: ReadTransaction,
  summary: SessionSummary,
): Promise<Session | undefined> {
  try {
    const record = await tx.get(sessionTable, encodeHex(summary.id));
    if (record === undefined) return undefined;
    return {
      summary,
      state: decodeState(record.ratchet),
      ephemeralKey: record.ephemeralKey.length > 0 ? record.ephemeralKey : undefined,
    };
  } catch (error) {
    if (isDamage(error)) return undefined;
    throw error;
  }
}

/** Deletes a session with its skipped message keys. */
export async function deleteSession(tx: Transaction, id: Uint8Array): Promise<void> {
  const name = encodeHex(id);
  const session = await loadSession(tx, { id } as SessionSummary);
  if (session !== undefined) {
    for (const key of listSkippedKeys(session.state.skipped)) {
      tx.delete(skippedKeyTable, name, encodeHex(key.key), key.n.toString());
    }
  } else {
    for (const segments of await tx.keys(skippedKeyTable, [name])) tx.delete(skippedKeyTable, ...segments);
  }
  for (const segments of await tx.keys(endedChainTable, [name])) tx.delete(endedChainTable, ...segments);
  tx.delete(sessionTable, name);
}

/** The device with a session added; beyond the bound, the oldest sessions that are not sent on are deleted. */
export async function addSession(
  tx: Transaction,
  { limits }: DeviceContext,
  device: PeerDevice,
  session: SessionSummary,
  own: { readonly preKey: Uint8Array; readonly epoch: number },
): Promise<PeerDevice> {
  let sessions = [...device.sessions, session];
  const sentOn = sessionForSending({ ...device, sessions }, own);
  while (sessions.length > limits.maxSessionsPerDevice) {
    const oldest = sessions.find((candidate) => candidate !== sentOn && candidate !== session);
    if (oldest === undefined) break;
    await deleteSession(tx, oldest.id);
    sessions = sessions.filter((candidate) => candidate !== oldest);
  }
  return { ...device, sessions };
}
