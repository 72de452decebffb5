import { compareBytes, decodeHex, encodeHex, type PublicKey, type TransportMessage } from '@sotto/core';
import type { ReadTransaction, Transaction } from '@sotto/device';
import { storedNow, timeSince } from '@sotto/device/internal';
import type { GroupLog } from '@sotto/group-log';
import { isSigned, type SenderKeyMessage } from '@sotto/sender-keys';
import type { WaitingRecord } from '../generated/sotto/messenger/v1/groups.js';
import type { MessengerContext } from '../runtime/context.js';
import { beyondLimit } from './fair-share.js';
import { waitingTable } from './tables.js';

/** Most bytes of messages that wait. In the group that has most, the oldest of the sender who has most there goes. */
const WAITING_MAX_BYTES = 1024 * 1024;
/** Bytes that a smaller message counts as: so 256 wait at most. */
const WAITING_LEAST_BYTES = 4096;
/** Most of one sender in a group, see {@link shareOf}; their oldest go. */
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
    encrypted: SenderKeyMessage,
    message: TransportMessage,
  ): Promise<void> {
    const { payload, sender } = message;
    const { groupId } = log;
    const waiting = (await this.list(tx)).map((one) => {
      const { record, number } = one;
      return { of: shareOf(log, record), size: sizeOf(record.payload), record, number };
    });
    // The same message may have been moved here from another group, or there from here.
    const isKnown = waiting.some(
      ({ of: [ofGroup], record }) =>
        ofGroup === groupId &&
        compareBytes(record.payload, payload) === 0 &&
        compareBytes(record.sender, sender) === 0,
    );
    if (isKnown || payload.length > WAITING_MAX_BYTES) return;
    const { clock } = this.#context.settings;
    const record: WaitingRecord = {
      groupId: decodeHex(groupId),
      sender,
      chain: encrypted.chain,
      payload,
      sentAt: BigInt(Math.trunc(message.sentAt)),
      receivedAt: storedNow(clock),
      signed: await this.#isSigned(tx, groupId, sender, encrypted),
    };
    const [, share] = shareOf(log, record);
    const ofSender = waiting.filter(({ of }) => of[0] === groupId && of[1] === share);
    const gone = new Set(ofSender.slice(0, Math.max(0, ofSender.length - (WAITING_OF_SENDER - 1))));
    const kept = waiting.filter((one) => !gone.has(one));
    for (const one of [...gone, ...beyondLimit(kept, WAITING_MAX_BYTES - sizeOf(payload))]) {
      tx.delete(waitingTable, one.number);
    }
    tx.put(waitingTable, record, this.#nextNumber(waiting.at(-1)?.number, record, encrypted));
  }

  /**
   * Names a message so that they come in the order of arrival, also when our clock is set back; those of one moment in that of their chain.
   * Random, since another transaction may add one at the same time.
   */
  #nextNumber(last = '0', { receivedAt }: WaitingRecord, { index }: SenderKeyMessage): string {
    const at = Math.max(Number(receivedAt), Number(last.split('-')[0]));
    const order = [at, index].map((part) => String(part).padStart(16, '0'));
    return [...order, encodeHex(this.#context.settings.crypto.randomBytes(8))].join('-');
  }

  /** Whether one of the devices of its sender that we know signed a message for this group. */
  async #isSigned(
    tx: ReadTransaction,
    groupId: string,
    sender: PublicKey,
    encrypted: SenderKeyMessage,
  ): Promise<boolean> {
    const { device, settings } = this.#context;
    const devices = await device.activeInstallations(tx, sender);
    const context = { groupId: decodeHex(groupId), sender };
    return devices.some((installationId) =>
      isSigned(settings.crypto, { ...context, installationId }, encrypted),
    );
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

/**
 * Whose share a message is of: a group, and in it a sender. All who aren't members have one together. A member has two: one for what their
 * devices have signed for the group, another one for the rest, which somebody else may have moved here from another group.
 */
function shareOf(
  log: Pick<GroupLog, 'groupId' | 'isMember'>,
  { groupId, sender, signed }: WaitingRecord,
): readonly [group: string, sender: string] {
  const [group, name] = [encodeHex(groupId), encodeHex(sender)];
  if (group === log.groupId && !log.isMember(name)) return [group, ''];
  return [group, signed ? name : `unsigned ${name}`];
}

function sizeOf({ length }: Uint8Array): number {
  return Math.max(WAITING_LEAST_BYTES, length);
}
