export {
  APPLICATION_PREFIX,
  type DeviceInfo,
  type DeviceOutcome,
  type MessageRequest,
  type Protection,
  type SendProtection,
} from '@sotto/device';
export type { Group } from './groups/groups.js';
export { createMessenger, type Messenger } from './messenger.js';
export type {
  AcknowledgeOptions,
  Conversation,
  GroupChangeLost,
  MessengerEvents,
  ReceivedMessage,
} from './runtime/events.js';
export { DEFAULT_LIMITS, type MessengerLimits } from './runtime/limits.js';
export type {
  GiveUpOptions,
  GroupSendOptions,
  MessengerOptions,
  SendOptions,
  TakenMessage,
} from './runtime/options.js';
export type { Contact, GroupSendResult, MemberOutcome, SendResult } from './runtime/results.js';
export { CHAT_NAME_MAX_LENGTH, parseChatName } from './runtime/topics.js';
