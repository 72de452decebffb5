import { SYNC_MAX_BYTES } from '@sotto/conversations';
import { copyBytes, encodeUtf8 } from '@sotto/core';
import { checkLimit, checkWire, type MessageShape, malformed } from '@sotto/protocol-codec/internal';
import { SyncMessage as Wire, Entry as WireEntry } from './generated/sotto/device_sync/v1/sync.js';
import { BUCKETS, MAX_DEVICE_BYTES, MAX_KEY_BYTES, MAX_TIME, MAX_VALUE_BYTES } from './limits.js';
import type { Entry } from './registers.js';

/** What devices tell each other. */
export type SyncMessage =
  /** `more`: the sender has left some out. */
  | { readonly kind: 'changes'; readonly entries: readonly Entry[]; readonly more: boolean }
  /** `to`: installation id of the device that is asked; empty for all. `isAnswer`: its sender was asked. */
  | {
      readonly kind: 'digest';
      readonly buckets: Uint8Array;
      readonly to: string;
      readonly isAnswer: boolean;
    };

const LIMITS = {
  maxKeyBytes: MAX_KEY_BYTES,
  maxDeviceBytes: MAX_DEVICE_BYTES,
  maxValueBytes: MAX_VALUE_BYTES,
  maxDigestBytes: 8 * BUCKETS,
  // The smallest entry has 16 bytes.
  maxEntries: SYNC_MAX_BYTES / 16,
  maxFields: SYNC_MAX_BYTES / 2,
};

type Shape = MessageShape<keyof typeof LIMITS>;
type Field = NonNullable<ReturnType<Shape['fields']['get']>>;

const ENTRY: Shape = {
  name: 'Entry',
  fields: new Map<number, Field>([
    [1, { name: 'kind', type: 'uint32' }],
    [2, { name: 'key', type: 'string', size: 'maxKeyBytes' }],
    [3, { name: 'time', type: 'varint' }],
    [4, { name: 'device', type: 'string', size: 'maxDeviceBytes' }],
    [5, { name: 'value', type: 'bytes', size: 'maxValueBytes' }],
  ]),
};

const CHANGES: Shape = {
  name: 'Changes',
  fields: new Map<number, Field>([
    [1, { name: 'entries', type: 'message', message: ENTRY, count: 'maxEntries' }],
    [2, { name: 'more', type: 'varint' }],
  ]),
};

const DIGEST: Shape = {
  name: 'Digest',
  fields: new Map<number, Field>([
    [1, { name: 'buckets', type: 'bytes', size: 'maxDigestBytes' }],
    [2, { name: 'to', type: 'string', size: 'maxDeviceBytes' }],
    [3, { name: 'answer', type: 'varint' }],
  ]),
};

const MESSAGE: Shape = {
  name: 'SyncMessage',
  fields: new Map<number, Field>([
    [1, { name: 'changes', type: 'message', message: CHANGES }],
    [2, { name: 'digest', type: 'message', message: DIGEST }],
  ]),
};

/** At most {@link SYNC_MAX_BYTES} bytes, if the entries come from {@link inMessages}. */
export function encodeSyncMessage(message: SyncMessage): Uint8Array {
  if (message.kind === 'digest') {
    const { buckets, to, isAnswer: answer } = message;
    return Wire.encode({ content: { $case: 'digest', value: { buckets, to, answer } } }).finish();
  }
  const { entries, more } = message;
  return Wire.encode({
    content: { $case: 'changes', value: { entries: entries.map(entryToWire), more } },
  }).finish();
}

/**
 * @param bytes borrowed; the result shares nothing with it
 * @throws MALFORMED_MESSAGE, LIMIT_EXCEEDED
 */
export function decodeSyncMessage(bytes: Uint8Array): SyncMessage {
  checkLimit('SyncMessage, bytes', bytes.length, SYNC_MAX_BYTES);
  const own = copyBytes(bytes);
  checkWire(own, MESSAGE, LIMITS);
  const { content } = Wire.decode(own);
  switch (content?.$case) {
    case 'changes': {
      const { entries, more } = content.value;
      return { kind: 'changes', entries: entries.map(entryOfWire), more };
    }
    case 'digest': {
      const { buckets, to, answer } = content.value;
      if (buckets.length !== 8 * BUCKETS) throw malformed('Digest', 'not of 64 buckets');
      return { kind: 'digest', buckets: copyBytes(buckets), to, isAnswer: answer };
    }
    default:
      throw malformed('SyncMessage', 'of an unknown kind');
  }
}

export function entryToWire({ kind, key, time, device, value }: Entry): WireEntry {
  return { kind, key, time: BigInt(time), device, value };
}

/** @throws MALFORMED_MESSAGE */
export function entryOfWire({ kind, key, time, device, value }: WireEntry): Entry {
  if (kind === 0 || key === '' || device === '') throw malformed('Entry', 'without kind, key or device');
  if (time === 0n || time > BigInt(MAX_TIME)) throw malformed('Entry', 'of an impossible time');
  return { kind, key, time: Number(time), device, value: value && copyBytes(value) };
}

/** Whether an entry can be sent. */
export function fits({ key, value }: Pick<Entry, 'key' | 'value'>): boolean {
  return encodeUtf8(key).length <= MAX_KEY_BYTES && (value?.length ?? 0) <= MAX_VALUE_BYTES;
}

/** Entries in messages of at most {@link SYNC_MAX_BYTES} bytes. */
export function inMessages(entries: readonly Entry[]): readonly (readonly Entry[])[] {
  const messages: Entry[][] = [];
  let left = 0;
  for (const entry of entries) {
    // A tag and a length of up to three bytes; the message itself has some more.
    const bytes = WireEntry.encode(entryToWire(entry)).finish().length + 4;
    if (bytes > left) {
      messages.push([]);
      left = SYNC_MAX_BYTES - 16;
    }
    messages.at(-1)?.push(entry);
    left -= bytes;
  }
  return messages;
}
