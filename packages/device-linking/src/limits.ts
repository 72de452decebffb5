/** Milliseconds for which a code can be read. */
export const DEFAULT_CODE_LIFETIME_MS = 10 * 60_000;

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
