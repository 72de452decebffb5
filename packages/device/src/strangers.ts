import { compareBytes, type PublicKey } from '@sotto/core';
import type { DeviceContext } from './context.js';
import { deletePeer, getPeer, putPeer } from './peers.js';
import {
  isAtLeast,
  type PeerRecord,
  type Standing,
  type StrangerEntry,
  type StrangersRecord,
} from './storage/records.js';
import { strangersTable } from './storage/tables.js';
import type { ReadTransaction, Transaction } from './storage/transaction.js';

const NO_STRANGERS: StrangersRecord = { seen: [], wrote: [], known: [], answeredAt: [] };

/** The strangers about whom anything is stored, oldest first. */
export async function getStrangers(tx: ReadTransaction): Promise<StrangersRecord> {
  return (await tx.get(strangersTable, 'all')) ?? NO_STRANGERS;
}

/**
 * Counts a stranger whose bundle was stored, and deletes the oldest beyond the bound. Does nothing for our own identity and
 * for those whom the user has accepted.
 */
export async function noteSeen(tx: Transaction, context: DeviceContext, identity: PublicKey): Promise<void> {
  if (!(await isStranger(tx, context, identity))) return;
  const strangers = await getStrangers(tx);
  if (includes(strangers.seen, identity) || find(strangers.wrote, identity) !== undefined) return;
  const seen = [...strangers.seen, identity];
  await keep(tx, context, { ...strangers, seen });
}

/**
 * Counts a message from a stranger and the message keys that it made us keep, and deletes the oldest strangers beyond the
 * bound. Does nothing for our own identity and for those whom the user has accepted.
 */
export async function noteWrote(
  tx: Transaction,
  context: DeviceContext,
  identity: PublicKey,
  change: Partial<Omit<StrangerEntry, 'identity'>> = {},
): Promise<void> {
  if (!(await isStranger(tx, context, identity))) return;
  const strangers = await getStrangers(tx);
  const known = find(strangers.wrote, identity);
  if (known !== undefined && !changes(known, change)) return;
  const entry = { ...(known ?? { identity, answered: false, skippedKeys: 0 }), ...change };
  const wrote =
    known === undefined
      ? [...strangers.wrote, entry]
      : strangers.wrote.map((other) => (other === known ? entry : other));
  const seen = without(strangers.seen, identity);
  await keep(tx, context, { ...strangers, seen, wrote: withoutOldAnswers(wrote, context) });
}

function changes(known: StrangerEntry, change: Partial<StrangerEntry>): boolean {
  const { answered = known.answered, skippedKeys = known.skippedKeys } = change;
  return answered !== known.answered || skippedKeys !== known.skippedKeys;
}

/** Raises the standing of an identity; never lowers it. */
export async function raiseStanding(
  tx: Transaction,
  context: DeviceContext,
  identity: PublicKey,
  standing: Standing,
): Promise<void> {
  const peer = await getPeer(tx, identity);
  if (isAtLeast(peer.standing, standing) || compareBytes(identity, context.identity.publicKey) === 0) return;
  await forgetStranger(tx, identity);
  putPeer(tx, identity, { ...peer, standing });
}

/** Removes an identity from the strangers; what is stored about it stays. */
export async function forgetStranger(tx: Transaction, identity: Uint8Array): Promise<void> {
  const strangers = await getStrangers(tx);
  const seen = without(strangers.seen, identity);
  const wrote = strangers.wrote.filter((other) => compareBytes(other.identity, identity) !== 0);
  const known = without(strangers.known, identity);
  const isListed =
    seen.length + wrote.length + known.length <
    strangers.seen.length + strangers.wrote.length + strangers.known.length;
  if (isListed) tx.put(strangersTable, { ...strangers, seen, wrote, known }, 'all');
}

export function isLetIn({ standing }: PeerRecord): boolean {
  return standing !== 'stranger';
}

async function isStranger(
  tx: ReadTransaction,
  context: DeviceContext,
  identity: PublicKey,
): Promise<boolean> {
  if (compareBytes(identity, context.identity.publicKey) === 0) return false;
  return !isLetIn(await getPeer(tx, identity));
}

/** Bounds the topics of answered strangers to which we subscribe: the most recent ones stay. */
function withoutOldAnswers(wrote: readonly StrangerEntry[], { limits }: DeviceContext): StrangerEntry[] {
  let excess = wrote.filter(({ answered }) => answered).length - limits.maxStrangerTopics;
  return wrote.map((entry) => (entry.answered && excess-- > 0 ? { ...entry, answered: false } : entry));
}

/** Stores the lists, within their bounds: everything about strangers beyond them is deleted. */
async function keep(tx: Transaction, { limits }: DeviceContext, strangers: StrangersRecord): Promise<void> {
  const seen = strangers.seen.slice(-limits.maxStrangersSeen);
  let wrote = strangers.wrote.slice(-limits.maxRequests);
  let skippedKeys = wrote.reduce((sum, entry) => sum + entry.skippedKeys, 0);
  while (skippedKeys > limits.maxStrangerSkippedKeys && wrote.length > 1) {
    const [heaviest] = wrote.toSorted((a, b) => b.skippedKeys - a.skippedKeys) as [StrangerEntry];
    wrote = wrote.filter((entry) => entry !== heaviest);
    skippedKeys -= heaviest.skippedKeys;
  }
  const gone = [
    ...strangers.seen.slice(0, strangers.seen.length - seen.length),
    ...strangers.wrote.filter((entry) => !wrote.includes(entry)).map(({ identity }) => identity),
  ];
  for (const identity of gone) {
    await deletePeer(tx, identity);
  }
  tx.put(strangersTable, { ...strangers, seen, wrote }, 'all');
}

function without(identities: readonly Uint8Array[], identity: Uint8Array): Uint8Array[] {
  return identities.filter((other) => compareBytes(other, identity) !== 0);
}

function includes(identities: readonly Uint8Array[], identity: Uint8Array): boolean {
  return identities.some((other) => compareBytes(other, identity) === 0);
}

function find(entries: readonly StrangerEntry[], identity: Uint8Array): StrangerEntry | undefined {
  return entries.find((entry) => compareBytes(entry.identity, identity) === 0);
}
