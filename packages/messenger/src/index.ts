export { createMessenger, type Messenger } from './messenger.js';

// The messenger comes first: a bundler then puts close together what is alike, which gzip makes 1 kB smaller.

export {
  APPLICATION_PREFIX,
  type DeviceInfo,
  type DeviceOutcome,
  type MessageRequest,
  type Protection,
  type SendProtection,
} from '@sotto/device';
export type { Group } from './groups/groups.js';
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
