import { copyBytes, invalidArgument, limitExceeded } from '@sotto/core';
import { PROFILE_PICTURE_MAX_BYTES, PROFILE_PICTURE_MAX_PIXELS } from './limits.js';

/** Format of a picture in a profile. */
export type ProfilePictureType = 'image/png' | 'image/jpeg' | 'image/webp';

/**
 * The format that a picture's first bytes say; `undefined` for any other, and for one that does not say its size, or is wider or higher than
 * {@link PROFILE_PICTURE_MAX_PIXELS}. Nothing is decoded.
 */
export function profilePictureType(picture: Uint8Array): ProfilePictureType | undefined {
  const begins = beginsIn(picture);
  if (begins([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])) return ifSmall('image/png', pngSize(picture));
  if (begins([0xff, 0xd8, 0xff])) return ifSmall('image/jpeg', jpegSize(picture));
  // RIFF, four bytes of length, WEBP.
  if (begins([0x52, 0x49, 0x46, 0x46]) && begins([0x57, 0x45, 0x42, 0x50], 8))
    return ifSmall('image/webp', webpSize(picture));
  return undefined;
}

/** Width and height in pixels. */
type Size = readonly [width: number, height: number];

function ifSmall(type: ProfilePictureType, size: Size | undefined): ProfilePictureType | undefined {
  return size?.every((side) => side >= 1 && side <= PROFILE_PICTURE_MAX_PIXELS) ? type : undefined;
}

function beginsIn(picture: Uint8Array) {
  return (bytes: readonly number[], at = 0) => bytes.every((byte, i) => picture[at + i] === byte);
}

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}

/** As its first chunk says, IHDR. */
function pngSize(picture: Uint8Array): Size | undefined {
  if (picture.length < 24 || !beginsIn(picture)([0x49, 0x48, 0x44, 0x52], 12)) return undefined;
  const view = viewOf(picture);
  return [view.getUint32(16), view.getUint32(20)];
}

/** As the header of its frame says, SOF0 to SOF15: markers of 0xff and a byte, each with a length. */
function jpegSize(picture: Uint8Array): Size | undefined {
  const view = viewOf(picture);
  for (let at = 2; at + 9 <= picture.length; ) {
    if (picture[at] !== 0xff) return undefined;
    const marker = picture[at + 1] as number;
    // 0xff may be repeated.
    if (marker === 0xff) {
      at += 1;
      continue;
    }
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (isFrame) return [view.getUint16(at + 7), view.getUint16(at + 5)];
    // The pixels begin; markers without a length have no place before them.
    if (marker < 0xc0 || (marker >= 0xd0 && marker <= 0xda)) return undefined;
    at += 2 + view.getUint16(at + 2);
  }
  return undefined;
}

/** As its first chunk says: VP8, VP8L or VP8X. */
function webpSize(picture: Uint8Array): Size | undefined {
  if (picture.length < 30 || !beginsIn(picture)([0x56, 0x50, 0x38], 12)) return undefined;
  const view = viewOf(picture);
  switch (picture[15]) {
    case 0x20:
      return [view.getUint16(26, true) & 0x3fff, view.getUint16(28, true) & 0x3fff];
    case 0x4c: {
      const bits = view.getUint32(21, true);
      return [(bits & 0x3fff) + 1, ((bits >>> 14) & 0x3fff) + 1];
    }
    case 0x58:
      return [(view.getUint32(24, true) & 0xffffff) + 1, (view.getUint32(26, true) >>> 8) + 1];
    default:
      return undefined;
  }
}

/** A picture of one's own; a copy. @throws INVALID_ARGUMENT, LIMIT_EXCEEDED */
export function parseProfilePicture(picture: Uint8Array | undefined): Uint8Array {
  if (picture === undefined) return new Uint8Array(0);
  const copy = copyBytes(picture, 'picture');
  if (copy.length > PROFILE_PICTURE_MAX_BYTES)
    throw limitExceeded('picture, bytes', PROFILE_PICTURE_MAX_BYTES, copy.length);
  if (profilePictureType(copy) === undefined)
    throw invalidArgument(
      'picture',
      `not a PNG, JPEG or WebP of at most ${PROFILE_PICTURE_MAX_PIXELS} pixels each way`,
    );
  return copy;
}
