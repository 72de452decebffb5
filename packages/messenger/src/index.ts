export type { DecryptOutcome, Protection } from './device/decryption.js';
export { Device, type DeviceInfo, type DeviceOptions, openDevice } from './device/device.js';
export {
  type DeviceOutcome,
  type EncryptedMessage,
  messageIdFor,
  type SendProtection,
} from './device/encryption.js';
export { DEFAULT_DEVICE_LIMITS, type DeviceLimits } from './device/limits.js';
export type { AcknowledgeOptions, Conversation, MessengerEvents, ReceivedMessage } from './events.js';
export type { Group } from './groups/groups.js';
export { Inbox } from './inbox.js';
export { DEFAULT_LIMITS, type MessengerLimits } from './limits.js';
export {
  type Contact,
  createMessenger,
  type GroupSendOptions,
  type GroupSendResult,
  type MemberOutcome,
  type Messenger,
  type MessengerOptions,
  type SendOptions,
  type SendResult,
  type TakenMessage,
} from './messenger.js';
export { APPLICATION_PREFIX, type Ledger, type UnitOfWork } from './storage/ledger.js';
export { CHAT_NAME_MAX_LENGTH, parseChatName } from './topics.js';
