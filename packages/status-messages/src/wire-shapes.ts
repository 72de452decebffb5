import type { FieldShape, MessageShape } from '@sotto/protocol-codec/internal';
import type { StatusLimits } from './limits.js';

type Shape = MessageShape<keyof StatusLimits>;
type Field = FieldShape<keyof StatusLimits>;

// Deployed clients skip fields of another wire type as unknown.
function shape(name: string, fields: readonly (readonly [number, Field])[]): Shape {
  return { name, fields: new Map(fields), skipsForeignWireTypes: true };
}

const varint = (name: string): Field => ({ name, type: 'varint' });
const uint32 = (name: string): Field => ({ name, type: 'uint32' });
const name = (name: string): Field => ({ name, type: 'string', size: 'maxNameBytes' });
const image = (name: string): Field => ({ name, type: 'bytes', size: 'maxImageBytes' });
const hash = (name: string): Field => ({ name, type: 'bytes', size: 'maxNameBytes' });

export const METADATA = shape('Metadata', [
  [1, hash('signature')],
  [2, { name: 'payload', type: 'bytes' }],
  [3, uint32('type')],
]);

const CONTACT_REQUEST_STATE = shape('ContactRequestState', [
  [1, varint('local_clock')],
  [2, uint32('local_state')],
  [3, varint('remote_clock')],
  [4, uint32('remote_state')],
]);

export const CHAT_MESSAGE = shape('ChatMessage', [
  [1, varint('clock')],
  [2, varint('timestamp')],
  [3, { name: 'text', type: 'string', size: 'maxTextBytes' }],
  [4, name('response_to')],
  [5, name('ens_name')],
  [6, name('chat_id')],
  [7, uint32('message_type')],
  [8, uint32('content_type')],
  [
    9,
    {
      name: 'sticker',
      type: 'message',
      message: shape('Sticker', [
        [1, name('hash')],
        [2, varint('pack')],
      ]),
    },
  ],
  [
    10,
    {
      name: 'image',
      type: 'message',
      message: shape('Image', [
        [1, image('payload')],
        [2, uint32('format')],
        [3, name('album_id')],
        [4, uint32('width')],
        [5, uint32('height')],
        [6, uint32('album_images_count')],
      ]),
    },
  ],
  [14, name('display_name')],
  [15, { name: 'contact_request_state', type: 'message', message: CONTACT_REQUEST_STATE }],
  [19, uint32('customization_color')],
]);

export const CONTACT_UPDATE = shape('ContactUpdate', [
  [1, varint('clock')],
  [2, name('ens_name')],
  [3, { name: 'profile_image', type: 'string', size: 'maxImageBytes' }],
  [4, name('display_name')],
  [5, varint('contact_request_clock')],
  [6, { name: 'contact_request_state', type: 'message', message: CONTACT_REQUEST_STATE }],
  [7, name('public_key')],
  [8, uint32('customization_color')],
]);

export const CONTACT_REQUEST_ANSWER = shape('ContactRequestAnswer', [
  [1, name('id')],
  [2, varint('clock')],
]);

export const EMOJI_REACTION = shape('EmojiReaction', [
  [1, varint('clock')],
  [2, name('chat_id')],
  [3, name('message_id')],
  [4, uint32('message_type')],
  [5, uint32('type')],
  [6, varint('retracted')],
]);

export const MEMBERSHIP_UPDATE = shape('MembershipUpdate', [
  [1, name('chat_id')],
  [2, { name: 'events', type: 'bytes', count: 'maxEvents' }],
  [3, { name: 'message', type: 'message', message: CHAT_MESSAGE }],
  [4, { name: 'emoji_reaction', type: 'message', message: EMOJI_REACTION }],
]);

export const MEMBERSHIP_EVENT = shape('MembershipEvent', [
  [1, varint('clock')],
  [2, { ...name('members'), count: 'maxMembers' }],
  [3, name('name')],
  [4, uint32('type')],
  [5, name('color')],
  [6, image('image')],
]);

export const PAIR_INSTALLATION = shape('PairInstallation', [
  [1, varint('clock')],
  [2, name('installation_id')],
  [3, name('device_type')],
  [4, name('name')],
  [5, uint32('version')],
  [6, name('target_installation_id')],
]);

export const EDIT_MESSAGE = shape('EditMessage', [
  [1, varint('clock')],
  [2, { name: 'text', type: 'string', size: 'maxTextBytes' }],
  [3, name('chat_id')],
  [4, name('message_id')],
  [6, uint32('message_type')],
  [7, uint32('content_type')],
]);

export const DELETE_MESSAGE = shape('DeleteMessage', [
  [1, varint('clock')],
  [2, name('chat_id')],
  [3, name('message_id')],
  [5, uint32('message_type')],
  [6, name('deleted_by')],
]);

const ids = (name: string): Field => ({ ...hash(name), count: 'maxDatasyncIds' });

export const DATASYNC_PAYLOAD = shape('DatasyncPayload', [
  [5001, ids('acks')],
  [5002, ids('offers')],
  [5003, ids('requests')],
  [
    5004,
    {
      name: 'messages',
      type: 'message',
      count: 'maxDatasyncMessages',
      message: shape('DatasyncMessage', [
        [6001, hash('group_id')],
        [6002, { name: 'timestamp', type: 'int64' }],
        [6003, { name: 'body', type: 'bytes' }],
      ]),
    },
  ],
  [
    5005,
    {
      name: 'group_offers',
      type: 'message',
      count: 'maxDatasyncMessages',
      message: shape('DatasyncGroupOffer', [
        [1, hash('group_id')],
        [2, ids('message_ids')],
      ]),
    },
  ],
]);

export const SEGMENT = shape('Segment', [
  [1, hash('entire_message_hash')],
  [2, uint32('index')],
  [3, uint32('segments_count')],
  [4, { name: 'payload', type: 'bytes' }],
  [5, uint32('parity_segment_index')],
  [6, uint32('parity_segments_count')],
]);
