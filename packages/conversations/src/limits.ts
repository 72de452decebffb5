/**
 * Largest description of a file in a message, in bytes: what `@sotto/attachments` makes of one of 10 GB takes half of it. It is encrypted once
 * for each device, and proof of work grows with its length.
 */
export const ATTACHMENT_MAX_BYTES = 64 * 1024;

/** Longest time after which messages disappear, in seconds: a year. Whatever is kept for longer isn't meant to disappear. */
export const DISAPPEARING_MAX_SECONDS = 365 * 24 * 60 * 60;
