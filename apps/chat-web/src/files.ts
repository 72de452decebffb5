import {
  type Attachment,
  DEFAULT_ATTACHMENT_LIMITS,
  decodeAttachment,
  downloadAttachment,
} from '@sotto/attachments';
import { createHttpBlobStore } from '@sotto/attachments/http';
import type { BlobStore } from '@sotto/core';
import { rememberingStore } from './kept-parts.js';

/** Files are kept, encrypted, at the node that the user chose. Those at other nodes are not fetched: their operators would learn who asks. */
export type FileStore = ReturnType<typeof fileStoreAt>;

export function fileStoreAt(node: string) {
  const url = new URL('/blobs/', node.replace(/^ws/, 'http'));
  return rememberingStore(createHttpBlobStore({ url: url.href }));
}

/** What a message says of a file; `undefined` when it says nothing valid. */
export function describedFile(bytes: Uint8Array): Attachment | undefined {
  try {
    return decodeAttachment(bytes);
  } catch {
    return undefined;
  }
}

/** Kinds of pictures that browsers decode and that hold no scripts. */
const PICTURES = ['image/png', 'image/jpeg', 'image/webp', 'image/gif'] as const;
export type PictureType = (typeof PICTURES)[number];

/** The kind of a picture that can be shown; `undefined` for whatever else claims to be one. */
export function pictureType(mediaType: string): PictureType | undefined {
  return PICTURES.find((known) => known === mediaType);
}

/** A small picture of a file, as its message has it; `undefined` when there is none that can be shown. */
export function thumbnailOf({ thumbnail }: Pick<Attachment, 'thumbnail'>): Blob | undefined {
  const type = thumbnail && pictureType(thumbnail.mediaType);
  return thumbnail && type && new Blob([new Uint8Array(thumbnail.content)], { type });
}

/**
 * Fetches a file.
 * @param type that of a picture that is shown. Otherwise it is never that of a page: it is saved, and opened by what the user opens files with
 */
export async function fetchFile(
  store: BlobStore,
  attachment: Attachment,
  type: PictureType | 'application/octet-stream',
  onProgress: (done: number) => void,
  signal: AbortSignal,
): Promise<Blob> {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  const download = downloadAttachment({
    attachment,
    stores: [store],
    signal,
    onProgress: ({ done }) => onProgress(done),
  });
  for await (const part of download) parts.push(new Uint8Array(part));
  return new Blob(parts, { type });
}

/** Checks that a file can be sent. Throws a `TypeError` with words for people. */
export function checkFile({ name, size }: File): void {
  const { maxFileBytes } = DEFAULT_ATTACHMENT_LIMITS;
  if (size <= maxFileBytes) return;
  throw new TypeError(`“${name}” has ${sizeOf(size)}. Up to ${sizeOf(maxFileBytes)} can be sent at once.`);
}

/** `1.5 MB`. */
export function sizeOf(bytes: number): string {
  const units = ['bytes', 'kB', 'MB', 'GB'];
  let size = bytes;
  let unit = 0;
  for (; size >= 1_000 && unit < units.length - 1; unit++) size /= 1_000;
  return `${unit === 0 || size >= 10 ? Math.round(size) : size.toFixed(1)} ${units[unit]}`;
}

/** A media type as attachments have it: without parameters; empty when it isn't one. */
export function plainMediaType(type: string): string {
  const [plain = ''] = type.toLowerCase().split(';');
  return /^[a-z0-9][\w!#$&^.+-]*\/[a-z0-9][\w!#$&^.+-]*$/.test(plain) ? plain : '';
}
