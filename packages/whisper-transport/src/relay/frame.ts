/**
 * The frames of the relay protocol, version 1: `docs/relay-protocol.md`. Each binary WebSocket message is one frame; integers are
 * big-endian.
 */
import { decodeUtf8, encodeUtf8, type Topic } from '@sotto/core';
import { TOPIC_LENGTH } from '../channels/topic.js';
import { FrameReader, FrameWriter, malformedFrame as malformed } from './frame-bytes.js';

/** Version of the protocol, see {@link RelayWelcome}. */
export const RELAY_VERSION = 1;
/** Longest cursor of a history, in bytes. */
export const RELAY_CURSOR_MAX_LENGTH = 255;
/** Most bytes of a frame beside its envelope. */
export const RELAY_FRAME_OVERHEAD = 16;
/** Longest reason of a refusal, in bytes. */
const REASON_MAX_BYTES = 300;

/** Why a relay refuses. */
export type RelayRefusalCode =
  /** Not a valid frame. */
  | 'malformed'
  /** The network would refuse the envelope: proof of work, time to live, expiry. */
  | 'unacceptable'
  /** Too large, or too many. */
  | 'limit'
  /** Too many requests; the same request may be accepted later. */
  | 'busy'
  /** The relay doesn't offer this. */
  | 'unsupported';

const CODES: readonly RelayRefusalCode[] = ['malformed', 'unacceptable', 'limit', 'busy', 'unsupported'];

/** A frame of a client. `id` is below 2^32 and repeated in the answer. */
export type ClientFrame =
  | { readonly kind: 'publish'; readonly id: number; readonly envelope: Uint8Array }
  /** The whole list of topics, replacing the previous one. */
  | { readonly kind: 'subscribe'; readonly id: number; readonly topics: readonly Topic[] }
  | {
      readonly kind: 'history';
      readonly id: number;
      /** Seconds since the epoch, inclusive, below 2^32. */
      readonly from: number;
      /** Seconds since the epoch, inclusive, below 2^32. */
      readonly to: number;
      /** Most envelopes, below 2^16. */
      readonly limit: number;
      /** Empty for the first page, then the cursor of the previous one. */
      readonly cursor: Uint8Array;
      readonly topics: readonly Topic[];
    }
  | { readonly kind: 'ping'; readonly id: number };

/** The first frame of a relay. */
export interface RelayWelcome {
  /** Tells it apart from the other frames. */
  readonly kind: 'welcome';
  /** Of the protocol, see {@link RELAY_VERSION}. */
  readonly version: number;
  /** Whether it keeps an archive and answers `history`. */
  readonly history: boolean;
  /** The least proof of work that it accepts. */
  readonly minimumPow: number;
  /** The largest envelope that it accepts. */
  readonly maxEnvelopeBytes: number;
  /** Most topics of one subscription or history. */
  readonly maxTopics: number;
  /** Its clock, in milliseconds since the epoch, if it reports it. */
  readonly time?: number | undefined;
}

/** A frame of a relay. */
export type RelayFrame =
  | RelayWelcome
  | { readonly kind: 'done'; readonly id: number }
  | {
      readonly kind: 'refused';
      readonly id: number;
      readonly code: RelayRefusalCode;
      /** For people. */
      readonly reason: string;
    }
  | { readonly kind: 'envelope'; readonly topic: Topic; readonly envelope: Uint8Array }
  /** An envelope of a history. */
  | {
      readonly kind: 'archived';
      readonly id: number;
      readonly topic: Topic;
      readonly envelope: Uint8Array;
    }
  /** The end of a page of a history; an empty cursor marks the last page. */
  | { readonly kind: 'page'; readonly id: number; readonly cursor: Uint8Array }
  /** Its clock, in milliseconds since the epoch. */
  | { readonly kind: 'time'; readonly time: number };

const PUBLISH = 0x01;
const SUBSCRIBE = 0x02;
const HISTORY = 0x03;
const PING = 0x04;
const WELCOME = 0x80;
const DONE = 0x81;
const REFUSED = 0x82;
const ENVELOPE = 0x83;
const ARCHIVED = 0x84;
const PAGE = 0x85;
const TIME = 0x86;
const TIME_LENGTH = 8;

/** The bytes of a frame for a relay. @throws INVALID_ARGUMENT, INVALID_LENGTH when a value does not fit into a frame */
export function encodeClientFrame(frame: ClientFrame): Uint8Array {
  switch (frame.kind) {
    case 'publish':
      return new FrameWriter(PUBLISH).uint32(frame.id).bytes(frame.envelope).finish();
    case 'subscribe':
      return new FrameWriter(SUBSCRIBE).uint32(frame.id).topics(frame.topics).finish();
    case 'history':
      return new FrameWriter(HISTORY)
        .uint32(frame.id)
        .uint32(frame.from)
        .uint32(frame.to)
        .uint16(frame.limit)
        .uint8(frame.cursor.length)
        .bytes(frame.cursor)
        .topics(frame.topics)
        .finish();
    case 'ping':
      return new FrameWriter(PING).uint32(frame.id).finish();
  }
}

/**
 * Reads a client's frame; bytes are copied.
 * @throws MALFORMED_MESSAGE
 */
export function decodeClientFrame(bytes: Uint8Array): ClientFrame {
  const reader = new FrameReader(bytes);
  const type = reader.uint8();
  const id = reader.uint32();
  switch (type) {
    case PUBLISH:
      return { kind: 'publish', id, envelope: reader.rest() };
    case SUBSCRIBE:
      return { kind: 'subscribe', id, topics: reader.topics() };
    case HISTORY: {
      const [from, to, limit] = [reader.uint32(), reader.uint32(), reader.uint16()];
      const cursor = reader.bytes(reader.uint8());
      return { kind: 'history', id, from, to, limit, cursor, topics: reader.topics() };
    }
    case PING:
      reader.end();
      return { kind: 'ping', id };
    default:
      throw malformed(`an unknown type, ${type}`);
  }
}

/** The bytes of a frame for a client. @throws INVALID_ARGUMENT, INVALID_LENGTH when a value does not fit into a frame */
export function encodeRelayFrame(frame: RelayFrame): Uint8Array {
  switch (frame.kind) {
    case 'welcome': {
      const writer = new FrameWriter(WELCOME)
        .uint8(frame.version)
        .uint8(frame.history ? 1 : 0)
        .float64(frame.minimumPow)
        .uint32(frame.maxEnvelopeBytes)
        .uint32(frame.maxTopics);
      return (frame.time === undefined ? writer : writer.uint64(frame.time)).finish();
    }
    case 'done':
      return new FrameWriter(DONE).uint32(frame.id).finish();
    case 'refused':
      return new FrameWriter(REFUSED)
        .uint32(frame.id)
        .uint8(1 + CODES.indexOf(frame.code))
        .bytes(encodeUtf8(frame.reason.slice(0, REASON_MAX_BYTES / 3)))
        .finish();
    case 'envelope':
      return new FrameWriter(ENVELOPE).topics([frame.topic]).bytes(frame.envelope).finish();
    case 'archived':
      return new FrameWriter(ARCHIVED).uint32(frame.id).topics([frame.topic]).bytes(frame.envelope).finish();
    case 'page':
      return new FrameWriter(PAGE).uint32(frame.id).bytes(frame.cursor).finish();
    case 'time':
      return new FrameWriter(TIME).uint64(frame.time).finish();
  }
}

/**
 * Reads a relay's frame; bytes are copied.
 * @returns `undefined` for an unknown type, which later versions may use
 * @throws MALFORMED_MESSAGE
 */
export function decodeRelayFrame(bytes: Uint8Array): RelayFrame | undefined {
  const reader = new FrameReader(bytes);
  const type = reader.uint8();
  switch (type) {
    case WELCOME: {
      const [version, flags, minimumPow] = [reader.uint8(), reader.uint8(), reader.float64()];
      // Later versions append their additions.
      const [maxEnvelopeBytes, maxTopics] = [reader.uint32(), reader.uint32()];
      return {
        kind: 'welcome',
        version,
        history: (flags & 1) !== 0,
        minimumPow,
        maxEnvelopeBytes,
        maxTopics,
        ...(reader.left >= TIME_LENGTH && { time: reader.uint64() }),
      };
    }
    case DONE: {
      const id = reader.uint32();
      reader.end();
      return { kind: 'done', id };
    }
    case REFUSED: {
      const [id, code] = [reader.uint32(), reader.uint8()];
      const rest = reader.rest();
      if (rest.length > REASON_MAX_BYTES) throw malformed('a reason that is too long');
      // An unknown code is not a reason to try again.
      return { kind: 'refused', id, code: CODES[code - 1] ?? 'unsupported', reason: readReason(rest) };
    }
    case ENVELOPE:
      return { kind: 'envelope', topic: reader.bytes(TOPIC_LENGTH), envelope: reader.rest() };
    case ARCHIVED: {
      const id = reader.uint32();
      return { kind: 'archived', id, topic: reader.bytes(TOPIC_LENGTH), envelope: reader.rest() };
    }
    case PAGE: {
      const [id, cursor] = [reader.uint32(), reader.rest()];
      if (cursor.length > RELAY_CURSOR_MAX_LENGTH) throw malformed('a cursor that is too long');
      return { kind: 'page', id, cursor };
    }
    case TIME:
      return { kind: 'time', time: reader.uint64() };
    default:
      return undefined;
  }
}

function readReason(bytes: Uint8Array): string {
  try {
    return decodeUtf8(bytes);
  } catch {
    throw malformed('a reason that is not UTF-8');
  }
}
