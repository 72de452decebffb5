import { bytesTable, messageTable, table } from '@sotto/device/internal';
import {
  ChainRecipientsRecord,
  ChatRecord,
  ContactRecord,
  FanoutRecord,
  GroupRecord,
  HistoryRecord,
  MemberChainRecord,
  MemberSyncRecord,
  OwnChainsRecord,
  WaitingRecord,
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
/** `membersync/<group id>/<identity>`: which changes of a group the devices of a member have. */
export const memberSyncTable = messageTable('membersync', MemberSyncRecord, true);
/** `fanout/<number>`: messages to a group that are not encrypted for all members yet. */
export const fanoutTable = messageTable('fanout', FanoutRecord, false);
/** `own-chain/<group id>`: the chains on which this device writes to a group. */
export const ownChainTable = messageTable('own-chain', OwnChainsRecord, false);
/** `chain-recipients/<group id>/<chain>`: who was given a chain of ours. */
export const chainRecipientsTable = messageTable('chain-recipients', ChainRecipientsRecord, true);
/** `member-chain/<group id>/<identity>/<chain>`: chains on which other devices write to a group. */
export const memberChainTable = messageTable('member-chain', MemberChainRecord, false);
/** `skipped-sender-key/<group id>/<identity>/<chain>/<number>`: message keys of such a chain for messages that haven't arrived yet. */
export const skippedSenderKeyTable = bytesTable('skipped-sender-key');
/** `waiting/<number>`: messages to a whole group whose chain we don't have yet. */
export const waitingTable = messageTable('waiting', WaitingRecord, false);
/** `history`: up to when everything sent to us was received. One record. */
export const historyTable = messageTable('history', HistoryRecord, true);
