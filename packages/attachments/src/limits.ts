/** Limits on attachments, for what one sends and for what one is sent. */
export interface AttachmentLimits {
  /** Bytes of a file. 104,857,600: 100 MiB. */
  readonly maxFileBytes: number;
  /** Parts of a file: each is a request. 1,024. */
  readonly maxParts: number;
  /** Bytes of the UTF-8 of a name. 255, as file systems have it. */
  readonly maxNameBytes: number;
  /** Bytes of a media type. 127, as registered ones have at most. */
  readonly maxMediaTypeBytes: number;
  /** Bytes of the reference to a part. 512. */
  readonly maxReferenceBytes: number;
  /** Bytes of a thumbnail, which travels in the message. 16,384. */
  readonly maxThumbnailBytes: number;
}

/** The limits that apply unless others are given. */
export const DEFAULT_ATTACHMENT_LIMITS: AttachmentLimits = {
  maxFileBytes: 100 * 1024 * 1024,
  maxParts: 1_024,
  maxNameBytes: 255,
  maxMediaTypeBytes: 127,
  maxReferenceBytes: 512,
  maxThumbnailBytes: 16 * 1024,
};
