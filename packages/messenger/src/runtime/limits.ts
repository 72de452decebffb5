import { DEFAULT_DEVICE_LIMITS, type DeviceLimits } from '@sotto/device';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** Times and bounds of a messenger, those of its device included. */
export interface MessengerLimits extends DeviceLimits {
  /**
   * Most bytes of messages that wait for the application; beyond it, further ones are refused, and come again if the
   * transport keeps them. Default 64 MiB: an application that is away for weeks.
   */
  readonly maxInboxBytes: number;
  /**
   * Most bytes of ciphertexts that wait for the transport; beyond it nothing more is taken to be sent. Default 64 MiB: a
   * thousand messages to a group of a hundred.
   */
  readonly maxOutboxBytes: number;
  /** Our bundle is published on the contact-code topic this often. Default 6 h (wire profile, section 6). */
  readonly contactCodeIntervalMs: number;
  /** How far back history is asked for by a store that was never online. Default 30 days, as mailservers keep it. */
  readonly historyMaxMs: number;
  /** How far back `lookUp` asks for a contact code. Default 48 h: four of the intervals above, for slow peers. */
  readonly lookUpMs: number;
  /**
   * Messages of somebody who is no longer a member of a group are taken for so long after we learnt of it, and marked as
   * late: they may have been on their way. Default 10 min.
   */
  readonly groupGraceMs: number;
  /** A device of a member is sent the same changes of a group again after so long, while it shows no sign of having them. Default 10 min. */
  readonly groupNewsIntervalMs: number;
  /**
   * A member is asked for changes of a group, and answered such a question, this often at most. Default 5 min: an answer
   * may be as long as the log.
   */
  readonly groupAskIntervalMs: number;
  /** Somebody who is not a member of a group and writes to it is told why, this often at most. Default 1 h. */
  readonly groupTellIntervalMs: number;
  /**
   * Most groups that we are in by somebody whom the user has not let in, and have not written to. Beyond it, further ones
   * are refused; leaving one or writing to it makes room. Default 64, more than an honest start brings.
   */
  readonly maxUninvitedGroups: number;
  /** Members of a group that are encrypted for in one commit. Default 16: short transactions, so that nothing waits long. */
  readonly fanoutBatch: number;
}

export const DEFAULT_LIMITS: MessengerLimits = {
  ...DEFAULT_DEVICE_LIMITS,
  maxInboxBytes: 64 * 1024 * 1024,
  maxOutboxBytes: 64 * 1024 * 1024,
  contactCodeIntervalMs: 6 * HOUR,
  historyMaxMs: 30 * 24 * HOUR,
  lookUpMs: 48 * HOUR,
  groupGraceMs: 10 * MINUTE,
  groupNewsIntervalMs: 10 * MINUTE,
  groupAskIntervalMs: 5 * MINUTE,
  groupTellIntervalMs: HOUR,
  maxUninvitedGroups: 64,
  fanoutBatch: 16,
};
