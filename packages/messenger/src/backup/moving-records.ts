import { PUBLIC_KEY_LENGTH, parseInstallationId } from '@sotto/core';
import { CHANGE_MAX_BYTES } from '@sotto/group-log';
import {
  ContactRecord,
  GroupRecord,
  type InboxRecord,
  PeerRecord,
  type StrangersRecord,
} from '../generated/sotto/messenger/v1/storage.js';
import { parseChatName } from '../runtime/topics.js';
import type { Table } from '../storage/table.js';
import {
  blockedTable,
  changeTable,
  chatTable,
  contactTable,
  groupTable,
  inboxTable,
  peerTable,
  seenIndexTable,
  seenTable,
  strangersTable,
} from '../storage/tables.js';

/** How records of a table move. */
export interface MovingTable {
  /** The value as it moves, without what stays behind. */
  readonly reduce: (value: Uint8Array) => Uint8Array;
  /** Checks a record that came out of a backup. @throws anything */
  readonly check: (segments: readonly string[], value: Uint8Array) => void;
}

const ID_LENGTH = 32;
const IDENTITY = /^0[23][0-9a-f]{64}$/;
const ID = /^[0-9a-f]{64}$/;
const ALL = /^all$/;
const NUMBER = /^[0-9]{1,20}$/;
const CHANGE_NUMBER = /^[0-9]{10}$/;
/** Part of what names a message that was seen. */
const MARK = /^[\x21-\x7e]{1,200}$/;

/**
 * The tables that move. Ratchets, prekeys and ciphertexts on their way do not: the old device may go on using them, and
 * two devices on one ratchet would use its keys twice. The new one begins sessions of its own.
 */
export const MOVING_TABLES: ReadonlyMap<string, MovingTable> = new Map([
  moving(contactTable, one(IDENTITY), undefined, notAnnounced),
  moving(chatTable, ([name, ...rest]) => rest.length === 0 && parseChatName(name ?? '') === name),
  moving(seenTable, isSeenKey),
  moving(seenIndexTable, one(ALL)),
  moving(strangersTable, one(ALL), checkStrangers),
  moving(blockedTable, one(IDENTITY)),
  moving(inboxTable, one(NUMBER), checkInbox),
  moving(groupTable, one(ID), checkGroup, withoutNotices),
  moving(changeTable, isChangeKey, checkChange),
  moving(peerTable, one(IDENTITY), checkPeer, withoutSessions),
]);

/** A key of one segment. */
function one(pattern: RegExp): (segments: readonly string[]) => boolean {
  return ([segment, ...rest]) => rest.length === 0 && pattern.test(segment ?? '');
}

/**
 * @param isKey whether these are the segments of a key
 * @param check what else has to hold of a record
 * @param reduce leaves out what stays behind
 */
function moving<T>(
  table: Table<T>,
  isKey: (segments: readonly string[]) => boolean,
  check: (record: T) => void = () => {},
  reduce?: (record: T) => Uint8Array,
): [string, MovingTable] {
  return [
    table.name,
    {
      reduce: (value) => (reduce ? reduce(table.decode(value)) : value),
      check(segments, value) {
        demand(isKey(segments), 'key');
        check(table.decode(value));
      },
    },
  ];
}

function isSeenKey(segments: readonly string[]): boolean {
  return segments.length > 1 && segments.every((segment) => MARK.test(segment));
}

/** The new device tells them itself that it is there. */
function notAnnounced(): Uint8Array {
  return ContactRecord.encode({ announced: false }).finish();
}

function withoutNotices(group: GroupRecord): Uint8Array {
  return GroupRecord.encode({ ...group, exclusionNotices: new Map() }).finish();
}

function checkGroup({ past, departures }: GroupRecord): void {
  demand(
    past.every(({ hash }) => hash.length === ID_LENGTH),
    'memberships',
  );
  demand(
    departures.every(({ identity }) => identity.length === PUBLIC_KEY_LENGTH),
    'departures',
  );
}

function isChangeKey([groupId, number, ...rest]: readonly string[]): boolean {
  return rest.length === 0 && ID.test(groupId ?? '') && CHANGE_NUMBER.test(number ?? '');
}

function checkChange(change: Uint8Array): void {
  demand(change.length > 0 && change.length <= CHANGE_MAX_BYTES, 'change');
}

function withoutSessions(peer: PeerRecord): Uint8Array {
  const devices = peer.devices.map((device) => ({ ...device, sessions: [], hasReplied: false }));
  return PeerRecord.encode({ ...peer, devices, answeredAt: 0n }).finish();
}

function checkPeer({ devices }: PeerRecord): void {
  const ids = devices.map(({ installationId }) => parseInstallationId(installationId));
  demand(new Set(ids).size === ids.length, 'a device twice');
  for (const { signedPreKey, sessions } of devices) {
    demand(signedPreKey.length === 0 || signedPreKey.length === PUBLIC_KEY_LENGTH, 'prekey');
    demand(sessions.length === 0, 'sessions');
  }
}

function checkStrangers({ seen, wrote, known }: StrangersRecord): void {
  const identities = [...seen, ...wrote.map(({ identity }) => identity), ...known];
  demand(
    identities.every((identity) => identity.length === PUBLIC_KEY_LENGTH),
    'identities',
  );
}

function checkInbox({ messageId, sender, groupMembershipHash, conversation }: InboxRecord): void {
  demand(messageId.length === ID_LENGTH, 'message id');
  demand(sender.length === PUBLIC_KEY_LENGTH, 'sender');
  demand(groupMembershipHash.length === 0 || groupMembershipHash.length === ID_LENGTH, 'membership');
  const kind = conversation?.kind;
  if (kind?.$case === 'peer') demand(kind.value.length === PUBLIC_KEY_LENGTH, 'conversation');
  if (kind?.$case === 'group') demand(kind.value.length === ID_LENGTH, 'conversation');
}

function demand(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(`not valid: ${what}`);
}
