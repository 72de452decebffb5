import { bytesTable, messageTable, table } from '@sotto/device/internal';
import {
  ChatRecord,
  ContactRecord,
  EarlyRecord,
  FanoutRecord,
  GroupRecord,
  HistoryRecord,
} from '../generated/sotto/messenger/v1/storage.js';
import { inboxCodec, outboxCodec } from './records.js';

/** `contact/<identity>`: identities that the user added. */
export const contactTable = messageTable('contact', ContactRecord, false);
/** `negotiated/<identity>`: identities to whose negotiated topic we subscribe. Empty. */
export const negotiatedTable = bytesTable('negotiated');
/** `blocked/<identity>`: identities that the user blocked. Empty. */
export const blockedTable = bytesTable('blocked');
/** `inbox/<number>`: messages that the application has not acknowledged. */
export const inboxTable = table('inbox', inboxCodec);
/** `outbox/<number>`: messages that the transport has not accepted. */
export const outboxTable = table('outbox', outboxCodec);
/** `chat/<name>`: public chats joined. */
export const chatTable = messageTable('chat', ChatRecord, false);
/** `group/<id>`: private groups. */
export const groupTable = messageTable('group', GroupRecord, true);
/** `change/<group id>/<number>`: the signed changes of a group, in order of acceptance. */
export const changeTable = bytesTable('change');
/** `fanout/<number>`: messages to a group that are not encrypted for all members yet. */
export const fanoutTable = messageTable('fanout', FanoutRecord, false);
/** `early/<group id>/<number>`: messages that arrived before the changes that create their group. */
export const earlyTable = messageTable('early', EarlyRecord, false);
/** `waiting/<number>`: messages to a whole group whose chain we don't have yet; see `groups/tables.ts`. */
export const waitingKeys = { name: 'waiting', cached: false } as const;
/** `history`: up to when everything sent to us was received. One record. */
export const historyTable = messageTable('history', HistoryRecord, true);
