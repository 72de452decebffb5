/** Largest envelope that is read, in bytes: the limit of deployed nodes. */
export const ENVELOPE_MAX_BYTES = 1024 * 1024;
/** Bytes that sealing adds at most: padding, signature, ECIES and the envelope. */
export const SEALING_OVERHEAD = 1024;
/** Least proof of work that deployed nodes require. */
export const DEFAULT_MINIMUM_POW = 0.002;
