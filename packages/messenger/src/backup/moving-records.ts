import { PUBLIC_KEY_LENGTH } from '@sotto/core';
import {
  demand,
  IDENTITY_SEGMENT,
  MOVING_DEVICE_TABLES,
  type MovingTable,
  moving,
  oneSegment,
} from '@sotto/device/internal';
import { CHANGE_MAX_BYTES } from '@sotto/group-log';
import { decodeMemberChain, encodeMemberChain, MemberChain } from '@sotto/sender-keys';
import { type NameRecord, nameTable } from '../discovery/tables.js';
import type { MemberChainRecord } from '../generated/sotto/messenger/v1/groups.js';
import { memberChainTable } from '../groups/tables.js';
import { parseChatName } from '../runtime/topics.js';
import type { ContactRecord, GroupRecord, InboxMessage } from '../storage/records.js';
import {
  blockedTable,
  changeTable,
  chatTable,
  contactTable,
  groupTable,
  inboxTable,
} from '../storage/tables.js';

const ID_LENGTH = 32;
const ID = /^[0-9a-f]{64}$/;
/** A name such as `alice.eth`, of any script. */
const NAME = /^.{1,255}$/u;
const NUMBER = /^[0-9]{1,20}$/;
const CHANGE_NUMBER = /^[0-9]{10}$/;

/** The tables that move, including those of the device. The outbox doesn't: the old device sends it. */
export const MOVING_TABLES: ReadonlyMap<string, MovingTable> = new Map([
  ...MOVING_DEVICE_TABLES,
  moving(memberChainTable, { isKey: isChainKey, check: checkChain, reduce: withoutChainKey }),
  moving(contactTable, { isKey: oneSegment(IDENTITY_SEGMENT), reduce: notAnnounced }),
  moving(chatTable, {
    isKey: ([name, ...rest]) => rest.length === 0 && parseChatName(name ?? '') === name,
  }),
  moving(blockedTable, { isKey: oneSegment(IDENTITY_SEGMENT) }),
  moving(inboxTable, { isKey: oneSegment(NUMBER), check: checkInbox }),
  moving(groupTable, { isKey: oneSegment(ID), check: checkGroup, reduce: withoutNotices }),
  moving(nameTable, { isKey: oneSegment(NAME), check: checkName }),
  moving(changeTable, { isKey: isChangeKey, check: checkChange }),
]);

/** Tables of which a damaged record is left out, since others give again what it said. */
export const DISPENSABLE_TABLES: ReadonlySet<string> = new Set([memberChainTable.name]);

/** The new device announces itself to its peers. */
function notAnnounced(): ContactRecord {
  return { announced: false };
}

function withoutNotices(group: GroupRecord): GroupRecord {
  return { ...group, exclusionNotices: new Map() };
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

function isChainKey([groupId, identity, chain, ...rest]: readonly string[]): boolean {
  return (
    rest.length === 0 &&
    ID.test(groupId ?? '') &&
    [identity, chain].every((key) => IDENTITY_SEGMENT.test(key ?? ''))
  );
}

/** How far a chain was read: so that the new device, which is given it again, reads nothing twice. */
function withoutChainKey(record: MemberChainRecord): MemberChainRecord {
  const state = new MemberChain({ ...decodeMemberChain(record.state), chainKey: new Uint8Array(32) });
  return { ...record, state: encodeMemberChain(state), moved: true };
}

function checkChain({ state, moved }: MemberChainRecord): void {
  demand(moved, 'chain');
  decodeMemberChain(state);
}

function checkName({ identity, changedTo, declined }: NameRecord): void {
  demand(identity.length === PUBLIC_KEY_LENGTH, 'identity of a name');
  demand(
    [changedTo, declined].every(({ length }) => length === 0 || length === PUBLIC_KEY_LENGTH),
    'other identities of a name',
  );
}

function checkInbox({ messageId, sender, membershipHash, conversation }: InboxMessage): void {
  demand(messageId.length === ID_LENGTH, 'message id');
  demand(sender.length === PUBLIC_KEY_LENGTH, 'sender');
  demand(membershipHash === undefined || ID.test(membershipHash), 'membership');
  if (conversation.kind === 'direct') demand(conversation.peer.length === PUBLIC_KEY_LENGTH, 'conversation');
  if (conversation.kind === 'group') demand(ID.test(conversation.groupId), 'conversation');
}
