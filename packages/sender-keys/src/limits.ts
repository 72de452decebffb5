/** Limits on the message keys that are derived and kept for messages that haven't arrived yet. */
export interface SenderKeyLimits {
  /**
   * Most messages that one message may leave out. Each costs two HMACs, so this bounds the work that one message can cause.
   * Default 1000, as in sessions.
   */
  readonly maxSkipped: number;
  /** Most skipped message keys kept for a chain; beyond it the oldest are deleted. Default 1000. */
  readonly maxStoredKeys: number;
}

/** The limits of chains that are used without any. */
export const DEFAULT_SENDER_KEY_LIMITS: SenderKeyLimits = { maxSkipped: 1000, maxStoredKeys: 1000 };

/** Largest number of a message; 2^32 - 1 would leave no next number and is refused. */
export const MAX_INDEX = 0xffff_fffe;
