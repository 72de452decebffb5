import { concatBytes, copyBytes, encodeHex, encodeUtf8, isDamage, type PublicKey } from '@sotto/core';
import { decodeState, listSkippedKeys, type RatchetState, type SkippedKeyId } from '@sotto/double-ratchet';
import { HYBRID_SUITE } from '@sotto/x3dh';
import type { DeviceContext } from '../context.js';
import type { SessionRecord, SessionSummary } from '../storage/records.js';
import { sessionTable } from '../storage/tables.js';
import type { ReadTransaction, Transaction } from '../storage/transaction.js';

const SESSION_ID_LENGTH = 16;

/** A session in the suite of deployed peers. */
export interface DeployedSession {
  readonly suite: 'deployed';
  readonly summary: SessionSummary;
  readonly state: RatchetState;
  /** Our ephemeral key, 33 bytes, while the X3DH header has to be repeated. */
  readonly ephemeralKey: Uint8Array | undefined;
  /** How many of the peer's chains have ended. */
  readonly endedChains: number;
}

/** A session in the hybrid suite. */
export interface HybridSession {
  readonly suite: 'hybrid';
  readonly summary: SessionSummary;
  /** State of the ratchet, encoded; secret. */
  readonly state: Uint8Array;
  /** Our handshake, encoded, while it has to be repeated. */
  readonly handshake: Uint8Array | undefined;
  /** How many of the peer's chains have ended. */
  readonly endedChains: number;
}

/** A session that was read. */
export type Session = DeployedSession | HybridSession;

/** Whether the peer has shown that it has a session: until then, what it begins with is repeated. */
export function isAnswered(session: Session): boolean {
  return (session.suite === 'deployed' ? session.ephemeralKey : session.handshake) === undefined;
}

/** A session's number of the suite in its summary and record: 0 is that of deployed peers. */
export const DEPLOYED_SUITE = 0;

/** Whether a session is in the hybrid suite. */
export function isHybrid({ suite }: Pick<SessionSummary, 'suite'>): boolean {
  return suite === HYBRID_SUITE;
}

/**
 * Derives a session's id from both parties' shares in the key agreement and their identities. The
 * ephemeral key counts by its x coordinate, since a point and its negative agree on the same key.
 */
export function sessionId(
  { crypto }: Pick<DeviceContext, 'crypto'>,
  remote: { readonly identity: PublicKey; readonly installationId: string },
  signedPreKey: Uint8Array,
  ephemeralKey: Uint8Array,
): Uint8Array {
  const parts = [remote.identity, signedPreKey, ephemeralKey.subarray(1), encodeUtf8(remote.installationId)];
  return copyBytes(crypto.keccak256(concatBytes(...parts)).subarray(0, SESSION_ID_LENGTH));
}

/**
 * Reads a session; `undefined` when its record is missing or damaged, or this device no longer speaks its suite, so that one
 * bad record costs one session.
 */
export async function loadSession(
  tx: ReadTransaction,
  { hybrid }: Pick<DeviceContext, 'hybrid'>,
  summary: SessionSummary,
): Promise<Session | undefined> {
  try {
    const record = await tx.get(sessionTable, encodeHex(summary.id));
    if (record === undefined || record.suite !== summary.suite) return undefined;
    const { endedChains } = record;
    if (!isHybrid(record)) {
      const state = decodeState(record.ratchet);
      return { suite: 'deployed', summary, state, ephemeralKey: present(record.ephemeralKey), endedChains };
    }
    if (hybrid === undefined) return undefined;
    hybrid.checkState(record.ratchet);
    const { ratchet: state } = record;
    return { suite: 'hybrid', summary, state, handshake: present(record.handshake), endedChains };
  } catch (error) {
    if (isDamage(error)) return undefined;
    throw error;
  }
}

/**
 * The skipped keys of a session in the deployed suite, from its state; `undefined` when that doesn't say, and they have
 * to be looked for.
 */
export async function listedSkippedKeys(
  tx: ReadTransaction,
  id: Uint8Array,
): Promise<readonly SkippedKeyId[] | undefined> {
  try {
    const record = await tx.get(sessionTable, encodeHex(id));
    if (record === undefined || isHybrid(record)) return undefined;
    return [...listSkippedKeys(decodeState(record.ratchet).skipped)];
  } catch (error) {
    if (isDamage(error)) return undefined;
    throw error;
  }
}

/** Stores a session's record. */
export function putSession(
  tx: Transaction,
  { id, suite }: Pick<SessionSummary, 'id' | 'suite'>,
  content: Pick<SessionRecord, 'ratchet' | 'usedAt'> & Partial<SessionRecord>,
): void {
  const nothing = new Uint8Array(0);
  const empty = { ephemeralKey: nothing, handshake: nothing, endedChains: 0 };
  tx.put(sessionTable, { ...empty, ...content, suite }, encodeHex(id));
}

function present(bytes: Uint8Array): Uint8Array | undefined {
  return bytes.length > 0 ? bytes : undefined;
}
