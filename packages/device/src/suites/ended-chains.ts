import { encodeHex } from '@sotto/core';
import { endedChainTable } from '../storage/tables.js';
import type { ReadTransaction, Transaction } from '../storage/transaction.js';
import { undamaged } from '../storage/undamaged.js';

/**
 * Chains of the peer kept of each session after they have ended, since a repetition of a message is known by them. A peer can end one with
 * each message.
 */
const ENDED_CHAINS_MOST = 256;

/** The place of the chain after so many. */
const placeOf = (ended: number) => (ended % ENDED_CHAINS_MOST).toString();

/**
 * Keeps chains that have ended, each in the place of the oldest.
 * @param before how many of the session had ended before
 * @returns how many have ended
 */
export function keepEnded(
  tx: Transaction,
  session: string,
  before: number,
  chains: readonly Uint8Array[],
): number {
  for (const [i, chain] of chains.entries()) tx.put(endedChainTable, chain, session, placeOf(before + i));
  return before + chains.length;
}

/** The ended chains that are kept of a session. */
export async function* endedChainsOf(tx: ReadTransaction, session: string): AsyncGenerator<Uint8Array> {
  for await (const { value } of tx.list(endedChainTable, [session], () => {})) yield value;
}

/** {@link keepEnded} of a chain that its ratchet key names, so that {@link hasEnded} finds it with one look. */
export async function keepEndedKey(
  tx: Transaction,
  session: string,
  before: number,
  ratchetKey: Uint8Array,
): Promise<number> {
  // One that is damaged is replaced like any other: the session goes on.
  const oldest = await undamaged(tx.get(endedChainTable, session, placeOf(before)));
  if (oldest !== undefined) tx.delete(endedChainTable, session, encodeHex(oldest));
  tx.put(endedChainTable, new Uint8Array(0), session, encodeHex(ratchetKey));
  return keepEnded(tx, session, before, [ratchetKey]);
}

/** Whether a chain that its ratchet key names is one of those kept by {@link keepEndedKey}. */
export async function hasEnded(
  tx: ReadTransaction,
  session: string,
  ratchetKey: Uint8Array,
): Promise<boolean> {
  return (await tx.get(endedChainTable, session, encodeHex(ratchetKey))) !== undefined;
}
