import { compareBytes, encodeHex, type PublicKey } from '@sotto/core';
import type { ReadTransaction, Transaction } from '@sotto/device';
import { happenedWithin, storedNow, undamaged } from '@sotto/device/internal';
import type { DeviceSync, MemberSyncRecord } from '../generated/sotto/messenger/v1/groups.js';
import type { MessengerContext } from '../runtime/context.js';
import type { GroupPayload } from '../runtime/payload.js';
import type { FanoutRecord, GroupRecord } from '../storage/records.js';
import type { KnownGroup } from './records.js';
import { memberSyncTable } from './tables.js';

/** Most bytes of changes in one message: few, since it is encrypted for each device of a member separately. */
const PART_MAX_BYTES = 64 * 1024;
/** Bytes of a message beside what is encrypted for devices: bundles, headers, what the transport adds. */
const MESSAGE_OVERHEAD_BYTES = 8 * 1024;
/** The same for each further device, where a sealed message has our bundle for each of them. */
const SEALED_OVERHEAD_BYTES = 5 * 1024;
/** Bytes of changes that are repeated with every message until a device shows that it has them, so that order doesn't matter. */
const SMALL_NEWS_BYTES = 4 * 1024;
/** Smallest part, on transports for small messages. */
const PART_MIN_BYTES = 1024;
/** Devices of a member whose known changes are remembered. */
const SYNCED_DEVICES_MAX = 16;

/**
 * Wait before a member is asked for a chain that we lack, since it may be on its way, and least time between two such questions or
 * answers; in milliseconds.
 */
export const CHAIN_ASK_MS = 15_000;
/** Former members notified within one interval: a bound on the sessions that others can make us begin. */
const EXCLUSION_NOTICES_MAX = 64;

const NOTHING_KNOWN: MemberSyncRecord = {
  devices: [],
  askedAt: 0n,
  answeredAt: 0n,
  chainsAskedAt: 0n,
  chainsAnsweredAt: 0n,
};
const NO_BYTES: Uint8Array = new Uint8Array(0);

/**
 * Tracks which changes of a group the devices of its members have, and chooses what to send: what they lack, in parts that
 * fit, without needless repetition.
 */
export class MemberSync {
  readonly #context: MessengerContext;

  constructor(context: MessengerContext) {
    this.#context = context;
  }

  /** Notes which membership a device of a member named. Only for messages in a session: outside one, anyone can make up devices. */
  async acknowledged(
    tx: Transaction,
    groupId: string,
    member: PublicKey,
    installationId: string,
    ackedHash: Uint8Array,
  ): Promise<void> {
    const record = await this.#get(tx, groupId, member);
    const before = record.devices.find((device) => device.installationId === installationId);
    if (before !== undefined && compareBytes(before.ackedHash, ackedHash) === 0) return;
    const known = before ?? newDevice(installationId);
    this.#put(tx, groupId, member, withDevices(record, [{ ...known, ackedHash }]));
  }

  /** Whether to send a member what they lack, since they named a membership other than ours. */
  async isDue(tx: ReadTransaction, groupId: string, member: PublicKey, ours: Uint8Array): Promise<boolean> {
    return (
      this.#due(await this.#get(tx, groupId, member), await this.#installations(tx, member), ours).length > 0
    );
  }

  /** Whether a member may be asked for changes or chains now, or its question be answered; if so, notes the time. */
  async mayAgain(
    tx: Transaction,
    groupId: string,
    member: PublicKey,
    what: 'askedAt' | 'answeredAt' | 'chainsAskedAt' | 'chainsAnsweredAt',
  ): Promise<boolean> {
    const { groupAskIntervalMs } = this.#context.settings.limits;
    const isOfChains = what === 'chainsAskedAt' || what === 'chainsAnsweredAt';
    const record = await this.#get(tx, groupId, member);
    if (this.#isWithin(record[what], isOfChains ? CHAIN_ASK_MS : groupAskIntervalMs)) return false;
    this.#put(tx, groupId, member, { ...record, [what]: this.#now() });
    return true;
  }

  /** The notices to store if a former member may be notified now. */
  noteExclusion(record: GroupRecord, name: string): GroupRecord['exclusionNotices'] | undefined {
    const { groupTellIntervalMs } = this.#context.settings.limits;
    const recent = [...record.exclusionNotices].filter(([, at]) => this.#isWithin(at, groupTellIntervalMs));
    const notices = new Map(recent);
    if (notices.has(name) || notices.size >= EXCLUSION_NOTICES_MAX) return undefined;
    return notices.set(name, this.#now());
  }

  /**
   * The messages for one member, in order, the last with the payload. None when there is nothing to send, or when it is no
   * longer for them.
   * @param senderKey our chain, for the last one
   */
  async partsFor(
    tx: Transaction,
    message: FanoutRecord,
    { log, record }: KnownGroup,
    member: PublicKey,
    senderKey = NO_BYTES,
  ): Promise<readonly GroupPayload[]> {
    const { groupId: id, payload, request, wantedChains } = message;
    const { groupId } = log;
    const ours = log.membershipHash;
    const part = (changes: readonly Uint8Array[]): GroupPayload => ({
      groupId: id,
      membershipHash: ours,
      changes: [...changes],
      payload: undefined,
      request: false,
      senderKey: NO_BYTES,
      wantedChains: [],
    });
    const name = encodeHex(member);
    const installations = await this.#installations(tx, member);
    if (!log.isMember(name)) {
      // A removed member learns of the removal, and no more.
      const exclusion = payload === undefined ? log.exclusionOf(name) : undefined;
      return exclusion === undefined ? [] : this.#split(log.closureOf(exclusion), installations).map(part);
    }
    const sync = await this.#get(tx, groupId, member);
    const { due, changes } = this.#changesFor(message, sync, record, log, installations);
    if (due.length > 0) {
      const sent = due.map((installationId) => ({
        ...(sync.devices.find((device) => device.installationId === installationId) ??
          newDevice(installationId)),
        sentHash: ours,
        sentAt: this.#now(),
      }));
      this.#put(tx, groupId, member, withDevices(sync, sent));
    }
    const says = payload !== undefined || request || senderKey.length + wantedChains.length > 0;
    if (changes.length === 0 && !says) return [];
    const parts = this.#split(changes, installations);
    const last = parts.pop() ?? [];
    const fits = sizeOf(last) + (payload?.length ?? 0) <= this.#budget(installations);
    if (!fits && last.length > 0) parts.push(last);
    return [...parts.map(part), { ...part(fits ? last : []), payload, request, senderKey, wantedChains }];
  }

  /** The changes of the latest membership, if they are few: so that order doesn't matter. */
  latest({ past }: GroupRecord, log: KnownGroup['log']): readonly Uint8Array[] {
    const changes = log.changes(past.at(-2)?.nextNumber ?? 0);
    return sizeOf(changes) <= SMALL_NEWS_BYTES ? changes : [];
  }

  /** Devices that name a membership other than ours, and to which the changes were not sent lately. */
  #due(sync: MemberSyncRecord, installations: readonly string[], ours: Uint8Array): readonly string[] {
    return installations.filter((installationId) => {
      const device = sync.devices.find((one) => one.installationId === installationId);
      if (device === undefined) return true;
      if (compareBytes(device.ackedHash, ours) === 0) return false;
      const wasSent = compareBytes(device.sentHash, ours) === 0;
      return !wasSent || !this.#isWithin(device.sentAt, this.#context.settings.limits.groupNewsIntervalMs);
    });
  }

  /** Chooses what to send to which devices: small amounts with each message until acknowledged, large ones only once in a while. */
  #changesFor(
    { complete }: FanoutRecord,
    sync: MemberSyncRecord,
    { past }: GroupRecord,
    log: KnownGroup['log'],
    installations: readonly string[],
  ): { readonly due: readonly string[]; readonly changes: readonly Uint8Array[] } {
    if (complete) return { due: installations, changes: log.changes() };
    const after = (hash: Uint8Array) =>
      past.find((one) => compareBytes(one.hash, hash) === 0)?.nextNumber ?? 0;
    const deviceOf = (installationId: string) =>
      sync.devices.find((one) => one.installationId === installationId) ?? newDevice(installationId);
    const lacking = installations
      .map(deviceOf)
      .filter(({ ackedHash }) => compareBytes(ackedHash, log.membershipHash) !== 0);
    if (lacking.length === 0) return { due: [], changes: [] };
    const all = log.changes(Math.min(...lacking.map(({ ackedHash }) => after(ackedHash))));
    if (sizeOf(all) <= SMALL_NEWS_BYTES) {
      return { due: lacking.map(({ installationId }) => installationId), changes: all };
    }
    const due = this.#due(sync, installations, log.membershipHash);
    if (due.length === 0) return { due, changes: [] };
    const from = due.map(deviceOf).map(({ ackedHash, sentHash, sentAt }) => {
      const isOnItsWay = this.#isWithin(sentAt, this.#context.settings.limits.groupNewsIntervalMs);
      return Math.max(after(ackedHash), isOnItsWay ? after(sentHash) : 0);
    });
    return { due, changes: log.changes(Math.min(...from)) };
  }

  #split(changes: readonly Uint8Array[], installations: readonly string[]): (readonly Uint8Array[])[] {
    const budget = this.#budget(installations);
    const parts: Uint8Array[][] = [];
    let bytes = Number.POSITIVE_INFINITY;
    for (const change of changes) {
      if (bytes + change.length > budget) {
        parts.push([]);
        bytes = 0;
      }
      parts.at(-1)?.push(change);
      bytes += change.length;
    }
    return parts;
  }

  /** One message holds a ciphertext for each device of a member. */
  #budget(installations: readonly string[]): number {
    const { transport, sealsMessages } = this.#context.settings;
    const bundles = sealsMessages ? (installations.length - 1) * SEALED_OVERHEAD_BYTES : 0;
    const room = transport.capabilities.maxPayloadBytes - MESSAGE_OVERHEAD_BYTES - bundles;
    return Math.max(PART_MIN_BYTES, Math.min(PART_MAX_BYTES, Math.floor(room / installations.length)));
  }

  /** Devices that a message to a member goes to; an empty id stands for all that are not known. */
  async #installations(tx: ReadTransaction, member: PublicKey): Promise<readonly string[]> {
    const known = await this.#context.device.activeInstallations(tx, member);
    return known.length > 0 ? known : [''];
  }

  async #get(tx: ReadTransaction, groupId: string, member: PublicKey): Promise<MemberSyncRecord> {
    return (await undamaged(tx.get(memberSyncTable, groupId, encodeHex(member)))) ?? NOTHING_KNOWN;
  }

  #put(tx: Transaction, groupId: string, member: PublicKey, record: MemberSyncRecord): void {
    tx.put(memberSyncTable, record, groupId, encodeHex(member));
  }

  #now(): bigint {
    return storedNow(this.#context.settings.clock);
  }

  #isWithin(at: bigint, intervalMs: number): boolean {
    return happenedWithin(at, intervalMs, this.#context.settings);
  }
}

function newDevice(installationId: string): DeviceSync {
  return { installationId, ackedHash: new Uint8Array(0), sentHash: new Uint8Array(0), sentAt: 0n };
}

function withDevices(record: MemberSyncRecord, devices: readonly DeviceSync[]): MemberSyncRecord {
  const others = record.devices.filter((one) =>
    devices.every(({ installationId }) => installationId !== one.installationId),
  );
  return { ...record, devices: [...others, ...devices].slice(-SYNCED_DEVICES_MAX) };
}

function sizeOf(changes: readonly Uint8Array[]): number {
  return changes.reduce((bytes, { length }) => bytes + length, 0);
}
