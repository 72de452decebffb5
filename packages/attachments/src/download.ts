import {
  type BlobStore,
  type Clock,
  concatBytes,
  copyBytes,
  invalidArgument,
  limitExceeded,
  parseObject,
  SottoError,
  systemClock,
} from '@sotto/core';
import type { Attachment, AttachmentPart } from './attachment.js';
import { checkAborted, withAttempts } from './attempts.js';
import { decryptPart, notAuthentic } from './encryption.js';
import { partCount, partRange } from './part-sizes.js';

/** What is fetched, and from where. */
export interface DownloadRequest {
  /** As {@link uploadAttachment} returned it to its sender, and `decodeAttachment` to us. */
  readonly attachment: Attachment;
  /** Asked for the references that they accept; no other address is contacted. */
  readonly stores: readonly BlobStore[];
  /** The first part wanted, from 0: for going on with a download. `from * attachment.partSize` bytes come before it. */
  readonly from?: number | undefined;
  /** Called before each part is yielded. */
  readonly onProgress?: ((progress: DownloadProgress) => void) | undefined;
  /** Gives up. */
  readonly signal?: AbortSignal | undefined;
  /** Times the waits before a part is tried again. Default: the system's. */
  readonly clock?: Clock | undefined;
}

/** How far a download is. */
export interface DownloadProgress {
  /** Bytes of the file that have been fetched and are authentic, those before `from` included. */
  readonly done: number;
  /** Bytes of the file. */
  readonly total: number;
}

/**
 * Fetches a file part by part. What it yields is authentic, each in its place: the parts concatenated are the file, or end too early
 * with an error. Write them to where they are wanted, and keep how many there were.
 * @throws AUTHENTICATION_FAILED when a store returns something else; NOT_FOUND when it no longer has it; BLOB_REFUSED when no store
 * accepts the reference, or one refuses; BLOB_UNAVAILABLE and TIMEOUT after several attempts; LIMIT_EXCEEDED, ABORTED, INVALID_ARGUMENT
 */
export async function* downloadAttachment(request: DownloadRequest): AsyncGenerator<Uint8Array, void> {
  const {
    attachment,
    stores,
    from = 0,
    onProgress,
    signal,
    clock = systemClock,
  } = parseObject(request, 'request', 'attachment', 'stores');
  const { key, size, partSize, parts } = attachment;
  const count = partCount(size, partSize);
  if (parts.length !== count) throw invalidArgument('attachment', 'not the parts of its size');
  if (!Number.isSafeInteger(from) || from < 0 || from > count)
    throw invalidArgument('from', 'not the number of a part');
  for (let index = from; index < count; index++) {
    const part = parts[index] as AttachmentPart;
    const encrypted = await withAttempts(clock, signal, () => fetchPart(stores, part, signal));
    const content = await decryptPart(key, encrypted, part.sha256);
    const range = partRange(index, size, partSize);
    const length = range.to - range.from;
    if (content.length !== length + range.padding) throw notAuthentic();
    checkAborted(signal);
    onProgress?.({ done: range.to, total: size });
    if (length > 0) yield copyBytes(content.subarray(0, length));
  }
}

/**
 * Fetches a whole file into memory.
 * @param maxBytes LIMIT_EXCEEDED beyond it, before anything is fetched. Default 33,554,432: 32 MiB
 * @throws as {@link downloadAttachment}
 */
export async function readAttachment(
  request: DownloadRequest,
  { maxBytes = 32 * 1024 * 1024 }: { readonly maxBytes?: number | undefined } = {},
): Promise<Uint8Array> {
  const { size } = parseObject(request, 'request', 'attachment').attachment;
  if (size > maxBytes) throw limitExceeded('file in memory, bytes', maxBytes, size);
  const parts: Uint8Array[] = [];
  for await (const part of downloadAttachment(request)) parts.push(part);
  return concatBytes(...parts);
}

/**
 * Deletes the parts of a file where the stores can. Recipients who have not fetched it yet can't any more.
 * @throws BLOB_REFUSED, BLOB_UNAVAILABLE, TIMEOUT, ABORTED of the first that fails, after all were asked
 */
export async function deleteAttachment(
  attachment: Attachment,
  stores: readonly BlobStore[],
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<void> {
  const failures: unknown[] = [];
  for (const { reference } of attachment.parts) {
    try {
      await stores.find((store) => store.accepts(reference))?.delete?.(reference, options);
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
}

async function fetchPart(
  stores: readonly BlobStore[],
  { reference, size }: AttachmentPart,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  const store = stores.find((one) => one.accepts(reference));
  if (store === undefined) {
    const reason = 'it is in a store that this program does not use';
    throw new SottoError('BLOB_REFUSED', `The file can't be fetched: ${reason}.`, { store: 'none', reason });
  }
  const blob = await store.get(reference, { maxBytes: size, signal });
  if (blob.length !== size) throw notAuthentic();
  return blob;
}
