/**
 * The application layer of Status clients over a messenger: `createStatusClient`.
 *
 * @module
 */
export type { StatusImage, Sticker } from '../chat-message.js';
export type { StatusLimits } from '../limits.js';
export type { StatusProfile } from '../profile.js';
export type { SegmentLimits } from '../segmentation.js';
export {
  createStatusClient,
  type StatusClient,
  type StatusClientOptions,
} from './client.js';
export type {
  StatusBody,
  StatusContact,
  StatusContent,
  StatusContentBase,
  StatusGroupInfo,
  StatusReceipt,
} from './contents.js';
export type { StatusClientEvents, StatusEnvelope } from './events.js';
export { statusGroupId } from './groups.js';
export { DEFAULT_STATUS_CLIENT_LIMITS, type StatusClientLimits } from './limits.js';
export { createSegmentingTransport, type SegmentingTransportOptions } from './segmenting-transport.js';
export type { StatusOutgoing, StatusSendOptions, StatusSent, StatusTaken } from './sender.js';
export type { StatusContacts } from './status-contacts.js';
export type { StatusGroups } from './status-groups.js';
