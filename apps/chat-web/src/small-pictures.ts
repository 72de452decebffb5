import { DEFAULT_ATTACHMENT_LIMITS, type Thumbnail } from '@sotto/attachments';
import { pictureType } from './files.js';

/** A picture of so many bytes travels in its message, so that nothing has to be fetched. */
export const INLINE_MAX_BYTES = DEFAULT_ATTACHMENT_LIMITS.maxThumbnailBytes;
/** Sides that are tried, in pixels, until a small picture has few enough bytes. A bubble shows 240, on most screens at twice that. */
const SIDES = [480, 360, 240, 120, 64];
const QUALITIES = [0.8, 0.6, 0.4];

/** A picture of a file, small enough for a message; `undefined` for what isn't a picture. One that is small enough already stays as it is. */
export async function smallPicture(file: Blob): Promise<Thumbnail | undefined> {
  const type = pictureType(file.type);
  if (type === undefined) return undefined;
  const bitmap = await createImageBitmap(file).catch(() => undefined);
  if (bitmap === undefined) return undefined;
  try {
    const smallest = file.size <= INLINE_MAX_BYTES ? file : await shrunk(bitmap);
    return smallest && { content: new Uint8Array(await smallest.arrayBuffer()), mediaType: smallest.type };
  } finally {
    bitmap.close();
  }
}

async function shrunk(bitmap: ImageBitmap): Promise<Blob | undefined> {
  for (const side of SIDES) {
    for (const quality of QUALITIES) {
      const small = await drawn(bitmap, side, 'image/webp', quality);
      if (small.size <= INLINE_MAX_BYTES && pictureType(small.type) !== undefined) return small;
    }
  }
  return undefined;
}

/**
 * A photograph without what cameras write beside the picture: where it was taken, when and by which device. Others, which don't say such
 * things or would lose their movement, stay as they are.
 */
export async function withoutMetadata(file: File): Promise<File> {
  if (file.type !== 'image/jpeg') return file;
  const bitmap = await createImageBitmap(file).catch(() => undefined);
  if (bitmap === undefined) return file;
  const picture = await drawn(bitmap, Math.max(bitmap.width, bitmap.height), 'image/jpeg', 0.9);
  bitmap.close();
  return new File([picture], file.name, { type: picture.type });
}

/** A picture cut to a square, small enough to travel in messages. Throws a `TypeError` with words for people. */
export async function squarePicture(file: Blob, maxBytes: number): Promise<Uint8Array> {
  const bitmap = await createImageBitmap(file).catch(() => undefined);
  if (bitmap === undefined) throw new TypeError("This browser can't open this file as a picture.");
  const side = Math.min(bitmap.width, bitmap.height);
  const [x, y] = [(bitmap.width - side) / 2, (bitmap.height - side) / 2];
  const square = await createImageBitmap(bitmap, x, y, side, side);
  bitmap.close();
  try {
    for (const size of [256, 192, 128, 64]) {
      for (const quality of QUALITIES) {
        const small = await drawn(square, size, 'image/webp', quality);
        if (small.size <= maxBytes) return new Uint8Array(await small.arrayBuffer());
      }
    }
  } finally {
    square.close();
  }
  throw new TypeError("This picture can't be made small enough.");
}

function drawn(bitmap: ImageBitmap, side: number, type: string, quality: number): Promise<Blob> {
  const scale = Math.min(1, side / Math.max(bitmap.width, bitmap.height));
  const canvas = new OffscreenCanvas(
    Math.max(1, Math.round(bitmap.width * scale)),
    Math.max(1, Math.round(bitmap.height * scale)),
  );
  const context = canvas.getContext('2d') as OffscreenCanvasRenderingContext2D;
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  return canvas.convertToBlob({ type, quality });
}
