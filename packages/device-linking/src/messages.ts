import { copyBytes } from '@sotto/core';
import { checkLimit, checkWire, type MessageShape, malformed } from '@sotto/protocol-codec/internal';
import { LinkMessage as WireMessage } from './generated/sotto/device_linking/v1/linking.js';
import { CHUNK_BYTES, MAX_CHUNKS, MAX_RANGES, MESSAGE_OVERHEAD_BYTES } from './limits.js';

/** What the two devices say, see `linking.proto`. */
export type LinkMessage = NonNullable<WireMessage['content']>;

type Shape = MessageShape<keyof typeof LIMITS>;

const LIMITS = {
  maxTextBytes: 512,
  maxBytes: 64,
  maxChunkBytes: CHUNK_BYTES,
  maxRanges: MAX_RANGES,
  maxFields: 3 * MAX_RANGES + 32,
};

const shape = (name: string, fields: Shape['fields'] = new Map()): Shape => ({ name, fields });
const RANGE = shape(
  'Range',
  new Map([
    [1, { name: 'from', type: 'uint32' }],
    [2, { name: 'to', type: 'uint32' }],
  ]),
);
const text = (name: string) => ({ name, type: 'string', size: 'maxTextBytes' }) as const;
const bytes = (name: string) => ({ name, type: 'bytes', size: 'maxBytes' }) as const;
const PARTS: readonly Shape[] = [
  shape(
    'Hello',
    new Map<number, ReturnType<typeof text> | ReturnType<typeof bytes>>([
      [1, bytes('secret')],
      [2, text('name')],
    ]),
  ),
  shape('Welcome', new Map([[1, text('name')]])),
  shape('Refused'),
  {
    name: 'Offer',
    fields: new Map<number, NonNullable<ReturnType<Shape['fields']['get']>>>([
      [1, bytes('identity')],
      [2, { name: 'chunks', type: 'uint32' }],
      [3, { name: 'bytes', type: 'varint' }],
      [4, text('passphrase')],
      [5, text('installation_id')],
    ]),
  },
  shape('Ready'),
  {
    name: 'Chunk',
    fields: new Map<number, NonNullable<ReturnType<Shape['fields']['get']>>>([
      [1, { name: 'index', type: 'uint32' }],
      [2, { name: 'content', type: 'bytes', size: 'maxChunkBytes' }],
    ]),
  },
  {
    name: 'Received',
    fields: new Map<number, NonNullable<ReturnType<Shape['fields']['get']>>>([
      [1, { name: 'count', type: 'uint32' }],
      [2, { name: 'missing', type: 'message', message: RANGE, count: 'maxRanges' }],
    ]),
  },
  shape('Query'),
  shape('Finished', new Map([[1, text('installation_id')]])),
  shape('Cancelled'),
  shape('Done'),
];
const MESSAGE: Shape = {
  name: 'LinkMessage',
  fields: new Map(
    PARTS.map((message, i) => [i + 1, { name: message.name, type: 'message' as const, message }]),
  ),
};

/** The payload of a message. */
export function encodeLinkMessage(content: LinkMessage): Uint8Array {
  return WireMessage.encode({ content }).finish();
}

/** @throws MALFORMED_MESSAGE, LIMIT_EXCEEDED */
export function decodeLinkMessage(payload: Uint8Array): LinkMessage {
  checkLimit('LinkMessage, bytes', payload.length, CHUNK_BYTES + MESSAGE_OVERHEAD_BYTES);
  const own = copyBytes(payload);
  checkWire(own, MESSAGE, LIMITS);
  const { content } = WireMessage.decode(own);
  if (content === undefined) throw malformed('LinkMessage', 'of an unknown kind');
  if (content.$case === 'chunk' && content.value.index >= MAX_CHUNKS)
    throw malformed('LinkMessage', 'a piece beyond the last');
  return content;
}
