const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Times and bounds of a device. Each has the default that deployed peers imply, or the reason given. */
export interface DeviceLimits {
  /** A signed prekey is replaced, when next used, once it is older. Default 24 h (specification, "Bundle retrieval"). */
  readonly preKeyLifetimeMs: number;
  /**
   * The private key of a replaced prekey is kept so long for messages on their way, then deleted. Default 30 days,
   * as long as mailservers keep messages.
   */
  readonly preKeyGraceMs: number;
  /**
   * An unchanged bundle is signed again when it is older. Default 1 minute: the time in it is also our device's
   * last activity, by which peers choose whom to write to.
   */
  readonly bundleRefreshMs: number;
  /** How far a peer's clock may be ahead of ours. Default 10 minutes. */
  readonly maxClockAheadMs: number;
  /** Whether bundles without a time, from old releases, are taken. Default true. */
  readonly acceptUndatedBundles: boolean;
  /** Most devices of an identity that a message goes to, and that our bundle lists. Default 3 (wire profile, section 2). */
  readonly maxActiveDevices: number;
  /** Most devices of one identity that are remembered; the least recently active go. Default 16. */
  readonly maxKnownDevices: number;
  /**
   * Most sessions with one device; the oldest go. Default 8: a rotation a day on both sides, with stragglers.
   */
  readonly maxSessionsPerDevice: number;
  /**
   * How long ids of messages are remembered that no ratchet protects from being repeated. Default 45 days: longer
   * than prekeys and mailservers live.
   */
  readonly seenRetentionMs: number;
}

export const DEFAULT_DEVICE_LIMITS: DeviceLimits = {
  preKeyLifetimeMs: 24 * HOUR,
  preKeyGraceMs: 30 * DAY,
  bundleRefreshMs: MINUTE,
  maxClockAheadMs: 10 * MINUTE,
  acceptUndatedBundles: true,
  maxActiveDevices: 3,
  maxKnownDevices: 16,
  maxSessionsPerDevice: 8,
  seenRetentionMs: 45 * DAY,
};
