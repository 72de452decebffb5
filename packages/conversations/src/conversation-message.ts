import { concatBytes, copyBytes, invalidArgument, limitExceeded } from '@sotto/core';
import {
  checkLimit,
  checkWire,
  type MessageShape,
  malformed,
  WireCursor,
} from '@sotto/protocol-codec/internal';
import { ConversationMessage as Wire } from './generated/sotto/conversations/v1/message.js';
import type { HiddenMessage } from './hidden-message.js';
import {
  ATTACHMENT_MAX_BYTES,
  DISAPPEARING_MAX_SECONDS,
  PROFILE_PICTURE_MAX_BYTES,
  SYNC_MAX_BYTES,
} from './limits.js';
import { PERSON_NAME_MAX_CHARACTERS, parsePersonName } from './person.js';
import { decodeText, encodeText, TEXT_MAX_BYTES } from './text.js';

/** The setting of a conversation for messages that disappear. */
export interface Timer {
  /** 0: never. */
  readonly seconds: number;
  /** When it was set, in seconds since the epoch. Of two settings the later one counts; of two at the same time the shorter one. */
  readonly changedAt: number;
}

/** What a payload of ours says, beside plain texts. */
export type ConversationMessage = ShownMessage | HiddenMessage;

/** What a conversation shows. */
export type ShownMessage =
  | {
      readonly kind: 'text';
      readonly text: string;
      readonly replyTo: string | undefined;
      readonly timer: Timer | undefined;
    }
  /** `attachment` is borrowed; `text` may be empty. */
  | {
      readonly kind: 'file';
      readonly attachment: Uint8Array;
      readonly text: string;
      readonly timer: Timer | undefined;
    }
  | { readonly kind: 'timer-change'; readonly timer: Timer };

/** Precedes each message. Not a text, which has no control characters; not Protocol Buffers, which have no field 0. */
const MARK = 0;

const LIMITS = {
  maxTextBytes: TEXT_MAX_BYTES,
  maxReferenceBytes: 66,
  maxAttachmentBytes: ATTACHMENT_MAX_BYTES,
  maxSyncBytes: SYNC_MAX_BYTES,
  // Four bytes for each character.
  maxNameBytes: 4 * PERSON_NAME_MAX_CHARACTERS,
  maxPictureBytes: PROFILE_PICTURE_MAX_BYTES,
  maxFields: 64,
};

type Shape = MessageShape<keyof typeof LIMITS>;

const SHOWN: readonly Shape[] = [
  {
    name: 'Text',
    fields: new Map([
      [1, { name: 'text', type: 'string', size: 'maxTextBytes' }],
      [2, { name: 'reply_to', type: 'string', size: 'maxReferenceBytes' }],
    ]),
  },
  {
    name: 'File',
    fields: new Map([
      [1, { name: 'attachment', type: 'bytes', size: 'maxAttachmentBytes' } as const],
      [2, { name: 'text', type: 'string', size: 'maxTextBytes' } as const],
    ]),
  },
  { name: 'TimerChange', fields: new Map() },
];

const TIMER: Shape = {
  name: 'Timer',
  fields: new Map([
    [1, { name: 'seconds', type: 'uint32' }],
    [2, { name: 'changed_at', type: 'uint32' }],
  ]),
};

const PROFILE: Shape = {
  name: 'Profile',
  fields: new Map([
    [1, { name: 'name', type: 'string', size: 'maxNameBytes' } as const],
    [2, { name: 'picture', type: 'bytes', size: 'maxPictureBytes' } as const],
    [3, { name: 'changed_at', type: 'uint32' } as const],
  ]),
};

/** Field of the setting, which goes with one of the others. */
const TIMER_FIELD = 4;

const part = (message: Shape) => ({ name: message.name, type: 'message', message }) as const;
const MESSAGE: Shape = {
  name: 'ConversationMessage',
  fields: new Map<number, ReturnType<Shape['fields']['get']> & {}>([
    ...SHOWN.map((message, i) => [i + 1, part(message)] as const),
    [TIMER_FIELD, part(TIMER)],
    [5, { name: 'sync', type: 'bytes', size: 'maxSyncBytes' }],
    [6, part(PROFILE)],
  ]),
};

/** A file to be sent. @throws INVALID_ARGUMENT when it is empty; INVALID_TEXT, LIMIT_EXCEEDED for the text */
export function fileMessage(attachment: Uint8Array, text: string, timer: Timer | undefined): ShownMessage {
  if (attachment.length === 0) throw invalidArgument('attachment', 'empty');
  return { kind: 'file', attachment, text: text === '' ? '' : checkedText(text), timer };
}

/**
 * A payload: a zero byte and a `sotto.conversations.v1.ConversationMessage`.
 * @throws INVALID_TEXT; LIMIT_EXCEEDED
 */
export function encodeConversationMessage(message: ConversationMessage): Uint8Array {
  const timer = 'timer' in message ? message.timer : undefined;
  return concatBytes(Uint8Array.of(MARK), Wire.encode({ content: contentToWire(message), timer }).finish());
}

function contentToWire(message: ConversationMessage): NonNullable<Wire['content']> {
  switch (message.kind) {
    case 'text': {
      const { text, replyTo = '' } = message;
      return { $case: 'text', value: { text, replyTo } };
    }
    case 'file': {
      const attachment = bounded(message.attachment, 'attachment', ATTACHMENT_MAX_BYTES);
      return { $case: 'file', value: { attachment, text: message.text } };
    }
    case 'timer-change':
      return { $case: 'timerChange', value: {} };
    case 'sync':
      return { $case: 'sync', value: bounded(message.content, 'sync', SYNC_MAX_BYTES) };
    case 'profile': {
      const name = parsePersonName(message.name);
      const picture = bounded(message.picture, 'picture', PROFILE_PICTURE_MAX_BYTES);
      return { $case: 'profile', value: { name, picture, changedAt: message.changedAt } };
    }
  }
}

/** A copy. @throws LIMIT_EXCEEDED */
function bounded(bytes: Uint8Array, what: string, limit: number): Uint8Array {
  const copy = copyBytes(bytes, what);
  if (copy.length > limit) throw limitExceeded(`${what}, bytes`, limit, copy.length);
  return copy;
}

/**
 * Decodes a payload; `undefined` for one that is not a message of these kinds, whatever else it is.
 * @param payload borrowed; the result shares nothing with it
 */
export function decodeConversationMessage(payload: Uint8Array): ConversationMessage | undefined {
  if (payload[0] !== MARK) return undefined;
  try {
    return decode(copyBytes(payload.subarray(1)));
  } catch {
    return undefined;
  }
}

/** @throws MALFORMED_MESSAGE, LIMIT_EXCEEDED, INVALID_TEXT */
function decode(bytes: Uint8Array): ConversationMessage | undefined {
  checkLimit('message, bytes', bytes.length, ATTACHMENT_MAX_BYTES + TEXT_MAX_BYTES + 256);
  checkWire(bytes, MESSAGE, LIMITS);
  const cursor = new WireCursor({ bytes, limits: LIMITS, fields: 0 }, 0, bytes.length, MESSAGE.name);
  let contents = 0;
  while (cursor.next()) if (cursor.number !== TIMER_FIELD && MESSAGE.fields.has(cursor.number)) contents++;
  if (contents !== 1) return undefined;
  const { content, timer } = Wire.decode(bytes);
  if (timer !== undefined && timer.seconds > DISAPPEARING_MAX_SECONDS)
    throw malformed('Timer', 'of more than a year');
  switch (content?.$case) {
    case 'text': {
      const { text, replyTo } = content.value;
      if (replyTo !== '' && !/^0x[0-9a-f]{64}$/.test(replyTo)) throw malformed('Text', 'not an id');
      return { kind: 'text', text: checkedText(text), replyTo: replyTo || undefined, timer };
    }
    case 'file': {
      const { attachment, text } = content.value;
      if (attachment.length === 0) throw malformed('File', 'empty');
      return {
        kind: 'file',
        attachment: copyBytes(attachment),
        text: text === '' ? '' : checkedText(text),
        timer,
      };
    }
    case 'timerChange':
      if (timer === undefined) throw malformed('TimerChange', 'without a timer');
      return { kind: 'timer-change', timer };
    case 'sync':
      return { kind: 'sync', content: copyBytes(content.value) };
    case 'profile': {
      const { name, picture, changedAt } = content.value;
      return { kind: 'profile', name: parsePersonName(name), picture: copyBytes(picture), changedAt };
    }
    default:
      return undefined;
  }
}

/** @throws INVALID_TEXT, LIMIT_EXCEEDED */
function checkedText(text: string): string {
  return decodeText(encodeText(text));
}
