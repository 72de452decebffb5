/** First token of the subjects. */
export const DEFAULT_PREFIX = 'sotto';

/** Largest envelope: below the 1 MiB that servers accept by default, with room for headers. */
export const DEFAULT_MAX_ENVELOPE_BYTES = 1_000_000;
