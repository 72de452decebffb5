import { compareBytes, copyBytes, type PublicKey, SottoError } from '@sotto/core';
import type { DeviceContext } from './context.js';
import { storedNow } from './own-clock.js';
import { getPeer, putPeer } from './peers.js';
import type { PeerRecord } from './storage/records.js';
import { strangersTable } from './storage/tables.js';
import type { ReadTransaction, Transaction } from './storage/transaction.js';
import { getStrangers, noteWrote } from './strangers.js';

/** An identity that wrote to us and that the user has not accepted. */
export interface MessageRequest {
  /** 33 bytes. */
  readonly identity: PublicKey;
  /** When its first message was received, in milliseconds since the epoch by our clock. */
  readonly requestedAt: number;
  /** Number of messages delivered so far. */
  readonly messages: number;
}

/**
 * Counts a 1:1 message for the application, unless the user has accepted its sender.
 * @param bytes of its payload
 * @returns whether the message made its sender a request
 * @throws LIMIT_EXCEEDED when the sender has reached the limits of a request
 */
export async function countRequest(
  tx: Transaction,
  context: DeviceContext,
  identity: PublicKey,
  bytes: number,
): Promise<{ readonly isNew: boolean }> {
  const { clock, limits } = context;
  const peer = await getPeer(tx, identity);
  if (isAccepted(context, identity, peer)) return { isNew: false };
  const requestMessages = peer.requestMessages + 1;
  const requestBytes = peer.requestBytes + BigInt(bytes);
  check('messages of a request', requestMessages, limits.maxRequestMessages);
  check('bytes of a request', Number(requestBytes), limits.maxRequestBytes);
  const isNew = peer.requestedAt === 0n;
  const requestedAt = isNew ? storedNow(clock) : peer.requestedAt;
  putPeer(tx, identity, { ...peer, requestMessages, requestBytes, requestedAt });
  if (isNew && peer.standing === 'known') await listKnown(tx, context, identity);
  // This message may itself have caused the sender's deletion, by the message keys that it made us keep.
  else if (isNew) await noteWrote(tx, context, identity);
  return { isNew };
}

function check(what: string, actual: number, limit: number): void {
  if (actual <= limit) return;
  throw new SottoError(
    'LIMIT_EXCEEDED',
    'The sender has reached the limit before the user accepts the request.',
    { what, limit, actual },
  );
}

/** Whether messages of an identity count as accepted by the user. */
export function isAccepted(context: DeviceContext, identity: PublicKey, peer: PeerRecord): boolean {
  return peer.standing === 'accepted' || compareBytes(identity, context.identity.publicKey) === 0;
}

/** The request of an identity; `undefined` when it didn't write, or was accepted. */
export async function getRequest(
  tx: ReadTransaction,
  context: DeviceContext,
  identity: PublicKey,
): Promise<MessageRequest | undefined> {
  const peer = await getPeer(tx, identity);
  if (peer.requestedAt === 0n || isAccepted(context, identity, peer)) return undefined;
  return {
    identity: copyBytes(identity) as PublicKey,
    requestedAt: Number(peer.requestedAt),
    messages: peer.requestMessages,
  };
}

/** Identities that wrote to us and wait, oldest first. */
export async function listRequests(
  tx: ReadTransaction,
  context: DeviceContext,
): Promise<readonly MessageRequest[]> {
  const { wrote, known } = await getStrangers(tx);
  const requests: MessageRequest[] = [];
  for (const identity of [...wrote.map((entry) => entry.identity), ...known]) {
    const request = await getRequest(tx, context, identity as PublicKey);
    if (request !== undefined) requests.push(request);
  }
  return requests.toSorted((a, b) => a.requestedAt - b.requestedAt);
}

/** Members of our groups that wrote to us 1:1. Beyond the bound the oldest is no longer listed; its messages stay. */
async function listKnown(tx: Transaction, { limits }: DeviceContext, identity: PublicKey): Promise<void> {
  const strangers = await getStrangers(tx);
  const known = [...strangers.known, identity].slice(-limits.maxRequests);
  tx.put(strangersTable, { ...strangers, known }, 'all');
}
