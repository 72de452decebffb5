import {
  type Attachment,
  decodeAttachment,
  downloadAttachment,
  encodeAttachment,
  uploadAttachment,
} from '@sotto/attachments';
import { createHttpBlobStore } from '@sotto/attachments/http';
import type { Conversations } from '@sotto/conversations';
import type { BlobStore } from '@sotto/core';
import type { Conversation } from '@sotto/messenger';

/** Files are kept, encrypted, at the node that the user chose. Those at other nodes are not fetched: their operators would learn who asks. */
export function blobStoreAt(node: string): BlobStore {
  const url = new URL('/blobs/', node.replace(/^ws/, 'http'));
  return createHttpBlobStore({ url: url.href });
}

/** Encrypts a file, stores it, and sends where it is. */
export async function sendFile(
  { conversations, blobs }: { readonly conversations: Conversations; readonly blobs: BlobStore },
  conversation: Conversation,
  file: File,
  onProgress: (done: number, total: number) => void,
  signal: AbortSignal,
): Promise<void> {
  const attachment = await uploadAttachment({
    store: blobs,
    source: file,
    name: file.name,
    mediaType: plainMediaType(file.type),
    signal,
    onProgress: ({ done, total }) => onProgress(done, total),
  });
  await conversations.sendFile(conversation, encodeAttachment(attachment));
}

/** What a message says of a file; `undefined` when it says nothing valid. */
export function describedFile(bytes: Uint8Array): Attachment | undefined {
  try {
    return decodeAttachment(bytes);
  } catch {
    return undefined;
  }
}

/** Fetches a file. Its type is never that of a page: it is saved, and opened by what the user opens files with. */
export async function fetchFile(
  { blobs }: { readonly blobs: BlobStore },
  attachment: Attachment,
  onProgress: (done: number, total: number) => void,
  signal: AbortSignal,
): Promise<Blob> {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  const download = downloadAttachment({
    attachment,
    stores: [blobs],
    signal,
    onProgress: ({ done, total }) => onProgress(done, total),
  });
  for await (const part of download) parts.push(new Uint8Array(part));
  return new Blob(parts, { type: 'application/octet-stream' });
}

/** `1.5 MB`. */
export function sizeOf(bytes: number): string {
  const units = ['bytes', 'kB', 'MB', 'GB'];
  let size = bytes;
  let unit = 0;
  for (; size >= 1_000 && unit < units.length - 1; unit++) size /= 1_000;
  return `${unit === 0 || size >= 10 ? Math.round(size) : size.toFixed(1)} ${units[unit]}`;
}

function plainMediaType(type: string): string {
  const [plain = ''] = type.toLowerCase().split(';');
  return /^[a-z0-9][\w!#$&^.+-]*\/[a-z0-9][\w!#$&^.+-]*$/.test(plain) ? plain : '';
}
