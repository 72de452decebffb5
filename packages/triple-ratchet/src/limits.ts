import { DEFAULT_LIMITS, type RatchetLimits } from '@sotto/double-ratchet';

/** Limits on what a session keeps for messages that haven't arrived yet; those of the Double Ratchet hold for each of the two ratchets. */
export interface TripleRatchetLimits extends RatchetLimits {
  /**
   * Most header keys of earlier chains that are kept while messages of them are missing. Each is tried with every message that the
   * current two don't open. Beyond it the oldest is dropped, with the keys of its messages. Default 16.
   */
  readonly maxEarlierHeaderKeys: number;
}

/** The defaults. */
export const DEFAULT_TRIPLE_LIMITS: TripleRatchetLimits = { ...DEFAULT_LIMITS, maxEarlierHeaderKeys: 16 };
