import {
  ChatRecord,
  ClockRecord,
  ContactRecord,
  DeviceRecord,
  FanoutRecord,
  GroupRecord,
  HistoryRecord,
  InboxRecord,
  MemberSyncRecord,
  OutboxRecord,
  PeerRecord,
  PreKeyRecord,
  SeenIndexRecord,
  SessionRecord,
  StrangersRecord,
} from '../generated/sotto/messenger/v1/storage.js';
import { decodeSkippedKey, encodeSkippedKey, type SkippedKeyRecord } from './skipped-key-record.js';
import { bytesTable, messageTable, type Table } from './table.js';

/** `device`: what this device is. One record. */
export const deviceTable = messageTable('device', DeviceRecord, true);
/** `prekey/<public key>`: our signed prekeys, current and retired. */
export const preKeyTable = messageTable('prekey', PreKeyRecord, true);
/** `peer/<identity>`: what is known of an identity and its devices, our own included. */
export const peerTable = messageTable('peer', PeerRecord, true);
/** `contact/<identity>`: identities that the user added. */
export const contactTable = messageTable('contact', ContactRecord, false);
/** `negotiated/<identity>`: identities to whose negotiated topic we subscribe. Empty. */
export const negotiatedTable = bytesTable('negotiated');
/** `session/<session id>`: one Double Ratchet session. */
export const sessionTable = messageTable('session', SessionRecord, true);
/** `skipped/<session id>/<ratchet key>/<n>`: keys of messages that have not come yet. */
export const skippedKeyTable: Table<SkippedKeyRecord> = {
  name: 'skipped',
  cached: false,
  encode: encodeSkippedKey,
  decode: decodeSkippedKey,
};
/** `chain/<session id>/<ratchet key>`: receiving chains that ended; what comes of them again is a repetition. Empty. */
export const endedChainTable = bytesTable('chain');
/** `seen/<bucket>/<message id>`: messages that no ratchet protects from being repeated. Empty. */
export const seenTable = bytesTable('seen');
/** `seenindex/all`: what of them is remembered. One record. */
export const seenIndexTable = messageTable('seenindex', SeenIndexRecord, true);
/** `strangers/all`: identities whose records go first. One record. */
export const strangersTable = messageTable('strangers', StrangersRecord, true);
/** `clock`: what is known of our own clock. One record. */
export const clockTable = messageTable('clock', ClockRecord, true);
/** `blocked/<identity>`: identities that the user blocked. Empty. */
export const blockedTable = bytesTable('blocked');
/** `inbox/<number>`: messages that the application has not acknowledged. */
export const inboxTable = messageTable('inbox', InboxRecord, false);
/** `outbox/<number>`: messages that the transport has not taken. */
export const outboxTable = messageTable('outbox', OutboxRecord, false);
/** `chat/<name>`: public chats joined. */
export const chatTable = messageTable('chat', ChatRecord, false);
/** `group/<id>`: private groups. */
export const groupTable = messageTable('group', GroupRecord, true);
/** `change/<group id>/<number>`: the signed changes of a group, as they were taken. */
export const changeTable = bytesTable('change');
/** `membersync/<group id>/<identity>`: which changes of a group the devices of a member have. */
export const memberSyncTable = messageTable('membersync', MemberSyncRecord, true);
/** `fanout/<number>`: messages to a group on their way through its members. */
export const fanoutTable = messageTable('fanout', FanoutRecord, false);
/** `history`: until when we know what was sent to us. One record. */
export const historyTable = messageTable('history', HistoryRecord, true);
