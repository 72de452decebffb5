const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Times and bounds of a device. Each has the default that deployed peers imply, or the reason given. */
export interface DeviceLimits {
  /** A signed prekey is rotated once it is older. Default 24 h (specification, "Bundle retrieval"). */
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
  /** Most sessions with all devices of one identity; the oldest go. Default 32: four devices that rotate for a week. */
  readonly maxSessionsPerIdentity: number;
  /**
   * Identities that we never wrote to, and of which a bundle came: their records go beyond this number, the oldest first.
   * Default 256: the speakers of a few lively chats.
   */
  readonly maxStrangersSeen: number;
  /**
   * Identities that wrote to us, and that the user hasn't accepted: beyond this number their records go, the oldest first.
   * Default 256: more than anyone reads through.
   */
  readonly maxRequests: number;
  /** Most 1:1 messages of someone who isn't accepted; further ones are refused until then. Default 200. */
  readonly maxRequestMessages: number;
  /** Most bytes of their payloads. Default 1 MiB. */
  readonly maxRequestBytes: number;
  /** Strangers to whose negotiated topic we subscribe since we answered them; the oldest go. Default 32. */
  readonly maxStrangerTopics: number;
  /**
   * Message keys kept for messages of strangers that have not come yet; beyond it, who has the most is forgotten.
   * Default 20,000: 3 MB, ten times what one sender may skip.
   */
  readonly maxStrangerSkippedKeys: number;
  /** Messages outside of sessions that are remembered; the oldest go, and are refused from then on. Default 200,000. */
  readonly maxSeenMessages: number;
  /** A skipped message key is deleted once it is so old. Default 45 days: longer than mailservers keep messages. */
  readonly skippedKeyLifetimeMs: number;
  /** A session in which nothing was sent or received for so long is deleted. Default 90 days: three times the above. */
  readonly sessionIdleMs: number;
  /**
   * A message that can't be read is answered with our bundle only when its sender signed it within this time, so that
   * an old one that someone kept has no effect. Default 30 days, as long as mailservers keep messages.
   */
  readonly answerMaxAgeMs: number;
  /**
   * An identity whose messages this device can't read is answered with our bundle, but not more often. Default 2 h
   * (wire profile, section 5).
   */
  readonly answerIntervalMs: number;
  /**
   * Strangers who are answered with our bundle in an hour, all together: what they can make us publish. Default 20, more
   * than honest strangers need.
   */
  readonly strangerAnswersPerHour: number;
  /** A device that lost a session replaces its prekey, if it is older than this, before it says so. Default 1 h. */
  readonly renewPreKeyAfterMs: number;
  /**
   * How long ids of messages are remembered that no ratchet protects from being repeated. Default 45 days: longer
   * than prekeys and mailservers live.
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
