export {
  type ConversationProtection,
  type ConversationSummary,
  conversationKey,
  parseConversationKey,
} from './conversation.js';
export {
  type Change,
  type Conversations,
  type ConversationsOptions,
  createConversations,
  type SendFileOptions,
  type SendTextOptions,
} from './conversations.js';
export { describeDuration, describeNotice } from './describe-notice.js';
export type {
  Content,
  Entry,
  Message,
  MessageState,
  Notice,
  NoticeContent,
  Reaction,
  Recipient,
} from './entry.js';
export { explain, explainClock, explainCode, type Sentences } from './explain.js';
export type {
  HiddenMessage,
  HiddenMessageHandler,
  HiddenMessageOf,
  HiddenMessageOutcome,
  HiddenMessageSource,
} from './hidden-message.js';
export {
  ATTACHMENT_MAX_BYTES,
  DISAPPEARING_MAX_SECONDS,
  PROFILE_PICTURE_MAX_BYTES,
  SYNC_MAX_BYTES,
} from './limits.js';
export { DRAFT_MAX_LENGTH } from './local-settings.js';
export { PERSON_NAME_MAX_CHARACTERS, type Person, parsePersonName } from './person.js';
export { exportReadable, type ReadableExportOptions } from './readable-export.js';
export { type SearchOptions, type SearchResult, searchMessages } from './search.js';
export type { PictureToSend } from './status-history.js';
export { decodeText, encodeText, excessCharacters, TEXT_MAX_BYTES } from './text.js';
export { mentionText, type TextPart, textParts } from './text-parts.js';
export { openTimeline, type Timeline, type TimelineOptions } from './timeline.js';
