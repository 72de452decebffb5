import { bytesTable, messageTable } from '@sotto/device/internal';
import {
  ChainRecipientsRecord,
  MemberChainRecord,
  MemberSyncRecord,
  OwnChainsRecord,
  WaitingRecord,
} from '../generated/sotto/messenger/v1/groups.js';
import { waitingKeys } from '../storage/tables.js';

/** `membersync/<group id>/<identity>`: which changes of a group the devices of a member have. */
export const memberSyncTable = messageTable('membersync', MemberSyncRecord, true);
/** `own-chain/<group id>`: the chains on which this device writes to a group. */
export const ownChainTable = messageTable('own-chain', OwnChainsRecord, false);
/** `chain-recipients/<group id>/<chain>`: who was given a chain of ours. */
export const chainRecipientsTable = messageTable('chain-recipients', ChainRecipientsRecord, true);
/** `member-chain/<group id>/<identity>/<chain>`: chains on which other devices write to a group. */
export const memberChainTable = messageTable('member-chain', MemberChainRecord, false);
/** `skipped-sender-key/<group id>/<identity>/<chain>/<number>`: message keys of such a chain for messages that haven't arrived yet. */
export const skippedSenderKeyTable = bytesTable('skipped-sender-key');
/** `waiting/<number>`: messages to a whole group whose chain we don't have yet. */
export const waitingTable = messageTable(waitingKeys.name, WaitingRecord, waitingKeys.cached);
