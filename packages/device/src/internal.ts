/**
 * What `@sotto/messenger` takes of a device beyond its public API, and tools that look into stores. It may change in any
 * release.
 *
 * @module
 */
export { accountWrite } from './account.js';
export type { MessengerDevice } from './device.js';
export { createInboxOf } from './inbox.js';
export { publicMessageIdFor } from './messages.js';
export { openMessengerDevice } from './open-device.js';
export { checkDeviceOptions } from './options.js';
export { happenedWithin, storedNow, timeSince } from './own-clock.js';
export {
  demand,
  IDENTITY_SEGMENT,
  MOVING_DEVICE_TABLES,
  type MovingTable,
  moving,
  oneSegment,
} from './storage/moving-tables.js';
export { bytesTable, decodeRecord, encodeRecord, messageTable, recordKey, table } from './storage/table.js';
export { peerTable, preKeyTable, sessionTable } from './storage/tables.js';
export { TransactionManager } from './storage/transaction-manager.js';
export { undamaged } from './storage/undamaged.js';
export { offerOf, type StoredOffer, storedOffer } from './stored-offer.js';
