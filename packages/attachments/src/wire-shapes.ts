import type { MessageShape } from '@sotto/protocol-codec/internal';
import type { AttachmentLimits } from './limits.js';

type Shape = MessageShape<keyof AttachmentLimits | 'maxKeyBytes'>;

const PART: Shape = {
  name: 'AttachmentPart',
  fields: new Map([
    [1, { name: 'reference', type: 'string', size: 'maxReferenceBytes' }],
    [2, { name: 'sha256', type: 'bytes', size: 'maxKeyBytes' }],
    [3, { name: 'size', type: 'uint32' }],
  ]),
};

export const ATTACHMENT: Shape = {
  name: 'Attachment',
  fields: new Map([
    [1, { name: 'name', type: 'string', size: 'maxNameBytes' }],
    [2, { name: 'media_type', type: 'string', size: 'maxMediaTypeBytes' }],
    [3, { name: 'size', type: 'varint' }],
    [4, { name: 'key', type: 'string', size: 'maxKeyBytes' }],
    [5, { name: 'part_size', type: 'uint32' }],
    [6, { name: 'parts', type: 'message', message: PART, count: 'maxParts' }],
    [7, { name: 'thumbnail', type: 'bytes', size: 'maxThumbnailBytes' }],
    [8, { name: 'thumbnail_media_type', type: 'string', size: 'maxMediaTypeBytes' }],
  ]),
};

export const UPLOAD_CHECKPOINT: Shape = {
  name: 'UploadCheckpoint',
  fields: new Map([
    [1, { name: 'attachment', type: 'message', message: ATTACHMENT }],
    [2, { name: 'source_digest', type: 'bytes', size: 'maxKeyBytes' }],
  ]),
};
