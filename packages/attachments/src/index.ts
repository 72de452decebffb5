export {
  type Attachment,
  type AttachmentCodecOptions,
  type AttachmentPart,
  decodeAttachment,
  encodeAttachment,
  type Thumbnail,
} from './attachment.js';
export { AttachmentKey } from './attachment-key.js';
export {
  type DownloadProgress,
  type DownloadRequest,
  deleteAttachment,
  downloadAttachment,
  readAttachment,
} from './download.js';
export { type AttachmentLimits, DEFAULT_ATTACHMENT_LIMITS } from './limits.js';
export { createMemoryBlobStore, type MemoryBlobStoreOptions } from './memory-store.js';
export type { AttachmentSource, BlobLike, RangeReader } from './source.js';
export { type UploadProgress, type UploadRequest, uploadAttachment } from './upload.js';
