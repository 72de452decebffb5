/** Most random bytes of one call: the limit of `crypto.getRandomValues`. */
export const RANDOM_MAX_LENGTH = 65_536;

/** Most bytes that HKDF-SHA-256 can derive: 255 blocks (RFC 5869, section 2.3). */
export const HKDF_MAX_LENGTH = 255 * 32;

/** Most bytes that PBKDF2 derives: as many as HKDF. It is for keys, and each 32 bytes cost all rounds again. */
export const PBKDF2_MAX_LENGTH = HKDF_MAX_LENGTH;

/** Most rounds of PBKDF2: the counters of native libraries are int32. */
export const PBKDF2_MAX_ITERATIONS = 0x7fff_ffff;
