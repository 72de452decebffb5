import type { PublicKey } from '@sotto/core';
import type { DeviceContext } from './context.js';
import { happenedWithin, storedNow } from './own-clock.js';
import { getPeer, putPeer } from './peers.js';
import { isAccepted } from './requests.js';
import { strangersTable } from './storage/tables.js';
import type { Transaction } from './storage/transaction.js';
import { getStrangers, noteWrote } from './strangers.js';

const HOUR_MS = 60 * 60_000;

/**
 * Counts an automatic answer with our bundle to an identity, if the limits allow one: for each identity, and for all
 * strangers together, also across restarts. Wire profile, section 5.
 * @returns whether it is allowed
 */
export async function countAnswer(tx: Transaction, context: DeviceContext, to: PublicKey): Promise<boolean> {
  const { clock, limits } = context;
  const peer = await getPeer(tx, to);
  if (happenedWithin(peer.answeredAt, limits.answerIntervalMs, context)) return false;
  if (!isAccepted(context, to, peer) && !(await countStrangerAnswer(tx, context))) return false;
  putPeer(tx, to, { ...peer, answeredAt: storedNow(clock) });
  // From now on we are subscribed to the topic negotiated with it.
  await noteWrote(tx, context, to, { answered: true });
  return true;
}

async function countStrangerAnswer(tx: Transaction, context: DeviceContext): Promise<boolean> {
  const strangers = await getStrangers(tx);
  const lately = strangers.answeredAt.filter((at) => happenedWithin(at, HOUR_MS, context));
  if (lately.length >= context.limits.strangerAnswersPerHour) return false;
  tx.put(strangersTable, { ...strangers, answeredAt: [...lately, storedNow(context.clock)] }, 'all');
  return true;
}
