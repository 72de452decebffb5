import { compareBytes, decodeHex, encodeHex, type TransportMessage } from '@sotto/core';
import type { ReadTransaction, Transaction } from '@sotto/device';
import { storedNow, timeSince } from '@sotto/device/internal';
import type { GroupLog } from '@sotto/group-log';
import type { SenderKeyMessage } from '@sotto/sender-keys';
import type { WaitingRecord } from '../generated/sotto/messenger/v1/groups.js';
import type { MessengerContext } from '../runtime/context.js';
import { waitingTable } from './tables.js';

/** Most bytes of messages that wait. In the group that has most, the oldest of the sender who has most there goes. */
const WAITING_MAX_BYTES = 1024 * 1024;
/** Bytes that a smaller message counts as: so 256 wait at most. */
const WAITING_LEAST_BYTES = 4096;
/** Most of one sender in a group, and of all together who aren't members of it; their oldest go. */
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

  /** All, oldest first. Those that have waited for too long are left out; not those of a time to come, when our clock was ahead. */
  async list(tx: ReadTransaction): Promise<readonly Waiting[]> {
    const found: Waiting[] = [];
    for await (const { segments, value } of tx.list(waitingTable, [], () => {})) {
      if ((timeSince(Number(value.receivedAt), this.#context.settings) ?? 0) < WAITING_MS) {
        found.push({ number: segments[0] as string, record: value });
      }
    }
    return found;
  }

  /**
   * Keeps a message; older ones go when there is no room. Somebody who isn't a member may have been added without our knowing yet:
   * all of these share what one sender has, since whoever knows the group can write under any number of names.
   */
  async add(
    tx: Transaction,
    log: Pick<GroupLog, 'groupId' | 'isMember'>,
    { chain, index }: SenderKeyMessage,
    message: TransportMessage,
  ): Promise<void> {
    const { payload, sender } = message;
    const { groupId } = log;
    const kept = (await this.list(tx)).map((one) => {
      const ofGroup = encodeHex(one.record.groupId);
      return { ...one, ofGroup, sender: shareOf(log, ofGroup, encodeHex(one.record.sender)) };
    });
    const isKnown = kept.some(
      ({ record }) =>
        compareBytes(record.payload, payload) === 0 && compareBytes(record.sender, sender) === 0,
    );
    if (isKnown || payload.length > WAITING_MAX_BYTES) return;
    const drop = (one: Counted) => {
      kept.splice(kept.indexOf(one), 1);
      tx.delete(waitingTable, one.number);
    };
    const share = shareOf(log, groupId, encodeHex(sender));
    const ofSender = kept.filter((one) => one.ofGroup === groupId && one.sender === share);
    const excess = Math.max(0, ofSender.length - (WAITING_OF_SENDER - 1));
    for (const one of ofSender.slice(0, excess)) drop(one);
    while (bytesOf(kept) + sizeOf(payload) > WAITING_MAX_BYTES) {
      drop(ofWhoeverHasMost(ofWhoeverHasMost(kept, 'ofGroup'), 'sender')[0] as Counted);
    }
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

/** A waiting message with what it is counted by. */
interface Counted extends Waiting {
  readonly ofGroup: string;
  readonly sender: string;
}

/** Whose share a message is of. */
function shareOf(log: Pick<GroupLog, 'groupId' | 'isMember'>, groupId: string, sender: string): string {
  return groupId !== log.groupId || log.isMember(sender) ? sender : '';
}

/** Of the messages, those of the group or sender with the most bytes. */
function ofWhoeverHasMost(messages: readonly Counted[], by: 'ofGroup' | 'sender'): readonly Counted[] {
  const sums = new Map<string, number>();
  for (const one of messages) sums.set(one[by], (sums.get(one[by]) ?? 0) + sizeOf(one.record.payload));
  const [most] = [...sums].toSorted(([, a], [, b]) => b - a)[0] ?? [];
  return messages.filter((one) => one[by] === most);
}

function bytesOf(messages: readonly Waiting[]): number {
  return messages.reduce((sum, { record }) => sum + sizeOf(record.payload), 0);
}

function sizeOf({ length }: Uint8Array): number {
  return Math.max(WAITING_LEAST_BYTES, length);
}
