import { compareBytes, decodeHex, encodeHex, type TransportMessage } from '@sotto/core';
import type { ReadTransaction, Transaction } from '@sotto/device';
import { storedNow, timeSince } from '@sotto/device/internal';
import type { GroupLog } from '@sotto/group-log';
import type { SenderKeyMessage } from '@sotto/sender-keys';
import type { WaitingRecord } from '../generated/sotto/messenger/v1/groups.js';
import type { MessengerContext } from '../runtime/context.js';
import { beyondLimit } from './fair-share.js';
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
    const waiting = (await this.list(tx)).map((one) => {
      const { record, number } = one;
      const ofGroup = encodeHex(record.groupId);
      const share = shareOf(log, ofGroup, encodeHex(record.sender));
      return { groupId: ofGroup, sender: share, size: sizeOf(record.payload), record, number };
    });
    const isKnown = waiting.some(
      ({ record }) =>
        compareBytes(record.payload, payload) === 0 && compareBytes(record.sender, sender) === 0,
    );
    if (isKnown || payload.length > WAITING_MAX_BYTES) return;
    const share = shareOf(log, groupId, encodeHex(sender));
    const ofSender = waiting.filter((one) => one.groupId === groupId && one.sender === share);
    const gone = new Set(ofSender.slice(0, Math.max(0, ofSender.length - (WAITING_OF_SENDER - 1))));
    const kept = waiting.filter((one) => !gone.has(one));
    for (const one of [...gone, ...beyondLimit(kept, WAITING_MAX_BYTES - sizeOf(payload))]) {
      tx.delete(waitingTable, one.number);
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

/** Whose share a message is of. */
function shareOf(log: Pick<GroupLog, 'groupId' | 'isMember'>, groupId: string, sender: string): string {
  return groupId !== log.groupId || log.isMember(sender) ? sender : '';
}

function sizeOf({ length }: Uint8Array): number {
  return Math.max(WAITING_LEAST_BYTES, length);
}
