export { createMessenger, type Messenger } from './messenger.js';

// The messenger comes first: bundlers then place similar code together, which saves 1 kB after gzip.

export {
  APPLICATION_PREFIX,
  type DeviceInfo,
  type DeviceOutcome,
  type MessageRequest,
  type Protection,
  readAccount,
  type SendProtection,
  writeAccount,
} from '@sotto/device';
export type { MessengerChats } from './facade/chats.js';
export type { MessengerContacts } from './facade/contacts.js';
export type { MessengerDevices } from './facade/devices.js';
export type { MessengerGroups } from './facade/groups.js';
export type { MessengerOutbox } from './facade/outbox.js';
export type { MessengerRequests } from './facade/requests.js';
export type { Group } from './groups/groups.js';
export type { Conversation, KindOf, Recipient } from './runtime/conversation.js';
export type { GroupChangeLost, MessengerEvents, ReceivedMessage } from './runtime/events.js';
export { DEFAULT_LIMITS, type MessengerLimits } from './runtime/limits.js';
export type {
  AddContactOptions,
  CommitOptions,
  LookUpOptions,
  LookUpTarget,
  MessengerOptions,
  SendOptions,
  StartFailure,
  StartOptions,
  TakenMessage,
} from './runtime/options.js';
export type {
  Contact,
  DirectoryState,
  DirectSendResult,
  GroupSendResult,
  LookUpAnswer,
  LookUpResult,
  MemberDelivery,
  MemberOutcome,
  PinnedName,
  PublicSendResult,
  SendResult,
} from './runtime/results.js';
export { CHAT_NAME_MAX_LENGTH, parseChatName } from './runtime/topics.js';
