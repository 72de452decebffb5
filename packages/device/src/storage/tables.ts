import {
  ClockRecord,
  DeviceRecord,
  PreKeyRecord,
  SeenIndexRecord,
  SessionRecord,
  StrangersRecord,
} from '../generated/sotto/device/v1/storage.js';
import { peerCodec } from './records.js';
import { decodeSkippedKey, encodeSkippedKey } from './skipped-key-record.js';
import { bytesTable, messageTable, table } from './table.js';

/** `device`: what this device is. One record. */
export const deviceTable = messageTable('device', DeviceRecord, true);
/** `prekey/<public key>`: our signed prekeys, current and retired. */
export const preKeyTable = messageTable('prekey', PreKeyRecord, true);
/** `peer/<identity>`: what is known of an identity and its devices, our own included. */
export const peerTable = table('peer', peerCodec, true);
/** `session/<session id>`: one Double Ratchet session. */
export const sessionTable = messageTable('session', SessionRecord, true);
/** `skipped/<session id>/<ratchet key>/<n>`: keys of messages that have not come yet. */
export const skippedKeyTable = table('skipped', { encode: encodeSkippedKey, decode: decodeSkippedKey });
/**
 * `chain/<session id>/<place>`: the last receiving chains that ended; what comes of them again is a repetition. In the deployed suite also
 * `chain/<session id>/<ratchet key>`, empty, of each.
 */
export const endedChainTable = bytesTable('chain');
/** `seen/<bucket>/<message id>`: messages that no ratchet protects from being repeated. Empty. */
export const seenTable = bytesTable('seen');
/** `seenindex/all`: what of them is remembered. One record. */
export const seenIndexTable = messageTable('seenindex', SeenIndexRecord, true);
/** `strangers/all`: identities whose records go first. One record. */
export const strangersTable = messageTable('strangers', StrangersRecord, true);
/** `clock`: what is known of our own clock. One record. */
export const clockTable = messageTable('clock', ClockRecord, true);
