import { decodeHex, encodeHex, isSottoError, type PublicKey, SottoError } from '@sotto/core';
import type { Protection, ReadTransaction, Transaction } from '@sotto/device';
import { undamaged } from '@sotto/device/internal';
import {
  decodeMemberChain,
  decodeSenderKey,
  decrypt,
  encodeMemberChain,
  isSkipped,
  listSkipped,
  resumeMemberChain,
  type SenderKeyMessage,
  startMemberChain,
} from '@sotto/sender-keys';
import type { MemberChainRecord } from '../generated/sotto/messenger/v1/groups.js';
import type { MessengerContext } from '../runtime/context.js';
import { PROTECTION_NUMBERS, protectionOf } from '../storage/records.js';
import { beyondLimit } from './fair-share.js';
import type { GroupSender } from './group-sender.js';
import { memberChainTable, skippedSenderKeyTable } from './tables.js';

/**
 * Chains kept of one device in a group; the oldest go. Whoever was away is given all those that were begun meanwhile, perhaps before the
 * messages under the first of them: one for each week and each removal. And a device gives its last three when asked, so at least five
 * have to be kept: otherwise one could come back from its beginning, and messages that were read under it be repeated.
 */
const CHAINS_OF_DEVICE = 64;
/** Chains kept of one member in a group, of all devices: they may claim any number of these. The oldest go. */
const CHAINS_OF_MEMBER = 128;
/** Message keys kept for a chain, and most messages that one may leave out: as many as an honest chain has. */
const SKIPPED_MAX = 512;
/** Most message keys kept in all. In the group that has most, the oldest of the member who has most there go. */
const SKIPPED_IN_ALL = 16_384;
/** How many are left when there were too many: finding out whose go takes a look at all of them, and anybody's message may cause it. */
const SKIPPED_LEFT = SKIPPED_IN_ALL - SKIPPED_IN_ALL / 8;

/** A message under a chain, decrypted. */
export interface OpenedByChain {
  /** An encoded `GroupPayload`. */
  readonly plaintext: Uint8Array;
  readonly senderInstallation: string;
  /** That of the chain on its way to us. */
  readonly protection: Protection;
}

/** The chains on which other devices write to groups. */
export class MemberChains {
  readonly #context: MessengerContext;
  /** Message keys kept in all, at most; how many exactly shows when they are looked at. */
  #skippedAtMost = SKIPPED_IN_ALL;

  constructor(context: MessengerContext) {
    this.#context = context;
  }

  /**
   * Keeps a chain that a member gave us. One that is known already stays as it is.
   * @returns whether it is new
   * @throws MALFORMED_MESSAGE, INVALID_PUBLIC_KEY
   */
  async accept(tx: Transaction, groupId: string, from: GroupSender, encoded: Uint8Array): Promise<boolean> {
    const { sender, senderInstallation, protection } = from;
    const { crypto } = this.#context.settings;
    const given = decodeSenderKey(encoded);
    const key = [groupId, encodeHex(sender), encodeHex(given.chain)] as const;
    const known = await this.#find(tx, ...key);
    if (known !== undefined && !known.moved) return false;
    const { next, stored } =
      known === undefined
        ? { next: startMemberChain(crypto, given), stored: [] }
        : resumeMemberChain(crypto, given, decodeMemberChain(known.state));
    const number = await this.#makeRoom(tx, groupId, sender, senderInstallation);
    if (stored.length > 0) await this.#makeRoomForSkipped(tx, stored.length);
    for (const one of stored) tx.put(skippedSenderKeyTable, one.messageKey, ...key, numberKey(one.index));
    const record: MemberChainRecord = {
      state: encodeMemberChain(next),
      installationId: senderInstallation,
      protection: PROTECTION_NUMBERS[protection],
      number,
      moved: false,
    };
    tx.put(memberChainTable, record, ...key);
    return true;
  }

  /** Whether we have a chain of a member. */
  async has(tx: ReadTransaction, groupId: string, sender: Uint8Array, chain: Uint8Array): Promise<boolean> {
    const found = await this.#find(tx, groupId, encodeHex(sender), encodeHex(chain));
    return found !== undefined && !found.moved;
  }

  /** One whose record is damaged is asked for again. */
  #find(
    tx: ReadTransaction,
    ...key: readonly [group: string, sender: string, chain: string]
  ): Promise<MemberChainRecord | undefined> {
    return undamaged(tx.get(memberChainTable, ...key));
  }

  /**
   * Decrypts a message under a chain that we have.
   * @returns `undefined` for one from before we were given the chain
   * @throws DUPLICATE_MESSAGE, INVALID_SIGNATURE, AUTHENTICATION_FAILED, and the RATCHET codes
   */
  async open(
    tx: Transaction,
    groupId: string,
    sender: PublicKey,
    message: SenderKeyMessage,
    messageId: string,
  ): Promise<OpenedByChain | undefined> {
    const { crypto } = this.#context.settings;
    const key = [groupId, encodeHex(sender), encodeHex(message.chain)] as const;
    const record = (await this.#find(tx, ...key)) as MemberChainRecord;
    const state = decodeMemberChain(record.state);
    const { index } = message;
    if (index < state.first) return undefined;
    const skippedKey = isSkipped(state, index)
      ? await tx.get(skippedSenderKeyTable, ...key, numberKey(index))
      : undefined;
    const { installationId } = record;
    const context = { groupId: decodeHex(groupId), sender, installationId };
    const limits = { maxSkipped: SKIPPED_MAX, maxStoredKeys: SKIPPED_MAX };
    let opened: ReturnType<typeof decrypt>;
    try {
      opened = decrypt(crypto, state, context, message, { skippedKey, limits });
    } catch (error) {
      if (!isSottoError(error, 'RATCHET_DUPLICATE')) throw error;
      throw new SottoError('DUPLICATE_MESSAGE', 'This message was received before.', { messageId });
    }
    const { next, keys, plaintext } = opened;
    if (keys.stored.length > 0) await this.#makeRoomForSkipped(tx, keys.stored.length);
    for (const one of keys.deleted) tx.delete(skippedSenderKeyTable, ...key, numberKey(one));
    for (const one of keys.stored)
      tx.put(skippedSenderKeyTable, one.messageKey, ...key, numberKey(one.index));
    tx.put(memberChainTable, { ...record, state: encodeMemberChain(next) }, ...key);
    return { plaintext, senderInstallation: installationId, protection: protectionOf(record.protection) };
  }

  /** Deletes all of a group. */
  async forget(tx: Transaction, groupId: string): Promise<void> {
    for (const key of await tx.keys(memberChainTable, [groupId])) tx.delete(memberChainTable, ...key);
    for (const key of await tx.keys(skippedSenderKeyTable, [groupId]))
      tx.delete(skippedSenderKeyTable, ...key);
  }

  /** Deletes the oldest chains of a member, so that there is room for one more. @returns the number of that one */
  async #makeRoom(
    tx: Transaction,
    groupId: string,
    sender: PublicKey,
    installationId: string,
  ): Promise<number> {
    const known: { readonly key: readonly string[]; readonly record: MemberChainRecord }[] = [];
    for await (const { segments, value } of tx.list(
      memberChainTable,
      [groupId, encodeHex(sender)],
      () => {},
    )) {
      known.push({ key: segments, record: value });
    }
    const newest = known.toSorted((a, b) => b.record.number - a.record.number);
    const ofDevice = newest.filter(({ record }) => record.installationId === installationId);
    const gone = new Set([...newest.slice(CHAINS_OF_MEMBER - 1), ...ofDevice.slice(CHAINS_OF_DEVICE - 1)]);
    for (const { key, record } of gone) {
      tx.delete(memberChainTable, ...key);
      for (const index of listSkipped(decodeMemberChain(record.state).skipped)) {
        tx.delete(skippedSenderKeyTable, ...key, numberKey(index));
      }
    }
    return (newest[0]?.record.number ?? 0) + 1;
  }

  /** Each message can make us keep many keys, and there is no end of members, so what they have together is limited. */
  async #makeRoomForSkipped(tx: Transaction, count: number): Promise<void> {
    const atMost = this.#skippedAtMost;
    // Too many, when nothing comes of the transaction.
    this.#skippedAtMost += count;
    if (this.#skippedAtMost <= SKIPPED_IN_ALL) return;
    const kept = (await tx.keys(skippedSenderKeyTable, [])).map((key) => {
      const [groupId, sender] = key as readonly [string, string];
      return { of: [groupId, sender] as const, size: 1, key };
    });
    const isFull = kept.length + count > SKIPPED_IN_ALL;
    const gone = isFull ? beyondLimit(kept, SKIPPED_LEFT - count) : [];
    for (const { key } of gone) tx.delete(skippedSenderKeyTable, ...key);
    const surplus = atMost - (kept.length - gone.length);
    tx.onCommit('state', () => {
      this.#skippedAtMost -= surplus;
    });
  }
}

/** Zero-padded, so that keys sort by number. */
function numberKey(number: number): string {
  return String(number).padStart(10, '0');
}
