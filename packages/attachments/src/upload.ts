import {
  type BlobStore,
  type Clock,
  compareBytes,
  concatBytes,
  copyBytes,
  invalidArgument,
  limitExceeded,
  parseBytes,
  parseObject,
  systemClock,
} from '@sotto/core';
import { checkLimit, checkWire, malformed } from '@sotto/protocol-codec/internal';
import {
  type Attachment,
  type AttachmentPart,
  attachmentFromWire,
  attachmentToWire,
  faultOf,
  maxAttachmentBytes,
  maxEncryptedBytes,
  type Thumbnail,
} from './attachment.js';
import { checkAborted, withAttempts } from './attempts.js';
import { digestOf, encryptPart, generateKey } from './encryption.js';
import { UploadCheckpoint as WireCheckpoint } from './generated/sotto/attachments/v1/attachment.js';
import { type AttachmentLimits, DEFAULT_ATTACHMENT_LIMITS } from './limits.js';
import { isMediaType, toFileName } from './names.js';
import { paddedSize, partCount, partRange } from './part-sizes.js';
import { type AttachmentSource, type RangeReader, readerOf } from './source.js';
import { UPLOAD_CHECKPOINT } from './wire-shapes.js';

/** What is stored, and where. */
export interface UploadRequest {
  /** Where the parts go. */
  readonly store: BlobStore;
  /** The file. */
  readonly source: AttachmentSource;
  /** For people; a path and characters that a name may not contain are removed. Default: none. */
  readonly name?: string | undefined;
  /** In lower case, without parameters. Default: none. */
  readonly mediaType?: string | undefined;
  /** A small picture of it. Default: none. */
  readonly thumbnail?: Thumbnail | undefined;
  /**
   * Called after each part; awaited. Keep the checkpoint in an encrypted store, then an upload that was interrupted can go on.
   */
  readonly onProgress?: ((progress: UploadProgress) => void | Promise<void>) | undefined;
  /** A checkpoint of the same file: its parts are not stored again. */
  readonly resume?: Uint8Array | undefined;
  /** Gives up. What was stored stays, see `resume`. */
  readonly signal?: AbortSignal | undefined;
  /** Default: those of {@link DEFAULT_ATTACHMENT_LIMITS}. */
  readonly limits?: Partial<AttachmentLimits> | undefined;
  /** Times the waits before a part is tried again. Default: the system's. */
  readonly clock?: Clock | undefined;
}

/** How far an upload is. */
export interface UploadProgress {
  /** Bytes of the file that are stored. */
  readonly done: number;
  /** Bytes of the file. */
  readonly total: number;
  /** For `resume`. A secret: it has the key. The caller owns it. */
  readonly checkpoint: Uint8Array;
}

/** Parts before encryption are at most this large, so that progress shows and little is lost when one fails. */
const MAX_PART_BYTES = 4 * 1024 * 1024;
/** And at least this large, if the store allows. */
const USUAL_PART_BYTES = 256 * 1024;
/** Parts become larger rather than more than this many. */
const USUAL_PARTS = 64;

/**
 * Encrypts a file part by part, and stores it. One part is in memory at a time.
 * @throws LIMIT_EXCEEDED, INVALID_ARGUMENT (also when the source is not the one that `resume` is of), MALFORMED_MESSAGE for what is
 * not a checkpoint, and what the store throws, after it was tried again when it can't be reached
 */
export async function uploadAttachment(request: UploadRequest): Promise<Attachment> {
  const {
    store,
    signal,
    clock = systemClock,
    onProgress,
  } = parseObject(request, 'request', 'store', 'source');
  parseObject(store, 'store', 'put', 'capabilities');
  const limits = { ...DEFAULT_ATTACHMENT_LIMITS, ...request.limits };
  const reader = readerOf(request.source);
  if (reader.size > limits.maxFileBytes) throw limitExceeded('file, bytes', limits.maxFileBytes, reader.size);
  checkAborted(signal);
  const begun =
    request.resume === undefined
      ? { attachment: await begin(request, reader.size, limits), sourceDigest: new Uint8Array(32) }
      : decodeCheckpoint(request.resume, limits);
  const { attachment } = begun;
  if (request.resume !== undefined) await checkSource(reader, begun);
  const { key, partSize, size } = attachment;
  const parts: AttachmentPart[] = [...attachment.parts];
  let { sourceDigest } = begun;
  while (parts.length < partCount(size, partSize)) {
    checkAborted(signal);
    const range = partRange(parts.length, size, partSize);
    const content = await reader.read(range.from, range.to);
    const encrypted = await encryptPart(key, concatBytes(content, new Uint8Array(range.padding)));
    const sha256 = digestOf(encrypted);
    const reference = await withAttempts(clock, signal, () => store.put(encrypted, { signal }));
    parts.push({ reference, sha256, size: encrypted.length });
    sourceDigest = digestOf(sourceDigest, digestOf(content));
    const checkpoint = encodeCheckpoint({ attachment: { ...attachment, parts }, sourceDigest });
    await onProgress?.({ done: range.to, total: size, checkpoint });
  }
  return { ...attachment, parts };
}

interface Checkpoint {
  readonly attachment: Attachment;
  readonly sourceDigest: Uint8Array;
}

async function begin(request: UploadRequest, size: number, limits: AttachmentLimits): Promise<Attachment> {
  const { store, name = '', mediaType = '', thumbnail } = request;
  if (mediaType.length > limits.maxMediaTypeBytes || !isMediaType(mediaType))
    throw invalidArgument('media type', 'not one in lower case without parameters, such as image/png');
  if (thumbnail !== undefined) {
    const { length } = parseBytes(thumbnail.content, 'thumbnail.content');
    if (length > limits.maxThumbnailBytes)
      throw limitExceeded('thumbnail, bytes', limits.maxThumbnailBytes, length);
    if (length === 0 || thumbnail.mediaType === '' || !isMediaType(thumbnail.mediaType))
      throw invalidArgument('thumbnail', 'empty, or without a media type');
  }
  return {
    name: toFileName(name, limits.maxNameBytes),
    mediaType,
    size,
    key: await generateKey(),
    partSize: partSizeFor(size, store.capabilities.maxBlobBytes, limits),
    parts: [],
    thumbnail: thumbnail && { content: copyBytes(thumbnail.content), mediaType: thumbnail.mediaType },
  };
}

function partSizeFor(size: number, maxBlobBytes: number, limits: AttachmentLimits): number {
  const largest = Math.min(MAX_PART_BYTES, largestPart(maxBlobBytes));
  const wanted = Math.max(USUAL_PART_BYTES, 2 ** Math.ceil(Math.log2(paddedSize(size) / USUAL_PARTS)));
  const partSize = Math.min(wanted, largest);
  const count = partCount(size, partSize);
  if (count > limits.maxParts) throw limitExceeded('parts of a file', limits.maxParts, count);
  return partSize;
}

/** The largest part, a multiple of 1,024 bytes, that fits into a blob when it is encrypted. */
function largestPart(maxBlobBytes: number): number {
  let partSize = Math.floor(Math.min(maxBlobBytes, 2 * MAX_PART_BYTES) / 1_024) * 1_024;
  while (partSize > 0 && maxEncryptedBytes(partSize) > maxBlobBytes) partSize -= 1_024;
  if (partSize === 0) throw invalidArgument('store', `blobs of ${maxBlobBytes} bytes are too small`);
  return partSize;
}

/** Whether the file is still the one whose parts are stored. */
async function checkSource(reader: RangeReader, { attachment, sourceDigest }: Checkpoint): Promise<void> {
  const { size, partSize, parts } = attachment;
  const other = invalidArgument('source', 'not the file of which a part is stored');
  if (reader.size !== size) throw other;
  let digest: Uint8Array = new Uint8Array(32);
  for (const index of parts.keys()) {
    const { from, to } = partRange(index, size, partSize);
    digest = digestOf(digest, digestOf(await reader.read(from, to)));
  }
  if (compareBytes(digest, sourceDigest) !== 0) throw other;
}

function encodeCheckpoint({ attachment, sourceDigest }: Checkpoint): Uint8Array {
  return WireCheckpoint.encode({ attachment: attachmentToWire(attachment), sourceDigest }).finish();
}

function decodeCheckpoint(bytes: Uint8Array, limits: AttachmentLimits): Checkpoint {
  const own = copyBytes(parseBytes(bytes, 'resume'));
  checkLimit('UploadCheckpoint, bytes', own.length, maxAttachmentBytes(limits) + 64);
  checkWire(own, UPLOAD_CHECKPOINT, { ...limits, maxKeyBytes: 128, maxFields: 5 * limits.maxParts + 64 });
  const { attachment, sourceDigest } = WireCheckpoint.decode(own);
  if (attachment === undefined || sourceDigest.length !== 32)
    throw malformed('UploadCheckpoint', 'not what an upload has done');
  const fault = faultOf(attachment, limits, false);
  if (fault !== undefined) throw malformed('UploadCheckpoint', fault);
  return { attachment: attachmentFromWire(attachment), sourceDigest: copyBytes(sourceDigest) };
}
