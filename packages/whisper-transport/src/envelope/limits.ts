/** Largest envelope that is read, in bytes: what deployed nodes let through. */
export const ENVELOPE_MAX_BYTES = 1024 * 1024;
/** Bytes that sealing adds at most: padding, signature, ECIES and the envelope. */
export const SEALING_OVERHEAD = 1024;
/** Least proof of work that deployed nodes ask for. */
export const DEFAULT_MINIMUM_POW = 0.002;
