import { compareBytes, encodeHex, type PublicKey } from '@sotto/core';
import type { Device } from '../device/device.js';
import { storedNow } from '../device/own-clock.js';
import type { GroupPayload } from '../generated/sotto/messenger/v1/payload.js';
import type {
  FanoutRecord,
  GroupRecord,
  HeardDevice,
  HeardRecord,
} from '../generated/sotto/messenger/v1/storage.js';
import type { Settings } from '../options.js';
import type { UnitOfWork } from '../storage/ledger.js';
import { heardTable } from '../storage/tables.js';
import type { KnownGroup } from './records.js';

/** Bytes of changes in one message at most: a small one, since each device of a member gets it encrypted by itself. */
const PART_MAX_BYTES = 64 * 1024;
/** Bytes of a message beside what is encrypted for devices: bundles, headers, what the transport adds. */
const MESSAGE_OVERHEAD_BYTES = 8 * 1024;
/** Bytes of news that go along with every message until a device shows that it knows: so the order doesn't matter. */
const SMALL_NEWS_BYTES = 4 * 1024;
/** The least of a part, on transports for small messages. */
const PART_MIN_BYTES = 1024;
/** Devices of a member of which it is remembered what they know. */
const HEARD_DEVICES_MAX = 16;

/** Who are out and are told so, within one interval: nobody can make us begin sessions with a crowd. */
const TOLD_MAX = 64;

const NOTHING_HEARD: HeardRecord = { devices: [], askedAt: 0n, answeredAt: 0n };

type TellingSettings = Pick<Settings, 'clock' | 'limits' | 'transport'>;

/** Who knows what of groups, and what is told to whom: news in parts that fit, and not the same again and again. */
export class Telling {
  readonly #device: Device;
  readonly #settings: TellingSettings;

  constructor(device: Device, settings: TellingSettings) {
    this.#device = device;
    this.#settings = settings;
  }

  /** Notes which membership a device of a member named. Only for messages of a session: anybody can make up devices. */
  async heard(
    work: UnitOfWork,
    groupId: string,
    member: PublicKey,
    installationId: string,
    membershipHash: Uint8Array,
  ): Promise<void> {
    const record = await this.#get(work, groupId, member);
    const before = record.devices.find((device) => device.installationId === installationId);
    if (before !== undefined && compareBytes(before.membershipHash, membershipHash) === 0) return;
    const known = before ?? unheard(installationId);
    this.#put(work, groupId, member, withDevices(record, [{ ...known, membershipHash }]));
  }

  /** Whether a member is to be told what it lacks, for naming another membership than ours. */
  async isDue(work: UnitOfWork, groupId: string, member: PublicKey, ours: Uint8Array): Promise<boolean> {
    return (
      this.#due(await this.#get(work, groupId, member), await this.#installations(work, member), ours)
        .length > 0
    );
  }

  /** Whether a member may be asked for changes now, or may have its question answered; notes that it is. */
  async mayAgain(
    work: UnitOfWork,
    groupId: string,
    member: PublicKey,
    what: 'askedAt' | 'answeredAt',
  ): Promise<boolean> {
    const record = await this.#get(work, groupId, member);
    if (!this.#isPast(record[what], this.#settings.limits.groupAskIntervalMs)) return false;
    this.#put(work, groupId, member, { ...record, [what]: this.#now() });
    return true;
  }

  /** Whether somebody who is out may be told so now; gives what to keep of that. */
  tellAgain(record: GroupRecord, who: string): GroupRecord['told'] | undefined {
    const { groupTellIntervalMs } = this.#settings.limits;
    if (!this.#isPast(record.told.get(who) ?? 0n, groupTellIntervalMs)) return undefined;
    const told = new Map([...record.told].filter(([, at]) => !this.#isPast(at, groupTellIntervalMs)));
    if (told.size >= TOLD_MAX) return undefined;
    return told.set(who, this.#now());
  }

  /**
   * What one member gets: messages in order, the last with the payload. None when there is nothing to say, or when it
   * is no longer for the member.
   */
  async partsFor(
    work: UnitOfWork,
    fanout: FanoutRecord,
    { log, record }: KnownGroup,
    member: PublicKey,
  ): Promise<readonly GroupPayload[]> {
    const { groupId: id, payload, request } = fanout;
    const { groupId } = log;
    const ours = log.membershipHash;
    const part = (changes: readonly Uint8Array[]): GroupPayload => ({
      groupId: id,
      membershipHash: ours,
      changes: [...changes],
      payload: undefined,
      request: false,
    });
    const name = encodeHex(member);
    const installations = await this.#installations(work, member);
    if (!log.isMember(name)) {
      // Who was put out is told that, and no more.
      const exclusion = payload === undefined ? log.exclusionOf(name) : undefined;
      return exclusion === undefined ? [] : this.#split(log.closureOf(exclusion), installations).map(part);
    }
    const heard = await this.#get(work, groupId, member);
    const { due, changes } = this.#news(fanout, heard, record, log, installations);
    if (due.length > 0) {
      const told = due.map((installationId) => ({
        ...(heard.devices.find((device) => device.installationId === installationId) ??
          unheard(installationId)),
        toldHash: ours,
        toldAt: this.#now(),
      }));
      this.#put(work, groupId, member, withDevices(heard, told));
    }
    if (changes.length === 0 && payload === undefined && !request) return [];
    const parts = this.#split(changes, installations);
    const last = parts.pop() ?? [];
    const fits = sizeOf(last) + (payload?.length ?? 0) <= this.#budget(installations);
    if (!fits && last.length > 0) parts.push(last);
    return [...parts.map(part), { ...part(fits ? last : []), payload, request }];
  }

  /** Devices that name another membership than ours, and were not told it lately. */
  #due(heard: HeardRecord, installations: readonly string[], ours: Uint8Array): readonly string[] {
    return installations.filter((installationId) => {
      const device = heard.devices.find((one) => one.installationId === installationId);
      if (device === undefined) return true;
      if (compareBytes(device.membershipHash, ours) === 0) return false;
      const wasTold = compareBytes(device.toldHash, ours) === 0;
      return !wasTold || this.#isPast(device.toldAt, this.#settings.limits.groupNewsIntervalMs);
    });
  }

  /** What is told to which devices: a little again and again until they show that they know, much only once in a while. */
  #news(
    { complete }: FanoutRecord,
    heard: HeardRecord,
    { past }: GroupRecord,
    log: KnownGroup['log'],
    installations: readonly string[],
  ): { readonly due: readonly string[]; readonly changes: readonly Uint8Array[] } {
    if (complete) return { due: installations, changes: log.changes() };
    const after = (hash: Uint8Array) =>
      past.find((one) => compareBytes(one.hash, hash) === 0)?.nextNumber ?? 0;
    const deviceOf = (installationId: string) =>
      heard.devices.find((one) => one.installationId === installationId) ?? unheard(installationId);
    const lacking = installations
      .map(deviceOf)
      .filter(({ membershipHash }) => compareBytes(membershipHash, log.membershipHash) !== 0);
    if (lacking.length === 0) return { due: [], changes: [] };
    const all = log.changes(Math.min(...lacking.map(({ membershipHash }) => after(membershipHash))));
    if (sizeOf(all) <= SMALL_NEWS_BYTES) {
      return { due: lacking.map(({ installationId }) => installationId), changes: all };
    }
    const due = this.#due(heard, installations, log.membershipHash);
    if (due.length === 0) return { due, changes: [] };
    const from = due.map(deviceOf).map(({ membershipHash, toldHash, toldAt }) => {
      const isUnderWay = !this.#isPast(toldAt, this.#settings.limits.groupNewsIntervalMs);
      return Math.max(after(membershipHash), isUnderWay ? after(toldHash) : 0);
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

  /** Each device of a member gets what is sent encrypted by itself, in one message. */
  #budget(installations: readonly string[]): number {
    const room = this.#settings.transport.capabilities.maxPayloadBytes - MESSAGE_OVERHEAD_BYTES;
    return Math.max(PART_MIN_BYTES, Math.min(PART_MAX_BYTES, Math.floor(room / installations.length)));
  }

  /** Devices that a message to a member goes to; one without a name stands for all that are not known. */
  async #installations(work: UnitOfWork, member: PublicKey): Promise<readonly string[]> {
    const known = await this.#device.activeInstallations(work, member);
    return known.length > 0 ? known : [''];
  }

  async #get(work: UnitOfWork, groupId: string, member: PublicKey): Promise<HeardRecord> {
    return (await work.get(heardTable, groupId, encodeHex(member))) ?? NOTHING_HEARD;
  }

  #put(work: UnitOfWork, groupId: string, member: PublicKey, record: HeardRecord): void {
    work.put(heardTable, record, groupId, encodeHex(member));
  }

  #now(): bigint {
    return storedNow(this.#settings.clock);
  }

  /** Whether a moment is longer ago than that. One in the future is none. */
  #isPast(at: bigint, intervalMs: number): boolean {
    const since = this.#settings.clock.now() - Number(at);
    return since < 0 || since >= intervalMs;
  }
}

function unheard(installationId: string): HeardDevice {
  return { installationId, membershipHash: new Uint8Array(0), toldHash: new Uint8Array(0), toldAt: 0n };
}

function withDevices(record: HeardRecord, devices: readonly HeardDevice[]): HeardRecord {
  const others = record.devices.filter((one) =>
    devices.every(({ installationId }) => installationId !== one.installationId),
  );
  return { ...record, devices: [...others, ...devices].slice(-HEARD_DEVICES_MAX) };
}

function sizeOf(changes: readonly Uint8Array[]): number {
  return changes.reduce((bytes, { length }) => bytes + length, 0);
}
