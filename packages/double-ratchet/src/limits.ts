/** Limits on the message keys that a session keeps for messages that haven't arrived yet. Wire profile, section 4. */
export interface RatchetLimits {
  /**
   * Most messages skipped in one chain by one message. Each costs two HMACs, so this bounds the work that a
   * single header can cause. Default 1000, as deployed peers have it.
   */
  readonly maxSkippedPerChain: number;
  /** Most skipped message keys kept for a session; beyond it the oldest are deleted. Default 2000, as deployed peers have it. */
  readonly maxStoredKeys: number;
  /**
   * A skipped key is deleted once so many messages have been received after it was stored, so that a lost message's
   * key isn't kept for ever. Default 3000, as deployed peers have it.
   */
  readonly maxKeyAge: number;
}

/** What deployed peers use. */
export const DEFAULT_LIMITS: RatchetLimits = {
  maxSkippedPerChain: 1000,
  maxStoredKeys: 2000,
  maxKeyAge: 3000,
};
