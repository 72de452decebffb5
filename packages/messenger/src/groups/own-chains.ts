import { compareBytes, decodeHex, encodeHex, type PublicKey } from '@sotto/core';
import type { DeviceOutcome, ReadTransaction, Transaction } from '@sotto/device';
import { happenedWithin, storedNow, undamaged } from '@sotto/device/internal';
import type { GroupLog } from '@sotto/group-log';
import {
  decodeOwnChain,
  encodeOwnChain,
  encodeSenderKey,
  encrypt,
  type OwnChain,
  type SenderKeyMessage,
  senderKeyOf,
  startOwnChain,
} from '@sotto/sender-keys';
import type {
  ChainDevice,
  ChainRecipientsRecord,
  OwnChainRecord,
} from '../generated/sotto/messenger/v1/groups.js';
import type { MessengerContext } from '../runtime/context.js';
import type { MemberOutcome } from '../runtime/results.js';
import { PROTECTION_NUMBERS, protectionOf } from '../storage/records.js';
import { chainRecipientsTable, ownChainTable } from './tables.js';

/** Chains kept for a group: that in use, and some before it for members who ask for them, who keep more, see `MemberChains`. */
const CHAINS_MAX = 3;

/**
 * How often the devices of all members are compared with those that were given our chain, in milliseconds: new ones are given it;
 * when the user has disabled one, it is replaced. It takes a look at each member. A change of the membership, or of our own
 * devices, is noticed at once.
 */
const CHECK_MS = 10 * 60_000;

/** The chain on which we write to a group, and who was given it. */
export interface ChainInUse {
  readonly groupId: string;
  readonly chain: OwnChain;
  readonly recipients: ChainRecipientsRecord;
}

/**
 * The chains on which this device writes to groups, and to whom each was given. One is replaced when somebody who was given it
 * is no longer a member, or one of their devices is gone; after a number of messages, and after a time.
 */
export class OwnChains {
  readonly #context: MessengerContext;

  constructor(context: MessengerContext) {
    this.#context = context;
  }

  /** Whether messages to a group are sent once, under our chain. What is sent so has to be found in history by newcomers. */
  isFor({ state }: GroupLog): boolean {
    const { limits, transport } = this.#context.settings;
    return state.members.length >= limits.senderKeysFrom && transport.capabilities.history;
  }

  /** The chain in use, or a new one when there is none or it has to be replaced; with the members who lack it. */
  async ready(tx: Transaction, log: GroupLog): Promise<ChainInUse> {
    return (await this.#valid(tx, log)) ?? this.#begin(tx, log);
  }

  /** As {@link ready}, for a group in which we have written under a chain; otherwise `undefined`. */
  async readyIfUsed(tx: Transaction, log: GroupLog): Promise<ChainInUse | undefined> {
    if (!this.isFor(log) || (await this.#chains(tx, log.groupId)).length === 0) return undefined;
    return this.ready(tx, log);
  }

  /** What to give a member now: they can read from the next message on, or from the one at which they were given it before. */
  keyFor({ chain, recipients }: ChainInUse, member: Uint8Array): Uint8Array {
    const { crypto } = this.#context.settings;
    return encodeSenderKey(senderKeyOf(crypto, chain, recipientIn(recipients, member)?.index));
  }

  /** Notes to which devices of a member a chain was sent. */
  noteGiven(
    tx: Transaction,
    { groupId, chain, recipients }: ChainInUse,
    member: Uint8Array,
    outcomes: readonly DeviceOutcome[],
  ): ChainInUse {
    const devices = outcomes.flatMap((one) =>
      'failed' in one
        ? []
        : {
            installationId: one.installationId,
            protection: PROTECTION_NUMBERS[one.sent === 'x3dh+dr' ? 'dr' : one.sent],
          },
    );
    const index = recipientIn(recipients, member)?.index ?? chain.index;
    const others = recipients.recipients.filter(({ identity }) => compareBytes(identity, member) !== 0);
    const next: ChainRecipientsRecord = {
      ...recipients,
      recipients: [...others, { identity: member, index, devices }],
      lacking: recipients.lacking.filter((identity) => compareBytes(identity, member) !== 0),
    };
    tx.put(chainRecipientsTable, next, groupId, encodeHex(chain.chain));
    return { groupId, chain, recipients: next };
  }

  /** Encrypts for everybody who was given a chain. @throws RATCHET_EXHAUSTED */
  async seal(tx: Transaction, { groupId, chain }: ChainInUse, plaintext: Uint8Array): Promise<Uint8Array> {
    const { device, settings } = this.#context;
    const context = {
      groupId: decodeHex(groupId),
      sender: device.identity,
      installationId: device.installationId,
    };
    const { next, encoded } = encrypt(settings.crypto, chain, context, plaintext);
    const chains = await this.#chains(tx, groupId);
    const last = chains.at(-1) as OwnChainRecord;
    tx.put(
      ownChainTable,
      { chains: [...chains.slice(0, -1), { ...last, state: encodeOwnChain(next) }] },
      groupId,
    );
    return encoded;
  }

  /** Whether the membership changed lately, so that members may not know of it. */
  changedLately({ recipients }: ChainInUse): boolean {
    return this.#isWithin(recipients.changedAt, this.#context.settings.limits.groupNewsIntervalMs);
  }

  /** Whom a message under a chain goes to. */
  outcomes({ recipients }: ChainInUse): readonly MemberOutcome[] {
    return recipients.recipients.map(({ identity, devices }) => ({
      member: identity as PublicKey,
      result: {
        devices: devices.map(({ installationId, protection }) => ({
          installationId,
          sent: protectionOf(protection) as 'pq' | 'dr' | 'dh',
        })),
        sealedSender: false,
      },
    }));
  }

  /**
   * Sees a message of our identity. One under the chain in use that this device has not written yet shows that the store is an old copy:
   * its numbers were used, and members would take what we write for repetitions. So that chain is not written on again.
   * @returns whether it is under a chain of this device
   */
  async recognise(tx: Transaction, groupId: string, message: SenderKeyMessage): Promise<boolean> {
    const found = await this.#find(tx, groupId, message.chain);
    if (found === undefined || message.index < found.chain.index) return found !== undefined;
    const chains = await this.#chains(tx, groupId);
    const state = encodeOwnChain(found.chain);
    const retired = chains.map((one) =>
      compareBytes(one.state, state) === 0 ? { ...one, begunAt: 0n } : one,
    );
    tx.put(ownChainTable, { chains: retired }, groupId);
    return true;
  }

  /** Whether a chain is one of ours. */
  async isOwn(tx: ReadTransaction, groupId: string, name: Uint8Array): Promise<boolean> {
    return (await this.#find(tx, groupId, name)) !== undefined;
  }

  /**
   * A chain of ours that a member has asked for: see {@link keyFor} for what they may have of it. Of one that is no longer in use,
   * whoever was not given it gets what comes after the last message.
   */
  async requested(tx: ReadTransaction, log: GroupLog, name: Uint8Array): Promise<ChainInUse | undefined> {
    return this.#find(tx, log.groupId, name);
  }

  /**
   * Notes that people are no longer members. The chain in use is replaced if one of them has it, also should they be back before we write; and
   * of those before, none is given to them again from the same number on: they may have forgotten the group, and what they have read in it.
   * @param gone identities in hex
   */
  async noteGone(tx: Transaction, groupId: string, gone: ReadonlySet<string>): Promise<void> {
    const chains = await this.#chains(tx, groupId);
    const without = async ({ state }: OwnChainRecord): Promise<boolean> => {
      const name = encodeHex(decodeOwnChain(state).chain);
      const before = await this.#recipientsOf(tx, groupId, name);
      const recipients = before?.recipients.filter(({ identity }) => !gone.has(encodeHex(identity)));
      if (before === undefined || recipients?.length === before.recipients.length) return false;
      tx.put(chainRecipientsTable, { ...before, recipients: recipients ?? [] }, groupId, name);
      return true;
    };
    let hadLast = false;
    for (const chain of chains) hadLast = await without(chain);
    const last = chains.at(-1);
    if (!hadLast || last === undefined) return;
    tx.put(ownChainTable, { chains: [...chains.slice(0, -1), { ...last, begunAt: 0n }] }, groupId);
  }

  /** Deletes all of a group. */
  async forget(tx: Transaction, groupId: string): Promise<void> {
    for (const key of await tx.keys(chainRecipientsTable, [groupId])) tx.delete(chainRecipientsTable, ...key);
    tx.delete(ownChainTable, groupId);
  }

  /** Those of a record that is damaged are replaced: members ask for what they miss. */
  async #chains(tx: ReadTransaction, groupId: string): Promise<readonly OwnChainRecord[]> {
    return (await undamaged(tx.get(ownChainTable, groupId)))?.chains ?? [];
  }

  /** `undefined` when nobody knows who has a chain. */
  #recipientsOf(
    tx: ReadTransaction,
    groupId: string,
    name: string,
  ): Promise<ChainRecipientsRecord | undefined> {
    return undamaged(tx.get(chainRecipientsTable, groupId, name));
  }

  async #find(tx: ReadTransaction, groupId: string, name: Uint8Array): Promise<ChainInUse | undefined> {
    for (const { state } of await this.#chains(tx, groupId)) {
      const chain = decodeOwnChain(state);
      if (compareBytes(chain.chain, name) !== 0) continue;
      const recipients = await this.#recipientsOf(tx, groupId, encodeHex(chain.chain));
      return recipients && { groupId, chain, recipients };
    }
    return undefined;
  }

  async #begin(tx: Transaction, log: GroupLog): Promise<ChainInUse> {
    const { device, settings } = this.#context;
    const { groupId } = log;
    const chain = startOwnChain(settings.crypto);
    const record = {
      state: encodeOwnChain(chain),
      begunAt: storedNow(settings.clock),
      epoch: await device.storeEpoch(tx),
    };
    const before = await this.#chains(tx, groupId);
    const kept = before.slice(1 - CHAINS_MAX);
    for (const { state } of before.slice(0, before.length - kept.length)) {
      tx.delete(chainRecipientsTable, groupId, encodeHex(decodeOwnChain(state).chain));
    }
    tx.put(ownChainTable, { chains: [...kept, record] }, groupId);
    const recipients = await this.#checked(tx, log, {
      recipients: [],
      lacking: [],
      checkedHash: new Uint8Array(0),
      checkedAt: 0n,
      changedAt: 0n,
    });
    tx.put(chainRecipientsTable, recipients, groupId, encodeHex(chain.chain));
    return { groupId, chain, recipients };
  }

  /** The chain in use; `undefined` when another one has to be begun. */
  async #valid(tx: Transaction, log: GroupLog): Promise<ChainInUse | undefined> {
    const { device, settings } = this.#context;
    const { limits } = settings;
    const { groupId } = log;
    const record = (await this.#chains(tx, groupId)).at(-1);
    if (record === undefined || record.epoch !== (await device.storeEpoch(tx))) return undefined;
    const chain = decodeOwnChain(record.state);
    if (chain.index >= limits.senderKeyMessages || !this.#isWithin(record.begunAt, limits.senderKeyMs)) {
      return undefined;
    }
    const name = encodeHex(chain.chain);
    const recipients = await this.#recipientsOf(tx, groupId, name);
    if (recipients === undefined) return undefined;
    const isSame = compareBytes(recipients.checkedHash, log.membershipHash) === 0;
    const isChecked = isSame && this.#isWithin(recipients.checkedAt, CHECK_MS);
    if (isChecked && (await this.#hasOwnDevices(tx, recipients))) return { groupId, chain, recipients };
    if (!(await this.#holds(tx, log, recipients))) return undefined;
    const checked = await this.#checked(tx, log, recipients);
    tx.put(chainRecipientsTable, checked, groupId, name);
    return { groupId, chain, recipients: checked };
  }

  /** Whether our other devices all have a chain, and none that has was unlinked. */
  async #hasOwnDevices(tx: ReadTransaction, recipients: ChainRecipientsRecord): Promise<boolean> {
    const { device } = this.#context;
    const given = recipientIn(recipients, device.identity)?.devices ?? [];
    const active = await device.activeInstallations(tx, device.identity);
    const has = (id: string) => given.some(({ installationId }) => installationId === id);
    return active.every(has) && !(await this.#isUnlinked(tx, device.identity, given));
  }

  /** Whether all who were given a chain are members, and no device that it was sent to was unlinked. */
  async #holds(tx: ReadTransaction, log: GroupLog, { recipients }: ChainRecipientsRecord): Promise<boolean> {
    for (const { identity, devices } of recipients) {
      if (!log.isMember(encodeHex(identity))) return false;
      if (await this.#isUnlinked(tx, identity as PublicKey, devices)) return false;
    }
    return true;
  }

  /** Whether the user has disabled one of these devices. One that was active long ago only gets no new chain. */
  async #isUnlinked(
    tx: ReadTransaction,
    identity: PublicKey,
    given: readonly ChainDevice[],
  ): Promise<boolean> {
    const known = await this.#context.device.devices(tx, identity);
    return known.some(
      ({ enabled, installationId }) => !enabled && given.some((one) => one.installationId === installationId),
    );
  }

  /** Who lacks a chain: members with a device that was not sent it. */
  async #checked(
    tx: ReadTransaction,
    log: GroupLog,
    record: ChainRecipientsRecord,
  ): Promise<ChainRecipientsRecord> {
    const { device, settings } = this.#context;
    const given = new Map(record.recipients.map((one) => [encodeHex(one.identity), one.devices]));
    const lacking: Uint8Array[] = [];
    for (const name of log.state.members) {
      const identity = decodeHex(name) as PublicKey;
      const active = await device.activeInstallations(tx, identity);
      if (active.length === 0 && compareBytes(identity, device.identity) === 0) continue;
      const has = given.get(name) ?? [];
      const isComplete = active.every((id) => has.some(({ installationId }) => installationId === id));
      if (active.length === 0 || !isComplete) lacking.push(identity);
    }
    const now = storedNow(settings.clock);
    const isSame = compareBytes(record.checkedHash, log.membershipHash) === 0;
    return {
      ...record,
      lacking,
      checkedHash: log.membershipHash,
      checkedAt: now,
      changedAt: isSame ? record.changedAt : now,
    };
  }

  #isWithin(at: bigint, ms: number): boolean {
    return happenedWithin(at, ms, this.#context.settings);
  }
}

function recipientIn({ recipients }: ChainRecipientsRecord, member: Uint8Array) {
  return recipients.find(({ identity }) => compareBytes(identity, member) === 0);
}
