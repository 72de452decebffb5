import { type CryptoProvider, concatBytes, encodeHex, isSottoError } from '@sotto/core';
import { checkLimit, malformed, WIRE_LENGTH_DELIMITED, WireCursor } from '@sotto/protocol-codec/internal';
import { decodeWire } from './decode.js';
import { Segment as Wire } from './generated/sotto/status_messages/v1/segmentation.js';
import { DEFAULT_STATUS_LIMITS, type StatusDecodeOptions } from './limits.js';
import { parityShards, restoreShards } from './reed-solomon.js';
import { SEGMENT } from './wire-shapes.js';

/** Bytes of a segment's payload: three quarters of the largest Waku message. */
export const SEGMENT_SIZE = 786_432;

/** One parity segment for each so many data segments. */
const DATA_PER_PARITY = 8;
/** Most shards of one code. */
const MAX_SHARDS = 256;

/** A piece of a message, or redundancy. */
export interface Segment {
  /** KECCAK-256 of the whole message, 32 bytes. */
  readonly entireMessageHash: Uint8Array;
  /** Position among the data segments, from 0. */
  readonly index: number;
  /** Number of data segments; 0 in a parity segment. */
  readonly segmentsCount: number;
  /** The piece, or the redundancy. */
  readonly payload: Uint8Array;
  /** Position among the parity segments, from 0. */
  readonly paritySegmentIndex: number;
  /** Number of parity segments; 0 in a data segment. */
  readonly paritySegmentsCount: number;
}

/**
 * Cuts a message into segments, with parity segments for one in eight; a message that fits into one stays as it is.
 * @param size bytes of a segment's payload. Default: {@link SEGMENT_SIZE}
 * @returns encoded segments, or the message itself as the only element
 */
export function segmentMessage(
  crypto: CryptoProvider,
  message: Uint8Array,
  size: number = SEGMENT_SIZE,
): readonly Uint8Array[] {
  if (message.length <= size) return [message];
  const entireMessageHash = crypto.keccak256(message);
  const count = Math.ceil(message.length / size);
  const pieces = Array.from({ length: count }, (_, i) => message.subarray(i * size, (i + 1) * size));
  const parity = parityCountOf(count);
  const rest = { index: 0, segmentsCount: 0, paritySegmentIndex: 0, paritySegmentsCount: 0 };
  return [
    ...pieces.map((payload, index) => ({ ...rest, index, segmentsCount: count, payload })),
    ...parityShards(
      pieces.map((piece) => padded(piece, size)),
      parity,
    ).map((payload, index) => ({
      ...rest,
      paritySegmentIndex: index,
      paritySegmentsCount: parity,
      payload,
    })),
  ].map((segment) => Wire.encode({ ...segment, entireMessageHash }).finish());
}

function parityCountOf(count: number): number {
  const parity = Math.floor(count / DATA_PER_PARITY);
  return count + parity > MAX_SHARDS ? 0 : parity;
}

function padded(piece: Uint8Array, size: number): Uint8Array {
  if (piece.length === size) return piece;
  const result = new Uint8Array(size);
  result.set(piece);
  return result;
}

/**
 * Decodes a segment if it is one: it has a payload, and is one of two or more pieces, or parity. All else is a message of its own.
 * @returns `undefined` when it isn't one
 * @throws MALFORMED_MESSAGE for a segment with impossible numbers; LIMIT_EXCEEDED
 */
export function decodeSegment(bytes: Uint8Array, options?: StatusDecodeOptions): Segment | undefined {
  if (!hasSegmentPayload(bytes)) return undefined;
  let segment: Segment;
  try {
    segment = decodeWire(bytes, SEGMENT, Wire, options);
  } catch (error) {
    if (isSottoError(error, 'MALFORMED_MESSAGE')) return undefined;
    throw error;
  }
  const { entireMessageHash, index, segmentsCount, paritySegmentIndex, paritySegmentsCount } = segment;
  if (segmentsCount < 2 && paritySegmentsCount === 0) return undefined;
  if (entireMessageHash.length !== 32) throw malformed('segment', 'a hash that has not 32 bytes');
  const isParity = segmentsCount === 0;
  if (isParity ? paritySegmentIndex >= paritySegmentsCount : index >= segmentsCount)
    throw malformed('segment', 'a position beyond the number of segments');
  return segment;
}

/** Whether there is a field 4, which no other message of this layer has beside a number in field 3. */
function hasSegmentPayload(bytes: Uint8Array): boolean {
  const limits = DEFAULT_STATUS_LIMITS;
  if (bytes.length > limits.maxMessageBytes) return false;
  const cursor = new WireCursor({ bytes, limits, fields: 0 }, 0, bytes.length, 'message');
  try {
    while (cursor.next()) if (cursor.number === 4 && cursor.wireType === WIRE_LENGTH_DELIMITED) return true;
  } catch (error) {
    if (!isSottoError(error)) throw error;
  }
  return false;
}

/** What {@link SegmentAssembler} holds at most; the messages touched least recently are given up. */
export interface SegmentLimits {
  /** Data and parity segments of one message. 1,024: ample for `maxMessageBytes` of pieces of the usual size, which are 22. */
  readonly maxSegments: number;
  /** Bytes of one message. 16 MiB, as of a ProtocolMessage. */
  readonly maxMessageBytes: number;
  /** Incomplete messages of one sender. 8. */
  readonly maxPerSender: number;
  /** Bytes of all incomplete messages of one sender. 16 MiB. */
  readonly maxBytesPerSender: number;
  /** Incomplete messages of all senders, who cost nothing to invent. 1,024. */
  readonly maxMessages: number;
  /** Bytes of all incomplete messages. 64 MiB. */
  readonly maxBytes: number;
  /** Milliseconds until an incomplete message is given up. A day; deployed clients keep them for a month, on disk. */
  readonly maxAgeMs: number;
  /** Hashes of complete messages that are remembered, so that late parity isn't collected again. 1,024. */
  readonly maxCompleted: number;
}

/** The limits that apply where the caller passes none. */
export const DEFAULT_SEGMENT_LIMITS: SegmentLimits = Object.freeze({
  maxSegments: 1_024,
  maxMessageBytes: 16 * 1024 * 1024,
  maxPerSender: 8,
  maxBytesPerSender: 16 * 1024 * 1024,
  maxMessages: 1_024,
  maxBytes: 64 * 1024 * 1024,
  maxAgeMs: 24 * 60 * 60 * 1000,
  maxCompleted: 1_024,
});

/** What became of a segment. */
export type SegmentOutcome =
  | { readonly kind: 'incomplete' }
  /** The message was complete before. */
  | { readonly kind: 'duplicate' }
  | { readonly kind: 'complete'; readonly message: Uint8Array };

/** Segments of one message that have arrived. */
interface Collection {
  readonly key: string;
  readonly sender: string;
  readonly hash: Uint8Array;
  readonly data: Map<number, Uint8Array>;
  readonly parity: Map<number, Uint8Array>;
  /** 0 until a data, or parity, segment has told. */
  count: number;
  parityCount: number;
  bytes: number;
  /** Attempts to restore it that came to another hash. */
  failures: number;
  readonly since: number;
}

/** The incomplete messages of one sender. */
interface SenderCollections {
  /** The least recently used first. */
  readonly collections: Map<string, Collection>;
  bytes: number;
}

/**
 * Puts segments together, by sender and message, in memory. Segments of two senders are never put together. What a segment costs doesn't grow
 * with the number of incomplete messages.
 */
export class SegmentAssembler {
  readonly #crypto: CryptoProvider;
  readonly #limits: SegmentLimits;
  readonly #onGivenUp: ((sender: string, hash: Uint8Array) => void) | undefined;
  /** The least recently used first. */
  readonly #collections = new Map<string, Collection>();
  /** The oldest first. */
  readonly #byAge = new Map<string, Collection>();
  readonly #senders = new Map<string, SenderCollections>();
  readonly #completed = new Set<string>();
  #bytes = 0;

  /** @param options.onGivenUp called with the sender and the hash of a message that will not be completed; a copy, which it owns */
  constructor(options: {
    readonly crypto: CryptoProvider;
    readonly limits?: Partial<SegmentLimits> | undefined;
    readonly onGivenUp?: ((sender: string, hash: Uint8Array) => void) | undefined;
  }) {
    this.#crypto = options.crypto;
    this.#limits = { ...DEFAULT_SEGMENT_LIMITS, ...options.limits };
    this.#onGivenUp = options.onGivenUp;
  }

  /** Bytes of all incomplete messages. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Adds a segment.
   * @param sender names who sent it
   * @param nowMs milliseconds since the epoch
   * @throws MALFORMED_MESSAGE when it contradicts the others of its message, or all are there and the hash is wrong;
   *   LIMIT_EXCEEDED
   */
  add(segment: Segment, sender: string, nowMs: number): SegmentOutcome {
    this.#expire(nowMs);
    const key = keyOf(segment, sender);
    if (this.#completed.has(key)) return { kind: 'duplicate' };
    const collection = this.#collect(segment, sender, nowMs);
    const message = this.#assemble(collection);
    if (message !== undefined) {
      this.#remove(collection);
      this.#remember(key);
      return { kind: 'complete', message };
    }
    const isWhole = collection.count > 0 && collection.data.size === collection.count;
    if (isWhole || collection.failures >= MAX_FAILURES) {
      this.#giveUp(collection);
      throw malformed('segments', 'the message has another hash');
    }
    this.#evict(sender);
    return { kind: 'incomplete' };
  }

  /**
   * Adds a segment that an earlier run has kept, the oldest first. Nothing is put together: the next segment of its message does that.
   * @param sender as in {@link add}
   * @param sinceMs when the first segment of its message arrived, in milliseconds since the epoch
   * @throws MALFORMED_MESSAGE, LIMIT_EXCEEDED
   */
  restore(segment: Segment, sender: string, sinceMs: number): void {
    this.#collect(segment, sender, sinceMs);
    this.#evict(sender);
  }

  /** When the first segment of an incomplete message arrived; `undefined` when it is not collected. @param sender as in {@link add} */
  since(segment: Pick<Segment, 'entireMessageHash'>, sender: string): number | undefined {
    return this.#collections.get(keyOf(segment, sender))?.since;
  }

  /** Stores a segment, in a new collection or that of its message, which is the most recently used then. */
  #collect(segment: Segment, sender: string, since: number): Collection {
    const key = keyOf(segment, sender);
    const known = this.#collections.get(key);
    const collection = known ?? newCollection(segment, key, sender, since);
    const before = collection.bytes;
    this.#insert(collection, segment);
    const own = this.#senders.get(sender) ?? { collections: new Map<string, Collection>(), bytes: 0 };
    own.bytes += collection.bytes - before;
    this.#bytes += collection.bytes - before;
    this.#senders.set(sender, own);
    for (const collections of [this.#collections, own.collections]) {
      collections.delete(key);
      collections.set(key, collection);
    }
    this.#byAge.set(key, collection);
    return collection;
  }

  /** Stores the segment in its collection. Nothing is changed when it is refused. */
  #insert(collection: Collection, segment: Segment): void {
    const { segmentsCount, paritySegmentsCount, payload } = segment;
    const { maxSegments, maxMessageBytes, maxBytesPerSender } = this.#limits;
    const isParity = segmentsCount === 0;
    const count = isParity ? collection.count : segmentsCount;
    const parityCount = isParity ? paritySegmentsCount : collection.parityCount;
    if (collection.count !== 0 && count !== collection.count)
      throw malformed('segment', 'another number of segments than before');
    if (collection.parityCount !== 0 && parityCount !== collection.parityCount)
      throw malformed('segment', 'another number of parity segments than before');
    if (isParity && paritySegmentsCount > MAX_SHARDS)
      throw malformed('segment', 'more parity segments than a code has');
    checkLimit('segments', count + parityCount, maxSegments);
    const into = isParity ? collection.parity : collection.data;
    const at = isParity ? segment.paritySegmentIndex : segment.index;
    if (!into.has(at)) {
      checkLimit(
        'segments, bytes',
        collection.bytes + payload.length,
        Math.min(maxMessageBytes + maxMessageBytes / DATA_PER_PARITY, maxBytesPerSender),
      );
      into.set(at, new Uint8Array(payload));
      collection.bytes += payload.length;
    }
    collection.count = count;
    collection.parityCount = parityCount;
  }

  /** The message, if enough segments have arrived and the hash fits. */
  #assemble(collection: Collection): Uint8Array | undefined {
    const { data, parity, count, parityCount, hash } = collection;
    if (count === 0 || data.size + parity.size < count) return undefined;
    if (data.size === count) {
      const pieces = Array.from({ length: count }, (_, i) => data.get(i) as Uint8Array);
      return this.#fits(concatBytes(...pieces), hash);
    }
    if (count + parityCount > MAX_SHARDS) return undefined;
    const size = parity.values().next().value?.length ?? 0;
    const shards = [
      ...Array.from({ length: count }, (_, i) => data.get(i)),
      ...Array.from({ length: parityCount }, (_, i) => parity.get(i)),
    ].map((shard) => shard && (shard.length > size ? undefined : padded(shard, size)));
    if (size === 0 || shards.filter((shard) => shard !== undefined).length < count) return undefined;
    // Each later segment might complete it after all, but costs as much.
    collection.failures++;
    const restored = concatBytes(...restoreShards(shards, count));
    const last = data.get(count - 1);
    if (last !== undefined) return this.#fits(restored.subarray(0, (count - 1) * size + last.length), hash);
    return this.#cutZeros(restored, (count - 1) * size, hash);
  }

  /**
   * The last segment is filled with zeros, and how many were its own isn't known when it was lost: the structure of the message tells,
   * else some lengths are tried. (Deployed clients don't restore it.)
   */
  #cutZeros(restored: Uint8Array, least: number, hash: Uint8Array): Uint8Array | undefined {
    const end = endOfFields(restored);
    if (end > least) {
      const message = this.#fits(restored.subarray(0, end), hash);
      if (message !== undefined) return message;
    }
    let attempts = Math.floor(ZEROS_WORK_BYTES / restored.length);
    for (let length = restored.length; length > least && attempts > 0; length--, attempts--) {
      const message = this.#fits(restored.subarray(0, length), hash);
      if (message !== undefined) return message;
      if (restored[length - 1] !== 0) return undefined;
    }
    return undefined;
  }

  #fits(message: Uint8Array, hash: Uint8Array): Uint8Array | undefined {
    return this.#crypto.equalBytes(this.#crypto.keccak256(message), hash)
      ? new Uint8Array(message)
      : undefined;
  }

  #remember(key: string): void {
    this.#completed.add(key);
    const [oldest] = this.#completed;
    if (this.#completed.size > this.#limits.maxCompleted) this.#completed.delete(oldest as string);
  }

  #expire(nowMs: number): void {
    for (const collection of this.#byAge.values()) {
      if (nowMs - collection.since <= this.#limits.maxAgeMs) return;
      this.#giveUp(collection);
    }
  }

  /** Gives up what was touched least recently, first of the sender. */
  #evict(sender: string): void {
    const { maxPerSender, maxBytesPerSender, maxMessages, maxBytes } = this.#limits;
    const own = this.#senders.get(sender);
    for (const collection of own?.collections.values() ?? []) {
      if (own === undefined || (own.collections.size <= maxPerSender && own.bytes <= maxBytesPerSender))
        break;
      this.#giveUp(collection);
    }
    for (const collection of this.#collections.values()) {
      if (this.#bytes <= maxBytes && this.#collections.size <= maxMessages) return;
      this.#giveUp(collection);
    }
  }

  #giveUp(collection: Collection): void {
    this.#remove(collection);
    this.#onGivenUp?.(collection.sender, collection.hash);
  }

  #remove({ key, sender, bytes }: Collection): void {
    this.#collections.delete(key);
    this.#byAge.delete(key);
    this.#bytes -= bytes;
    const own = this.#senders.get(sender);
    if (own === undefined) return;
    own.collections.delete(key);
    own.bytes -= bytes;
    if (own.collections.size === 0) this.#senders.delete(sender);
  }
}

function keyOf({ entireMessageHash }: Pick<Segment, 'entireMessageHash'>, sender: string): string {
  return `${sender} ${encodeHex(entireMessageHash)}`;
}

/** Attempts to restore a message from parity until it is given up. */
const MAX_FAILURES = 4;

/** Bytes hashed at most to find the end of a message whose last segment was lost. */
const ZEROS_WORK_BYTES = 256 * 1024;

function newCollection(
  { entireMessageHash }: Segment,
  key: string,
  sender: string,
  since: number,
): Collection {
  const hash = new Uint8Array(entireMessageHash);
  return {
    key,
    sender,
    hash,
    data: new Map(),
    parity: new Map(),
    count: 0,
    parityCount: 0,
    bytes: 0,
    failures: 0,
    since,
  };
}

/** Where the fields of an encoded message end: a field has no number 0, so zeros after the last one are not of it. */
function endOfFields(bytes: Uint8Array): number {
  const limits = DEFAULT_STATUS_LIMITS;
  const cursor = new WireCursor({ bytes, limits, fields: 0 }, 0, bytes.length, 'message');
  let end = 0;
  try {
    while (cursor.next()) end = cursor.valueEnd;
  } catch (error) {
    if (!isSottoError(error)) throw error;
  }
  return end;
}
