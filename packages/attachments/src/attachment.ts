import {
  concatBytes,
  copyBytes,
  encodeUtf8,
  invalidArgument,
  limitExceeded,
  parseBytes,
  parseObject,
  parseText,
} from '@sotto/core';
import { checkLimit, checkWire, malformed } from '@sotto/protocol-codec/internal';
import { AttachmentKey } from './attachment-key.js';
import { Attachment as WireAttachment } from './generated/sotto/attachments/v1/attachment.js';
import { type AttachmentLimits, DEFAULT_ATTACHMENT_LIMITS } from './limits.js';
import { isFileName, isMediaType } from './names.js';
import { partCount, partRange } from './part-sizes.js';
import { ATTACHMENT } from './wire-shapes.js';

/** A file that is stored encrypted: what a recipient needs to fetch and decrypt it. Whoever has this can read the file. */
export interface Attachment {
  /** For people; a file name without a path, or empty. It comes from the sender: an extension proves nothing. */
  readonly name: string;
  /** In lower case, such as `image/jpeg`, or empty. It comes from the sender and proves nothing. */
  readonly mediaType: string;
  /** Bytes of the file. */
  readonly size: number;
  /** Decrypts the parts. */
  readonly key: AttachmentKey;
  /** Bytes of each part before encryption. */
  readonly partSize: number;
  /** In the order of the file. */
  readonly parts: readonly AttachmentPart[];
  /** A small picture of it; `undefined` without one. */
  readonly thumbnail: Thumbnail | undefined;
}

/** A part of a file: an encrypted file of the age format by itself. */
export interface AttachmentPart {
  /** Where it is, as its store says. */
  readonly reference: string;
  /** 32 bytes: SHA-256 of the encrypted part. */
  readonly sha256: Uint8Array;
  /** Bytes of the encrypted part. */
  readonly size: number;
}

/** A small picture, which travels in the message. */
export interface Thumbnail {
  /** The encoded picture. From outside it is as untrusted as any other file. */
  readonly content: Uint8Array;
  /** Such as `image/webp`. */
  readonly mediaType: string;
}

/** Options of {@link decodeAttachment} and {@link encodeAttachment}. */
export interface AttachmentCodecOptions {
  /** Default: those of {@link DEFAULT_ATTACHMENT_LIMITS}. */
  readonly limits?: Partial<AttachmentLimits> | undefined;
}

/** Smallest part before encryption, but for the last one, in bytes: no sender has reasons for more requests. */
const MIN_PART_BYTES = 1_024;
/** Bytes by which a part may grow when it is encrypted: a header, and 16 for each 64 KiB. */
const HEADER_BYTES = 1_024;

/** Largest encrypted part of a part of some bytes. */
export function maxEncryptedBytes(partSize: number): number {
  return partSize + HEADER_BYTES + 16 * Math.ceil(partSize / (64 * 1024));
}

/**
 * The encoded attachment: `sotto.attachments.v1.Attachment`. It holds the key.
 * @throws INVALID_ARGUMENT, LIMIT_EXCEEDED
 */
export function encodeAttachment(attachment: Attachment, options: AttachmentCodecOptions = {}): Uint8Array {
  const wire = attachmentToWire(attachment);
  const fault = faultOf(wire, { ...DEFAULT_ATTACHMENT_LIMITS, ...options.limits });
  if (fault !== undefined) throw invalidArgument('attachment', fault);
  return WireAttachment.encode(wire).finish();
}

/**
 * Decodes an attachment, strictly. Nothing of it is believed: names are fit to be shown, sizes within limits, and parts as many as
 * the size needs.
 * @param bytes borrowed; the result shares nothing with them
 * @throws MALFORMED_MESSAGE, LIMIT_EXCEEDED, INVALID_ARGUMENT
 */
export function decodeAttachment(bytes: Uint8Array, options: AttachmentCodecOptions = {}): Attachment {
  const limits = { ...DEFAULT_ATTACHMENT_LIMITS, ...options.limits };
  const own = copyBytes(parseBytes(bytes, 'attachment'));
  checkLimit('attachment, bytes', own.length, maxAttachmentBytes(limits));
  checkWire(own, ATTACHMENT, { ...limits, maxKeyBytes: 128, maxFields: 5 * limits.maxParts + 64 });
  const wire = WireAttachment.decode(own);
  const fault = faultOf(wire, limits);
  if (fault !== undefined) throw malformed('Attachment', fault);
  return attachmentFromWire(wire);
}

/** Largest encoded attachment. */
export function maxAttachmentBytes(limits: AttachmentLimits): number {
  return limits.maxParts * (limits.maxReferenceBytes + 64) + limits.maxThumbnailBytes + 2_048;
}

/** @internal */
export function attachmentToWire(attachment: Attachment): WireAttachment {
  const { name, mediaType, size, key, partSize, parts, thumbnail } = parseObject(
    attachment,
    'attachment',
    'key',
    'parts',
  );
  if (!(key instanceof AttachmentKey)) throw invalidArgument('key', 'not an AttachmentKey');
  if (!Number.isSafeInteger(size) || size < 0) throw invalidArgument('size', 'not a number of bytes');
  return {
    name: parseText(name, 'name'),
    mediaType: parseText(mediaType, 'media type'),
    size: BigInt(size),
    key: key.reveal(),
    partSize,
    parts: parts.map(({ reference, sha256, size }) => ({ reference, sha256: copyBytes(sha256), size })),
    thumbnail:
      thumbnail === undefined ? new Uint8Array(0) : copyBytes(thumbnail.content, 'thumbnail.content'),
    thumbnailMediaType: thumbnail?.mediaType ?? '',
  };
}

/** @internal Of a checked one. */
export function attachmentFromWire(wire: WireAttachment): Attachment {
  const { name, mediaType, size, key, partSize, parts, thumbnail, thumbnailMediaType } = wire;
  return {
    name,
    mediaType,
    size: Number(size),
    key: new AttachmentKey(key),
    partSize,
    parts: parts.map(({ reference, sha256, size }) => ({ reference, sha256: concatBytes(sha256), size })),
    thumbnail:
      thumbnail.length === 0 ? undefined : { content: concatBytes(thumbnail), mediaType: thumbnailMediaType },
  };
}

/**
 * What is wrong with an attachment; `undefined` when nothing is.
 * @param isComplete whether all its parts have to be there
 * @throws LIMIT_EXCEEDED
 * @internal
 */
export function faultOf(
  wire: WireAttachment,
  limits: AttachmentLimits,
  isComplete = true,
): string | undefined {
  const { name, mediaType, partSize, parts, thumbnail, thumbnailMediaType } = wire;
  if (wire.size > BigInt(limits.maxFileBytes))
    throw limitExceeded('file, bytes', limits.maxFileBytes, Number(wire.size));
  const size = Number(wire.size);
  if (encodeUtf8(name).length > limits.maxNameBytes || !isFileName(name)) return 'not a file name';
  if (mediaType.length > limits.maxMediaTypeBytes || !isMediaType(mediaType)) return 'not a media type';
  if (partSize < MIN_PART_BYTES) return 'parts too small';
  const count = partCount(size, partSize);
  if (count > limits.maxParts) throw limitExceeded('parts of a file', limits.maxParts, count);
  if (isComplete ? parts.length !== count : parts.length > count) return 'not the parts of its size';
  if (thumbnail.length > limits.maxThumbnailBytes)
    throw limitExceeded('thumbnail, bytes', limits.maxThumbnailBytes, thumbnail.length);
  if (thumbnail.length > 0 !== (thumbnailMediaType !== '') || !isMediaType(thumbnailMediaType))
    return 'not the media type of a thumbnail';
  if (!isKey(wire.key)) return 'not a key';
  for (const [index, { reference, sha256, size: encrypted }] of parts.entries()) {
    if (
      reference === '' ||
      encodeUtf8(reference).length > limits.maxReferenceBytes ||
      !/^[!-~]+$/.test(reference)
    )
      return 'not a reference';
    if (sha256.length !== 32) return 'not a SHA-256';
    const { from, to, padding } = partRange(index, size, partSize);
    if (encrypted < 1 || encrypted > maxEncryptedBytes(to - from + padding)) return 'not the size of a part';
  }
  return undefined;
}

function isKey(text: string): boolean {
  try {
    return new AttachmentKey(text) instanceof AttachmentKey;
  } catch {
    return false;
  }
}
