export { createMessenger, type Messenger } from './messenger.js';

// The messenger comes first: a bundler then puts close together what is alike, which gzip makes 1 kB smaller.

export type { DecryptOutcome, Protection } from './device/decryption.js';
export { Device, type DeviceInfo, type DeviceOptions, openDevice } from './device/device.js';
export type {
  DeviceOutcome,
  EncryptedMessage,
  SendProtection,
} from './device/encryption.js';
export { DEFAULT_DEVICE_LIMITS, type DeviceLimits } from './device/limits.js';
export { messageIdFor } from './device/messages.js';
export type { MessageRequest } from './device/requests.js';
export type {
  AcknowledgeOptions,
  Conversation,
  GroupChangeLost,
  MessengerEvents,
  ReceivedMessage,
} from './events.js';
export type { Group } from './groups/groups.js';
export { Inbox } from './inbox.js';
export { DEFAULT_LIMITS, type MessengerLimits } from './limits.js';
export type {
  GiveUpOptions,
  GroupSendOptions,
  MessengerOptions,
  SendOptions,
  TakenMessage,
} from './options.js';
export type { Contact, GroupSendResult, MemberOutcome, SendResult } from './results.js';
export { APPLICATION_PREFIX, type Ledger, type UnitOfWork } from './storage/ledger.js';
export { CHAT_NAME_MAX_LENGTH, parseChatName } from './topics.js';
