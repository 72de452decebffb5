import { compareBytes, encodeHex, type PublicKey } from '@sotto/core';
import type { ReadTransaction, Transaction } from '@sotto/device';
import { storedNow, timeSince } from '@sotto/device/internal';
import type { EarlyRecord } from '../generated/sotto/messenger/v1/storage.js';
import { beyondLimit } from '../groups/fair-share.js';
import type { MessengerContext } from '../runtime/context.js';
import { earlyTable, groupTable } from '../storage/tables.js';
import type { IdentifiedMessage } from './sealed-senders.js';

/** Most bytes of messages that wait. The oldest of the sender who has most goes. */
const MOST_BYTES = 1024 * 1024;
/** Bytes that a smaller message counts as: so 256 wait at most. */
const LEAST_BYTES = 4096;
/** Time after which a group won't come any more, in milliseconds. */
const EARLY_MS = 7 * 24 * 60 * 60_000;

/** Decimal digits of what puts them in order: milliseconds since the epoch. */
const ORDER_DIGITS = 16;

/** The key of a message that waits. */
export type EarlyKey = readonly [groupId: string, number: string];

/**
 * Messages of groups that are not known yet: they arrived before the changes that create it. They are stored as they came, encrypted, so
 * that they can be received once the group exists.
 */
export class EarlyMessages {
  readonly #context: MessengerContext;

  constructor(context: MessengerContext) {
    this.#context = context;
  }

  /** Keeps a message; older ones go when there is no room. @returns whether it is one that can be kept */
  async add(tx: Transaction, groupId: string, message: IdentifiedMessage): Promise<boolean> {
    const { sender, payload, sealedSender = false } = message;
    if (payload.length > MOST_BYTES) return false;
    const waiting = await this.#all(tx);
    const isKnown = waiting.some(
      (one) => compareBytes(one.payload, payload) === 0 && compareBytes(one.sender, sender) === 0,
    );
    if (isKnown) return true;
    const isOld = ({ receivedAt }: EarlyRecord) =>
      (timeSince(Number(receivedAt), this.#context.settings) ?? 0) >= EARLY_MS;
    // Anybody can name groups that never come: the share is that of the sender.
    const shares = waiting
      .filter((one) => !isOld(one))
      .map((one) => ({
        ...one,
        of: [encodeHex(one.sender), one.key[0]] as const,
        size: sizeOf(one.payload),
      }));
    for (const one of [...waiting.filter(isOld), ...beyondLimit(shares, MOST_BYTES - sizeOf(payload))])
      tx.delete(earlyTable, ...one.key);
    const { clock, crypto } = this.#context.settings;
    const receivedAt = storedNow(clock);
    // In the order of arrival, also within a millisecond; random, since another transaction may add one at the same time.
    const last = Number(waiting.at(-1)?.key[1].slice(0, ORDER_DIGITS) ?? 0);
    const order = String(Math.max(Number(receivedAt), last + 1)).padStart(ORDER_DIGITS, '0');
    const number = `${order}-${encodeHex(crypto.randomBytes(8))}`;
    const sentAt = BigInt(Math.trunc(message.sentAt));
    tx.put(earlyTable, { sender, payload, sentAt, sealedSender, receivedAt }, groupId, number);
    return true;
  }

  /** Those of a group, or of all groups that are known by now, oldest first. */
  async list(
    tx: ReadTransaction,
    groupId?: string,
  ): Promise<readonly (readonly [EarlyKey, IdentifiedMessage])[]> {
    const waiting = await this.#all(tx, groupId);
    const groups = new Set(waiting.map(({ key }) => key[0]));
    for (const one of groups) if ((await tx.get(groupTable, one)) === undefined) groups.delete(one);
    // What comes of one is the same on any topic that we share with its sender.
    const channel = { kind: 'partitioned', recipient: this.#context.device.identity } as const;
    const ready = waiting.filter(({ key }) => groups.has(key[0]));
    return ready.map(({ key, sender, payload, sentAt, sealedSender }) => [
      key,
      {
        sender: sender as PublicKey,
        payload,
        channel,
        sentAt: Number(sentAt),
        sealedSender,
        fromHistory: true,
      },
    ]);
  }

  async #all(tx: ReadTransaction, groupId?: string) {
    const found = [];
    const under = groupId === undefined ? [] : [groupId];
    for await (const { segments, value } of tx.list(earlyTable, under, () => {}))
      found.push({ ...value, key: segments as unknown as EarlyKey });
    return found.sort((a, b) => (a.key[1] < b.key[1] ? -1 : 1));
  }
}

function sizeOf({ length }: Uint8Array): number {
  return Math.max(LEAST_BYTES, length);
}
