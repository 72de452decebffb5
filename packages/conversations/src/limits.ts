/**
 * Largest description of a file in a message, in bytes: what `@sotto/attachments` makes of one of 10 GB takes half of it. It is encrypted once
 * for each device, and proof of work grows with its length.
 */
export const ATTACHMENT_MAX_BYTES = 64 * 1024;

/** Longest time after which messages disappear, in seconds: a year. Whatever is kept for longer isn't meant to disappear. */
export const DISAPPEARING_MAX_SECONDS = 365 * 24 * 60 * 60;

/**
 * Largest content of a message between our own devices, in bytes: some hundred changes, while each device gets a copy and
 * proof of work grows with its length.
 */
export const SYNC_MAX_BYTES = 16 * 1024;

/** Largest picture in a profile, in bytes: 256 by 256 pixels as JPEG. It is sent to each contact. */
export const PROFILE_PICTURE_MAX_BYTES = 16 * 1024;

/**
 * Largest width and height of a picture in a profile, in pixels: four times what a profile page shows. 16 kB can hold a picture of more than
 * 10,000 by 10,000, for which programs need a gigabyte when they show it.
 */
export const PROFILE_PICTURE_MAX_PIXELS = 1_024;
