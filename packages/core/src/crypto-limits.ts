/** Most bytes of one draw of randomness: what `crypto.getRandomValues` gives at once. */
export const RANDOM_MAX_LENGTH = 65_536;

/** Most bytes that HKDF-SHA-256 gives: 255 blocks (RFC 5869, section 2.3). */
export const HKDF_MAX_LENGTH = 255 * 32;

/** Most bytes that PBKDF2 gives: as many as HKDF. It makes keys, and each 32 bytes cost all rounds again. */
export const PBKDF2_MAX_LENGTH = HKDF_MAX_LENGTH;

/** Most rounds of PBKDF2: what native libraries can count. */
export const PBKDF2_MAX_ITERATIONS = 0x7fff_ffff;
