import { compareBytes, encodeHex, type PublicKey } from '@sotto/core';
import type { DirectMessage } from '@sotto/protocol-codec';
import { offersHybrid } from '@sotto/x3dh';
import type { DeviceContext } from './context.js';
import type { PeerDevice, PreKeyRecord, SessionSummary } from './storage/records.js';
import { endedChainTable, sessionTable, skippedKeyTable } from './storage/tables.js';
import type { ReadTransaction, Transaction } from './storage/transaction.js';
import { beginDeployed, encryptDeployed } from './suites/deployed.js';
import { beginHybrid, canBeginHybrid, encryptHybrid } from './suites/hybrid.js';
import { isAnswered, isHybrid, listedSkippedKeys, loadSession, type Session } from './suites/session.js';

/** What choosing and beginning sessions needs of our own device. */
export interface OwnState {
  /** Our current prekey. */
  readonly preKey: PreKeyRecord;
  /** The epoch of our store. */
  readonly epoch: number;
}

/**
 * The session to send on. Both sides come to the same choice: a session lives as long as the prekey that it was
 * made with is its owner's current one; of two begun simultaneously, that with the lower shared key is
 * used. Wire profile, section 5.
 *
 * With a device that offers the hybrid suite, only sessions in that suite are used as soon as one can be begun; a session in
 * the deployed suite is a makeshift until the device's ML-KEM prekey has come. Wire profile, section 10.
 *
 * @returns `undefined` when a new one has to be begun
 */
export function sessionForSending(
  context: Pick<DeviceContext, 'hybrid'>,
  device: PeerDevice,
  own: { readonly preKey: Pick<PreKeyRecord, 'publicKey'>; readonly epoch: number },
): SessionSummary | undefined {
  const usable = device.sessions.filter(({ lost, epoch }) => !lost && epoch === own.epoch);
  if (context.hybrid !== undefined && offersHybrid(device.hybrid)) {
    const hybrid = usable.filter(isHybrid);
    const current = currentSession(device, own, hybrid);
    if (current !== undefined || canBeginHybrid(context, device)) return current;
    // Its new ML-KEM prekey hasn't come yet: the old session is better than one in the deployed suite.
    if (hybrid.length > 0) return hybrid.at(-1);
  }
  return currentSession(
    device,
    own,
    usable.filter((session) => !isHybrid(session)),
  );
}

function currentSession(
  device: PeerDevice,
  own: { readonly preKey: Pick<PreKeyRecord, 'publicKey'> },
  usable: readonly SessionSummary[],
): SessionSummary | undefined {
  const newestOf = (initiator: boolean, preKey: Uint8Array) =>
    usable.findLast(
      (session) => session.initiator === initiator && compareBytes(session.signedPreKey, preKey) === 0,
    );
  const begun = newestOf(true, device.signedPreKey);
  const accepted = newestOf(false, own.preKey.publicKey);
  if (begun && accepted) return compareBytes(begun.order, accepted.order) <= 0 ? begun : accepted;
  // A device that no bundle has named can still be answered.
  return begun ?? accepted ?? (device.signedPreKey.length === 0 ? usable.at(-1) : undefined);
}

/**
 * Begins a session with a device whose prekey is known: in the hybrid suite where both speak it.
 * @throws INVALID_PUBLIC_KEY
 */
export function beginSession(
  context: DeviceContext,
  identity: PublicKey,
  device: PeerDevice,
  own: OwnState,
): Session {
  if (context.hybrid !== undefined && canBeginHybrid(context, device)) {
    return beginHybrid(context, context.hybrid, identity, device, own);
  }
  return beginDeployed(context, identity, device, own.epoch);
}

/** Encrypts for a device in a session, and stores the session. @throws RATCHET_EXHAUSTED, INVALID_PUBLIC_KEY */
export function encryptInSession(
  tx: Transaction,
  context: DeviceContext,
  device: PeerDevice,
  session: Session,
  payload: Uint8Array,
): DirectMessage {
  if (session.suite === 'deployed') return encryptDeployed(tx, context, session, payload);
  if (context.hybrid === undefined) throw new Error('the hybrid suite is not spoken');
  return encryptHybrid(tx, context, context.hybrid, device, session, payload);
}

/** Deletes a session with its skipped message keys. */
export async function deleteSession(tx: Transaction, id: Uint8Array): Promise<void> {
  const name = encodeHex(id);
  const skipped = await listedSkippedKeys(tx, id);
  if (skipped !== undefined) {
    for (const { key, n } of skipped) tx.delete(skippedKeyTable, name, encodeHex(key), n.toString());
  } else {
    for (const segments of await tx.keys(skippedKeyTable, [name])) tx.delete(skippedKeyTable, ...segments);
  }
  for (const segments of await tx.keys(endedChainTable, [name])) tx.delete(endedChainTable, ...segments);
  tx.delete(sessionTable, name);
}

/**
 * The sessions of a device after it has begun one of a suite. Those of ours in which it had answered already are lost to it, or it would
 * have gone on in one of them: nothing more is sent there. Of two begun at once, neither was answered in.
 */
export async function withoutReplaced(
  tx: ReadTransaction,
  context: DeviceContext,
  sessions: readonly SessionSummary[],
  { suite }: SessionSummary,
): Promise<SessionSummary[]> {
  const isReplaced = async (session: SessionSummary) => {
    if (!session.initiator || session.lost || session.suite !== suite) return false;
    const loaded = await loadSession(tx, context, session);
    return loaded !== undefined && isAnswered(loaded);
  };
  return Promise.all(
    sessions.map(async (session) => ((await isReplaced(session)) ? { ...session, lost: true } : session)),
  );
}

/** The device with a session added; beyond the bound, the oldest sessions that are not sent on are deleted. */
export async function addSession(
  tx: Transaction,
  context: DeviceContext,
  device: PeerDevice,
  session: SessionSummary,
  own: OwnState,
): Promise<PeerDevice> {
  let sessions = [...device.sessions, session];
  const sentOn = sessionForSending(context, { ...device, sessions }, own);
  while (sessions.length > context.limits.maxSessionsPerDevice) {
    const oldest = sessions.find((candidate) => candidate !== sentOn && candidate !== session);
    if (oldest === undefined) break;
    await deleteSession(tx, oldest.id);
    sessions = sessions.filter((candidate) => candidate !== oldest);
  }
  return { ...device, sessions };
}
