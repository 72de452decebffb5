const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Times and bounds of a device; times are in milliseconds. Each has the default that deployed peers imply, or the reason given. */
export interface DeviceLimits {
  /** A signed prekey is rotated once it is older. Default 24 h (specification, "Bundle retrieval"). */
  readonly preKeyLifetimeMs: number;
  /**
   * How long the private key of a replaced prekey is kept for messages sent before. Default 30 days,
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
  /** Whether to accept bundles without a timestamp, from old releases. Default true. */
  readonly acceptUndatedBundles: boolean;
  /** Most devices of an identity that a message goes to, and that our bundle lists. Default 3 (wire profile, section 2). */
  readonly maxActiveDevices: number;
  /** Most devices remembered of one identity; the least recently active are dropped first. Default 16. */
  readonly maxKnownDevices: number;
  /**
   * Most sessions with one device; the oldest are deleted first. Default 8: a rotation a day on both sides, with stragglers.
   */
  readonly maxSessionsPerDevice: number;
  /** Most sessions with all devices of one identity; the oldest are deleted first. Default 32: four devices that rotate for a week. */
  readonly maxSessionsPerIdentity: number;
  /**
   * Most identities known only by their bundle, to which we never wrote; the oldest records are deleted first.
   * Default 256: the speakers of a few lively chats.
   */
  readonly maxStrangersSeen: number;
  /**
   * Most identities that wrote to us and that the user hasn't accepted; the oldest records are deleted first. Default 256: more
   * than anyone reads through.
   */
  readonly maxRequests: number;
  /** Most 1:1 messages accepted from an identity before the user accepts it. Default 200. */
  readonly maxRequestMessages: number;
  /** Most bytes of their payloads. Default 1 MiB. */
  readonly maxRequestBytes: number;
  /** Most strangers to whose negotiated topic we subscribe because we answered them; the oldest are dropped first. Default 32. */
  readonly maxStrangerTopics: number;
  /**
   * Most message keys kept for strangers' messages not received yet; beyond it, the stranger with the most keys is deleted.
   * Default 20,000: 3 MB, ten times what one sender may skip.
   */
  readonly maxStrangerSkippedKeys: number;
  /** Most messages outside of sessions that are remembered; the oldest are forgotten first, and refused from then on. Default 200,000. */
  readonly maxSeenMessages: number;
  /** Age at which a skipped message key is deleted. Default 45 days: longer than mailservers keep messages. */
  readonly skippedKeyLifetimeMs: number;
  /** Idle time after which a session is deleted. Default 90 days: three times the above. */
  readonly sessionIdleMs: number;
  /**
   * A message that can't be read is answered with our bundle only when its sender signed it within this time, so that
   * a replayed old one has no effect. Default 30 days, as long as mailservers keep messages.
   */
  readonly answerMaxAgeMs: number;
  /**
   * Shortest interval between answers with our bundle to an identity whose messages this device can't read. Default 2 h
   * (wire profile, section 5).
   */
  readonly answerIntervalMs: number;
  /**
   * Most answers with our bundle to strangers in an hour, which bounds what they can make us publish. Default 20, more than
   * honest strangers need.
   */
  readonly strangerAnswersPerHour: number;
  /** A device that lost a session replaces its prekey, if it is older than this, before it reports the loss. Default 1 h. */
  readonly renewPreKeyAfterMs: number;
  /**
   * How long ids of messages outside of ratchets are remembered, against replays. Default 45 days: longer than prekeys and
   * mailservers keep.
   */
  readonly seenRetentionMs: number;
}

/** The limits of a device that is opened without any. */
export const DEFAULT_DEVICE_LIMITS: DeviceLimits = {
  preKeyLifetimeMs: 24 * HOUR,
  preKeyGraceMs: 30 * DAY,
  bundleRefreshMs: MINUTE,
  maxClockAheadMs: 10 * MINUTE,
  acceptUndatedBundles: true,
  maxActiveDevices: 3,
  maxKnownDevices: 16,
  maxSessionsPerDevice: 8,
  maxSessionsPerIdentity: 32,
  maxStrangersSeen: 256,
  maxRequests: 256,
  maxRequestMessages: 200,
  maxRequestBytes: 1024 * 1024,
  maxStrangerTopics: 32,
  maxStrangerSkippedKeys: 20_000,
  maxSeenMessages: 200_000,
  skippedKeyLifetimeMs: 45 * DAY,
  sessionIdleMs: 90 * DAY,
  answerMaxAgeMs: 30 * DAY,
  answerIntervalMs: 2 * HOUR,
  strangerAnswersPerHour: 20,
  renewPreKeyAfterMs: HOUR,
  seenRetentionMs: 45 * DAY,
};
