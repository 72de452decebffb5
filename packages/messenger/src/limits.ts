import { DEFAULT_DEVICE_LIMITS, type DeviceLimits } from './device/limits.js';

const HOUR = 60 * 60_000;

/** Times and bounds of a messenger, those of its device included. */
export interface MessengerLimits extends DeviceLimits {
  /**
   * An identity whose messages this device can't read is told so with our bundle, but not more often. Default 2 h
   * (wire profile, section 5).
   */
  readonly answerIntervalMs: number;
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
  contactCodeIntervalMs: 6 * HOUR,
  historyMaxMs: 30 * 24 * HOUR,
  lookUpMs: 48 * HOUR,
  fanoutBatch: 16,
};
