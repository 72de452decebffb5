/**
 * Entries kept, one for each contact, conversation and setting, removed ones included: several for each of some thousand people and
 * chats. At the limit, the oldest removed one is forgotten, so a device that hasn't heard of it may bring it back; when there is none,
 * what is new is not shared.
 */
export const MAX_ENTRIES = 32_768;

/** Bytes of a value: a draft of three pages. A longer one stays on its device, so that an entry fits into a message. */
export const MAX_VALUE_BYTES = 8 * 1024;

/** Bytes of a key, in UTF-8: the longest name of a public chat has 128. */
export const MAX_KEY_BYTES = 192;

/** Bytes of an installation id, as in bundles. */
export const MAX_DEVICE_BYTES = 256;

/**
 * Latest time of an entry, in milliseconds since the epoch: some hundred thousand years ahead. Above it there would be no room for
 * later ones.
 */
export const MAX_TIME = 2 ** 52;

/** Latest time that a clock of ours may show, the year 9999: what is set after it gets the next times from there. */
export const MAX_CLOCK = 253_402_300_799_000;

/** Buckets of a digest: of some thousand entries, a single difference costs some dozen. */
export const BUCKETS = 64;

/** Messages with entries that one digest asks for: half a megabyte. The rest is asked for when they have arrived. */
export const MAX_MESSAGES_AT_ONCE = 32;

/** Entries stamped in one commit. */
export const AT_ONCE = 128;

/** Milliseconds for which changes are gathered before they are sent. */
export const GATHER_MS = 500;

/** Milliseconds for which a draft is written on before it is sent: each state of it costs a message. */
export const GATHER_DRAFTS_MS = 5_000;

/** Milliseconds between two digests, when nothing gives cause: a message that was lost is noticed after that time. */
export const DIGEST_INTERVAL_MS = 6 * 60 * 60_000;

/** Shortest time between digests that a connection or a message that can't be read give cause to, in milliseconds. */
export const DIGEST_PAUSE_MS = 60_000;

/** Messages among the received ones of a conversation that are looked at for a read position. */
export const MAX_LOOKED_AT = 1_024;

/** Milliseconds after which what could not be stored, or applied, is tried again. */
export const RETRY_MS = 10_000;
