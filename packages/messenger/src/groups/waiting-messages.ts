import { compareBytes, decodeHex, encodeHex, type TransportMessage } from '@sotto/core';
import type { ReadTransaction, Transaction } from '@sotto/device';
import { happenedWithin, storedNow } from '@sotto/device/internal';
import type { SenderKeyMessage } from '@sotto/sender-keys';
import type { WaitingRecord } from '../generated/sotto/messenger/v1/groups.js';
import type { MessengerContext } from '../runtime/context.js';
import { waitingTable } from './tables.js';

/** Most messages that wait. The oldest go, those of the sender first who has most. */
const WAITING_MAX = 256;
/** Most bytes of these. */
const WAITING_MAX_BYTES = 1024 * 1024;
/** Most of one sender; their oldest go. */
const WAITING_OF_SENDER = 64;
/** Time after which nobody will give us the chain any more, in milliseconds. */
const WAITING_MS = 7 * 24 * 60 * 60_000;

/** A message that waits. */
export interface Waiting {
  /** Names it. */
  readonly number: string;
  readonly record: WaitingRecord;
}

/** Messages to whole groups that arrived before the chain of their sender: stored, encrypted, within bounds. */
export class WaitingMessages {
  readonly #context: MessengerContext;

  constructor(context: MessengerContext) {
    this.#context = context;
  }

  /** All, oldest first. Those that have waited for too long are left out. */
  async list(tx: ReadTransaction): Promise<readonly Waiting[]> {
    const found: Waiting[] = [];
    for await (const { segments, value } of tx.list(waitingTable, [], () => {})) {
      if (happenedWithin(value.receivedAt, WAITING_MS, this.#context.settings)) {
        found.push({ number: segments[0] as string, record: value });
      }
    }
    return found;
  }

  /** Keeps a message; older ones go when there is no room. */
  async add(
    tx: Transaction,
    groupId: string,
    { chain, index }: SenderKeyMessage,
    message: TransportMessage,
  ): Promise<void> {
    const { payload, sender } = message;
    const waiting = await this.list(tx);
    const isKnown = waiting.some(
      ({ record }) =>
        compareBytes(record.payload, payload) === 0 && compareBytes(record.sender, sender) === 0,
    );
    if (isKnown || payload.length > WAITING_MAX_BYTES) return;
    const kept = [...waiting];
    const drop = (one: Waiting) => {
      kept.splice(kept.indexOf(one), 1);
      tx.delete(waitingTable, one.number);
    };
    const ofSender = () => kept.filter(({ record }) => compareBytes(record.sender, sender) === 0);
    while (ofSender().length >= WAITING_OF_SENDER) drop(ofSender()[0] as Waiting);
    const bytes = () => kept.reduce((sum, { record }) => sum + record.payload.length, payload.length);
    while (kept.length >= WAITING_MAX || bytes() > WAITING_MAX_BYTES) drop(oldestOfMost(kept));
    const { clock, crypto } = this.#context.settings;
    const receivedAt = storedNow(clock);
    // In the order of arrival; random, since another transaction may add one at the same time.
    const order = [receivedAt, index].map((part) => String(part).padStart(16, '0'));
    const number = [...order, encodeHex(crypto.randomBytes(8))].join('-');
    const record: WaitingRecord = {
      groupId: decodeHex(groupId),
      sender,
      chain,
      payload,
      sentAt: BigInt(Math.trunc(message.sentAt)),
      receivedAt,
    };
    tx.put(waitingTable, record, number);
  }

  /** Deletes those that have waited for too long, and those of a group that is forgotten. */
  async forget(tx: Transaction, groupId?: string): Promise<void> {
    const left = new Set((await this.list(tx)).map(({ number }) => number));
    for await (const { segments, value } of tx.list(waitingTable, [], () => {})) {
      const [number] = segments as [string];
      if (!left.has(number) || encodeHex(value.groupId) === groupId) tx.delete(waitingTable, number);
    }
  }
}

/** The oldest message of the sender who has most. */
function oldestOfMost(waiting: readonly Waiting[]): Waiting {
  const counts = new Map<string, number>();
  for (const { record } of waiting) {
    const name = encodeHex(record.sender);
    counts.set(name, (counts.get(name) ?? 0) + record.payload.length);
  }
  const [most] = [...counts].toSorted(([, a], [, b]) => b - a)[0] as [string, number];
  return waiting.find(({ record }) => encodeHex(record.sender) === most) as Waiting;
}
