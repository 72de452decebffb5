export {
  type ChatMessage,
  CONTACT_STATE,
  CONTENT_TYPE,
  type ContactRequestState,
  checkChatMessage,
  decodeChatMessage,
  encodeChatMessage,
  type StatusImage,
  type Sticker,
} from './chat-message.js';
export { CHAT_TYPE, type MessageContext } from './checks.js';
export { CLOCK_AHEAD_MAX_MS, nextClock, raisedClock } from './clock.js';
export {
  type ContactRequestAnswer,
  type ContactUpdate,
  checkContactUpdate,
  checkPairInstallation,
  decodeContactRequestAnswer,
  decodeContactUpdate,
  decodePairInstallation,
  defaultContactRequestId,
  encodeContactRequestAnswer,
  encodeContactUpdate,
  encodePairInstallation,
  type PairInstallation,
} from './contacts.js';
export { type ConversationContext, conversationOf, type StatusConversation } from './conversation.js';
export {
  type DatasyncMessage,
  type DatasyncPayload,
  datasyncId,
  decodeDatasyncPayload,
  directGroupId,
  EMPTY_DATASYNC_PAYLOAD,
  encodeDatasyncPayload,
} from './datasync.js';
export { formatIdentity, parseIdentity } from './identity-text.js';
export { DEFAULT_STATUS_LIMITS, type StatusDecodeOptions, type StatusLimits } from './limits.js';
export {
  decodeMembershipUpdate,
  encodeMembershipUpdate,
  groupChatId,
  MEMBERSHIP_EVENT_TYPE,
  type MembershipEvent,
  type MembershipUpdate,
  openGroup,
  openMembershipEvent,
  type SignedMembershipEvent,
  type StatusGroup,
  signMembershipEvent,
} from './membership.js';
export {
  checkDeleteMessage,
  checkEditMessage,
  checkEmojiReaction,
  type DeleteMessage,
  decodeDeleteMessage,
  decodeEditMessage,
  decodeEmojiReaction,
  type EditMessage,
  type EmojiReaction,
  encodeDeleteMessage,
  encodeEditMessage,
  encodeEmojiReaction,
  reactionId,
} from './message-changes.js';
export {
  type AuthoredMessage,
  MESSAGE_TYPE,
  openMessage,
  READ_RECEIPT_TYPE,
  signMessage,
} from './metadata.js';
export { type Outermost, outermostOf } from './outermost.js';
export { PROFILE_2020, PROFILE_2024, type StatusProfile } from './profile.js';
export {
  DEFAULT_SEGMENT_LIMITS,
  decodeSegment,
  SEGMENT_SIZE,
  type Segment,
  SegmentAssembler,
  type SegmentLimits,
  type SegmentOutcome,
  segmentMessage,
} from './segmentation.js';
