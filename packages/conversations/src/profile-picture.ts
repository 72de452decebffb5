import { copyBytes, invalidArgument, limitExceeded } from '@sotto/core';
import { PROFILE_PICTURE_MAX_BYTES } from './limits.js';

/** Format of a picture in a profile. */
export type ProfilePictureType = 'image/png' | 'image/jpeg' | 'image/webp';

/** The format that a picture's first bytes say; `undefined` for any other. Nothing is decoded. */
export function profilePictureType(picture: Uint8Array): ProfilePictureType | undefined {
  const begins = (bytes: readonly number[], at = 0) => bytes.every((byte, i) => picture[at + i] === byte);
  if (begins([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])) return 'image/png';
  if (begins([0xff, 0xd8, 0xff])) return 'image/jpeg';
  // RIFF, four bytes of length, WEBP.
  if (begins([0x52, 0x49, 0x46, 0x46]) && begins([0x57, 0x45, 0x42, 0x50], 8)) return 'image/webp';
  return undefined;
}

/** A picture of one's own; a copy. @throws INVALID_ARGUMENT, LIMIT_EXCEEDED */
export function parseProfilePicture(picture: Uint8Array | undefined): Uint8Array {
  if (picture === undefined) return new Uint8Array(0);
  const copy = copyBytes(picture, 'picture');
  if (copy.length > PROFILE_PICTURE_MAX_BYTES)
    throw limitExceeded('picture, bytes', PROFILE_PICTURE_MAX_BYTES, copy.length);
  if (profilePictureType(copy) === undefined) throw invalidArgument('picture', 'not a PNG, JPEG or WebP');
  return copy;
}
