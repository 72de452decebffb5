export { readAccount, writeAccount } from './account.js';
export type { DecryptOptions, DecryptOutcome, DecryptOutcomeBase } from './decryption.js';
export type { Device, DeviceInfo } from './device.js';
export type { DeviceOutcome, EncryptedMessage, EncryptOptions, SendProtection } from './encryption.js';
export type { SweepPosition } from './expiry.js';
export { createInbox, type Inbox, type InboxEntry, type InboxOptions } from './inbox.js';
export { DEFAULT_DEVICE_LIMITS, type DeviceLimits } from './limits.js';
export { messageIdFor } from './messages.js';
export { openDevice } from './open-device.js';
export type { DeviceOptions } from './options.js';
export type { BundleNews } from './peers.js';
export type { Remedy } from './remedy.js';
export type { MessageRequest } from './requests.js';
export { defineTable, type TableDefinition } from './storage/define-table.js';
export type { InboxMessage } from './storage/received-table.js';
export type { Protection } from './storage/records.js';
export type { RecordCodec, Table } from './storage/table.js';
export {
  type AnyTable,
  APPLICATION_PREFIX,
  COMMIT_PHASES,
  type CommitHook,
  type CommitPhase,
  type KeyedRecord,
  type ReadTransaction,
  type Transaction,
  type TransactionOptions,
  type Transactions,
} from './storage/transaction.js';
export type {
  HandshakeParty,
  HybridDecrypted,
  HybridPreKeyPairs,
  HybridStart,
  HybridSuite,
  OpenedHeader,
} from './suites/hybrid-suite.js';
