/** Milliseconds for which a code can be read. */
export const DEFAULT_CODE_LIFETIME_MS = 10 * 60_000;

/**
 * Milliseconds without a message of the other device after which linking is over: long enough to look for the other device and to
 * answer its question, short enough that no copy of the account waits in a link store for a device that never comes back.
 */
export const DEFAULT_SILENCE_MS = 60 * 60_000;

/** Most milliseconds for either: what a clock that was wrong has put further into the future is over. */
export const MAX_LINK_MS = 24 * 60 * 60_000;

/** Longest wait before it is looked whether time is over, in milliseconds: timers stand still while a computer sleeps. */
export const LOOK_MS = 60_000;

/** Milliseconds by which the end has to move before that is stored. */
export const RENEW_MS = 60_000;

/** Milliseconds for which the new device repeats that it worked, until the old one answers. */
export const FINISH_MS = 60_000;

/** Milliseconds after which what was said is said again, or what has arrived is asked for, when nothing comes. */
export const REPEAT_MS = 15_000;

/** Pieces on their way: enough to keep a network busy, few enough to show progress. */
export const WINDOW = 16;

/** After so many pieces the new device tells what has arrived. */
export const TELL_EACH = 4;

/** Bytes of a piece, unless the transport allows only less. */
export const CHUNK_BYTES = 32 * 1024;

/** Bytes that a message needs beside a piece. */
export const MESSAGE_OVERHEAD_BYTES = 4 * 1024;

/** Pieces of a backup: as many bytes as `restoreBackup` accepts by default, in small pieces. */
export const MAX_CHUNKS = 65_536;

/** Ranges of missing pieces in one message. */
export const MAX_RANGES = 64;

/** Characters of a device's name. */
export const MAX_NAME_LENGTH = 100;
