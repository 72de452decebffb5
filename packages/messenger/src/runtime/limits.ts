import { DEFAULT_DEVICE_LIMITS, type DeviceLimits } from '@sotto/device';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** Times and bounds of a messenger, including those of its device. Times are in milliseconds. */
export interface MessengerLimits extends DeviceLimits {
  /**
   * Most bytes of messages that the application has not acknowledged; further ones are refused, and delivered again if the
   * transport keeps them. Default 64 MiB: enough for weeks without the application.
   */
  readonly maxInboxBytes: number;
  /**
   * Most bytes of ciphertexts in the outbox; beyond it, sending fails with LIMIT_EXCEEDED. Default 64 MiB: a thousand messages
   * to a group of a hundred.
   */
  readonly maxOutboxBytes: number;
  /** Our bundle is published on the contact-code topic this often. Default 6 h (wire profile, section 6). */
  readonly contactCodeIntervalMs: number;
  /** How far back a store that was never online queries history. Default 30 days, as mailservers keep it. */
  readonly historyMaxMs: number;
  /** How far back `contacts.lookUp` queries for a contact code. Default 48 h: four of the intervals above, for slow peers. */
  readonly lookUpMs: number;
  /**
   * How long `contacts.lookUp` waits for a directory, and for the resolver of names. Default 20 s: some of them take that
   * long, and a person waits.
   */
  readonly directoryLookUpMs: number;
  /** Our bundle is published again in directories this often, also when nothing has changed. Default 24 h. */
  readonly directoryIntervalMs: number;
  /** How long one attempt to publish in a directory may take. Default 2 min: distributed hash tables are slow to write to. */
  readonly directoryPublishMs: number;
  /**
   * Wait after the first failed attempt to publish in a directory, doubled with each further one and varied at random by
   * half. Default 1 min.
   */
  readonly directoryRetryMs: number;
  /** Longest of these waits. Default 1 h. */
  readonly directoryRetryMaxMs: number;
  /**
   * For this long another device of ours that is not paired, found in a directory, stays in what we publish there, unless it
   * shows a new prekey. Default 14 days: it publishes once a day itself, unless it is lost or switched off.
   */
  readonly siblingMs: number;
  /**
   * For this long after we learnt that a member is gone, their messages are still accepted, and marked `late`: they may have
   * been sent before. Default 10 min.
   */
  readonly groupGraceMs: number;
  /** The same changes of a group are sent again to a member's device after this long, unless it shows that it has them. Default 10 min. */
  readonly groupNewsIntervalMs: number;
  /**
   * Shortest interval between two requests to a member for changes of a group, and between two answers to them. Default
   * 5 min: an answer may be as long as the log.
   */
  readonly groupAskIntervalMs: number;
  /** Shortest interval between two notices to a former member who writes to a group. Default 1 h. */
  readonly groupTellIntervalMs: number;
  /**
   * Most groups to which identities that the user has not accepted added us, and to which we have not written. Further ones
   * are refused; leaving a group or writing to it makes room. Default 64, more than honest use needs.
   */
  readonly maxUninvitedGroups: number;
  /**
   * Most bytes of messages in one such group by identities that the user has not accepted, each message counting as 256 at least. Further
   * ones are refused until the user writes to the group. Default 16 MiB: months of a busy group.
   */
  readonly maxUninvitedBytes: number;
  /**
   * From this many members on, a message to a group is sent once, under a sender key, instead of to each member;
   * `Number.POSITIVE_INFINITY`: never. Messages are read either way. Default 16: below, healing and deniability are worth more
   * than what is saved.
   */
  readonly senderKeysFrom: number;
  /**
   * Most messages under one sender key, 1 to 512; then it is replaced. Default 500: to give it to 1,000 members takes as many
   * envelopes as two for each message.
   */
  readonly senderKeyMessages: number;
  /** Longest use of one sender key; then it is replaced. Default 7 days: whoever has taken it reads no longer than that. */
  readonly senderKeyMs: number;
  /** Members of a group that are encrypted for in one commit. Default 16: short transactions, so that nothing waits long. */
  readonly fanoutBatch: number;
}

/** The limits of a messenger that is created without any. */
export const DEFAULT_LIMITS: MessengerLimits = {
  ...DEFAULT_DEVICE_LIMITS,
  maxInboxBytes: 64 * 1024 * 1024,
  maxOutboxBytes: 64 * 1024 * 1024,
  contactCodeIntervalMs: 6 * HOUR,
  historyMaxMs: 30 * 24 * HOUR,
  lookUpMs: 48 * HOUR,
  directoryLookUpMs: 20_000,
  directoryIntervalMs: 24 * HOUR,
  directoryPublishMs: 2 * MINUTE,
  directoryRetryMs: MINUTE,
  directoryRetryMaxMs: HOUR,
  siblingMs: 14 * 24 * HOUR,
  groupGraceMs: 10 * MINUTE,
  groupNewsIntervalMs: 10 * MINUTE,
  groupAskIntervalMs: 5 * MINUTE,
  groupTellIntervalMs: HOUR,
  maxUninvitedGroups: 64,
  maxUninvitedBytes: 16 * 1024 * 1024,
  senderKeysFrom: 16,
  senderKeyMessages: 500,
  senderKeyMs: 7 * 24 * HOUR,
  fanoutBatch: 16,
};
