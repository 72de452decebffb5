import { encodeHex } from '@sotto/core';
import type { CryptoProvider } from '@sotto/crypto';
import type { ReadTransaction, Transaction } from '@sotto/device';
import { type Applied, GroupLog, type StoredChange } from '@sotto/group-log';
import type { GroupRecord } from '../storage/records.js';
import { changeTable, groupTable } from '../storage/tables.js';
import { memberSyncTable } from './tables.js';

/** Membership hashes that are remembered, so that a device that names one of them is sent only newer changes. */
const PAST_MAX = 32;

/** A group as it is stored. */
export interface KnownGroup {
  readonly record: GroupRecord;
  readonly log: GroupLog;
}

/** A group of which nothing is stored. */
export const NEW_GROUP: GroupRecord = {
  past: [],
  departures: [],
  exclusionNotices: new Map(),
  uninvited: false,
  left: false,
  strangersAnswered: 0,
  strangerBytes: 0n,
};

/** Groups in the store: a small record for each group, and one for each change, so that a change rewrites little. */
export class GroupRecords {
  readonly #crypto: CryptoProvider;
  /** Logs, by the record that was stored with them. A transaction that is not committed leaves no entry. */
  readonly #logs = new WeakMap<GroupRecord, GroupLog>();

  constructor(crypto: CryptoProvider) {
    this.#crypto = crypto;
  }

  async find(tx: ReadTransaction, groupId: string): Promise<KnownGroup | undefined> {
    const record = await tx.get(groupTable, groupId);
    if (record === undefined) return undefined;
    let log = this.#logs.get(record);
    if (log === undefined) {
      const changes: StoredChange[] = [];
      for await (const { segments, value } of tx.list(changeTable, [groupId])) {
        changes.push({ number: Number(segments[1]), encoded: value });
      }
      log = GroupLog.open(this.#crypto, groupId, changes);
      this.#logs.set(record, log);
    }
    return { record, log };
  }

  /** Stores what is new in a group. */
  put(
    tx: Transaction,
    before: KnownGroup | undefined,
    record: GroupRecord,
    applied: readonly Applied[],
  ): KnownGroup {
    const log = (applied.at(-1)?.log ?? before?.log) as GroupLog;
    const { groupId } = log;
    for (const { added, evicted } of applied) {
      for (const { number, encoded } of added) tx.put(changeTable, encoded, groupId, numberKey(number));
      for (const number of evicted) tx.delete(changeTable, groupId, numberKey(number));
    }
    const hash = log.membershipHash;
    const isNews = record.past.every((one) => encodeHex(one.hash) !== encodeHex(hash));
    const past = [...record.past, { hash, nextNumber: log.nextNumber }].slice(-PAST_MAX);
    const next = isNews ? { ...record, past } : { ...record };
    tx.put(groupTable, next, groupId);
    this.#logs.set(next, log);
    return { record: next, log };
  }

  /** Deletes all that is stored of a group. */
  async forget(tx: Transaction, { log }: KnownGroup): Promise<void> {
    const { groupId } = log;
    for (const { number } of log.stored()) tx.delete(changeTable, groupId, numberKey(number));
    for (const [, identity] of await tx.keys(memberSyncTable, [groupId])) {
      tx.delete(memberSyncTable, groupId, identity as string);
    }
    tx.delete(groupTable, groupId);
  }

  /** Keeps in memory only what changed no record: changes that wait for others. */
  note({ record }: KnownGroup, log: GroupLog): KnownGroup {
    this.#logs.set(record, log);
    return { record, log };
  }
}

/** Zero-padded, so that keys sort by number. */
function numberKey(number: number): string {
  return String(number).padStart(10, '0');
}
