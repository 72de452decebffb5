import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { sha256 } from '@noble/hashes/sha2.js';
import { concatBytes, copyBytes, encodeUtf8, SottoError } from '@sotto/core';

/** Largest message that nodes relay by default where Status clients are, in bytes: 1 MiB. */
export const MAX_MESSAGE_BYTES = 1024 * 1024;
/** Bytes of a message at most that aren't its payload: content topic, label, time, empty fields and lengths. */
export const MESSAGE_OVERHEAD = 64;
/** Most bytes of a content topic or of `meta` that are read: ours have 27 and none. */
const MAX_TEXT_BYTES = 1024;

/** A WakuMessage, RFC 14. */
export interface WakuMessage {
  /** What it carries: with label 1, a sealed payload as of RFC 26. */
  readonly payload: Uint8Array;
  /** Its content topic. */
  readonly contentTopic: string;
  /** The label; absent counts as 0. */
  readonly version?: number | undefined;
  /** Nanoseconds since the epoch. */
  readonly timestamp?: bigint | undefined;
  /** Takes part in the hash. */
  readonly meta?: Uint8Array | undefined;
  /** Whether store nodes are asked not to keep it. */
  readonly ephemeral?: boolean | undefined;
}

/** Numbers of the fields. */
const FIELD = { payload: 1, contentTopic: 2, version: 3, timestamp: 10, meta: 11, ephemeral: 31 } as const;

/** Encodes a message as deployed clients do: absent fields are left out. */
export function encodeWakuMessage(message: WakuMessage): Uint8Array {
  const { payload, contentTopic, version, timestamp, meta, ephemeral } = message;
  const writer = new BinaryWriter();
  if (payload.length > 0) writer.uint32((FIELD.payload << 3) | WireType.LengthDelimited).bytes(payload);
  if (contentTopic !== '')
    writer.uint32((FIELD.contentTopic << 3) | WireType.LengthDelimited).string(contentTopic);
  if (version !== undefined) writer.uint32((FIELD.version << 3) | WireType.Varint).uint32(version);
  if (timestamp !== undefined) writer.uint32((FIELD.timestamp << 3) | WireType.Varint).sint64(timestamp);
  if (meta !== undefined) writer.uint32((FIELD.meta << 3) | WireType.LengthDelimited).bytes(meta);
  if (ephemeral !== undefined) writer.uint32((FIELD.ephemeral << 3) | WireType.Varint).bool(ephemeral);
  return writer.finish();
}

/**
 * Decodes a message. Fields that it doesn't know are skipped.
 * @throws MALFORMED_MESSAGE; LIMIT_EXCEEDED above 1 MiB
 */
export function decodeWakuMessage(bytes: Uint8Array): WakuMessage {
  if (bytes.length > MAX_MESSAGE_BYTES) {
    throw new SottoError('LIMIT_EXCEEDED', 'The Waku message is too large.', {
      what: 'bytes of a Waku message',
      limit: MAX_MESSAGE_BYTES,
      actual: bytes.length,
    });
  }
  try {
    return readFields(new BinaryReader(bytes));
  } catch (cause) {
    throw malformed('not protobuf, or a field of another type', cause);
  }
}

function readFields(reader: BinaryReader): WakuMessage {
  const message: { -readonly [Key in keyof WakuMessage]: WakuMessage[Key] } = {
    payload: new Uint8Array(0),
    contentTopic: '',
  };
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (TYPES.get(field) !== undefined && TYPES.get(field) !== type) throw new Error('another type');
    if (field === FIELD.payload) message.payload = copyBytes(reader.bytes());
    else if (field === FIELD.contentTopic) message.contentTopic = short(reader.string());
    else if (field === FIELD.version) message.version = reader.uint32();
    else if (field === FIELD.timestamp) message.timestamp = BigInt(reader.sint64());
    else if (field === FIELD.meta) message.meta = short(copyBytes(reader.bytes()));
    else if (field === FIELD.ephemeral) message.ephemeral = reader.bool();
    else reader.skip(type, field);
  }
  return message;
}

const TYPES: ReadonlyMap<number, WireType> = new Map([
  [FIELD.payload, WireType.LengthDelimited],
  [FIELD.contentTopic, WireType.LengthDelimited],
  [FIELD.version, WireType.Varint],
  [FIELD.timestamp, WireType.Varint],
  [FIELD.meta, WireType.LengthDelimited],
  [FIELD.ephemeral, WireType.Varint],
]);

function short<T extends { readonly length: number }>(value: T): T {
  if (value.length > MAX_TEXT_BYTES) throw new Error('too long');
  return value;
}

function malformed(reason: string, cause: unknown): SottoError {
  return new SottoError(
    'MALFORMED_MESSAGE',
    'The Waku message is damaged.',
    { what: 'Waku message', reason },
    { cause },
  );
}

/**
 * The hash that identifies a message to nodes, 32 bytes: SHA-256 of pubsub topic, payload, content topic, `meta` and the time as 64 bits,
 * big endian; 0 when absent.
 */
export function wakuMessageHash(
  pubsubTopic: string,
  message: Pick<WakuMessage, 'payload' | 'contentTopic' | 'timestamp' | 'meta'>,
): Uint8Array {
  const { payload, contentTopic, timestamp = 0n, meta } = message;
  const time = new DataView(new ArrayBuffer(8));
  time.setBigInt64(0, BigInt.asIntN(64, timestamp));
  return sha256(
    concatBytes(
      encodeUtf8(pubsubTopic),
      payload,
      encodeUtf8(contentTopic),
      meta ?? new Uint8Array(0),
      new Uint8Array(time.buffer),
    ),
  );
}
