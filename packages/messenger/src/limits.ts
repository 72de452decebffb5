import { DEFAULT_DEVICE_LIMITS, type DeviceLimits } from './device/limits.js';

const HOUR = 60 * 60_000;

/** Times and bounds of a messenger, those of its device included. */
export interface MessengerLimits extends DeviceLimits {
  /**
   * An identity whose messages this device can't read is told so with our bundle, but not more often. Default 2 h
   * (wire profile, section 5).
   */
  readonly answerIntervalMs: number;
  /**
   * Strangers who are answered with our bundle in an hour, all together: what they can make us publish. Default 20, more
   * than honest strangers need.
   */
  readonly strangerAnswersPerHour: number;
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
  /** Members of a group that are encrypted for in one commit. Default 16: short steps, so that nothing waits long. */
  readonly fanoutBatch: number;
}

export const DEFAULT_LIMITS: MessengerLimits = {
  ...DEFAULT_DEVICE_LIMITS,
  answerIntervalMs: 2 * HOUR,
  strangerAnswersPerHour: 20,
  maxInboxBytes: 64 * 1024 * 1024,
  maxOutboxBytes: 64 * 1024 * 1024,
  contactCodeIntervalMs: 6 * HOUR,
  historyMaxMs: 30 * 24 * HOUR,
  lookUpMs: 48 * HOUR,
  fanoutBatch: 16,
};
