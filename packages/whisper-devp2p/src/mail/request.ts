import { copyBytes, type KeyPair, SottoError } from '@sotto/core';
import type { CryptoProvider } from '@sotto/crypto';
import { type Miner, powBits } from '@sotto/whisper-transport';
import { encodeList, readBytes, splitList } from '@sotto/whisper-transport/internal';
import {
  BLOOM_LENGTH,
  decodePlain,
  type Envelope,
  encodeEnvelope,
  encodePlain,
  encodeWithoutNonce,
  openData,
  sealData,
} from '@sotto/whisper-transport/whisper';

/** Bytes of a cursor: the time and hash of an envelope. */
export const MAIL_CURSOR_LENGTH = 36;
/** Most seconds that one request may span, as with deployed mailservers. */
export const MAIL_SPAN_MOST = 86_400;
/** Most envelopes of one answer, as with deployed mailservers. */
export const MAIL_LIMIT_MOST = 1_000;
const ID_LENGTH = 32;
/** Seconds that a request lives. */
const TTL = 15;
const TOPIC = new Uint8Array(4);

/** What a mailserver is asked for. */
export interface MailRequest {
  /** Seconds since the epoch, inclusive, below 2^32. */
  readonly lower: number;
  /** Seconds since the epoch, inclusive, below 2^32. */
  readonly upper: number;
  /** The topics wanted: a bloom filter, 64 bytes. */
  readonly bloom: Uint8Array;
  /** Most envelopes, up to {@link MAIL_LIMIT_MOST}; 0 leaves it to the mailserver. */
  readonly limit: number;
  /** Empty for the first page, then the cursor of the previous answer, 36 bytes. */
  readonly cursor: Uint8Array;
  /** Whether a packet may have many envelopes. */
  readonly batch: boolean;
}

/** A request without an envelope and password. */
export interface BareMailRequest extends MailRequest {
  /** Chosen by the client, 32 bytes; repeated in the answer. */
  readonly id: Uint8Array;
}

/** The contents of a request's envelope: `RLP([lower, upper, bloom, limit, cursor, batch])`, as Status encodes it. */
export function encodeMailRequest({ lower, upper, bloom, limit, cursor, batch }: MailRequest): Uint8Array {
  return encodeList([lower, upper, bloom, limit, cursor, batch ? 1 : 0]);
}

/** A bare request: `RLP([id, lower, upper, limit, cursor, bloom])`. */
export function encodeBareMailRequest({
  id,
  lower,
  upper,
  limit,
  cursor,
  bloom,
}: BareMailRequest): Uint8Array {
  return encodeList([id, lower, upper, limit, cursor, bloom]);
}

/** Whether the body of a p2p request is a bare one: its first item has 32 bytes, the expiry of an envelope 4 at most. */
export function isBareMailRequest(body: Uint8Array): boolean {
  const first = body[0] ?? 0;
  if (first < 0xc0) return false;
  return body[first < 0xf8 ? 1 : 2 + first - 0xf8] === 0x80 + ID_LENGTH;
}

/**
 * Reads a bare request, see {@link encodeBareMailRequest}. Bytes are copied.
 * @throws MALFORMED_MESSAGE
 */
export function decodeBareMailRequest(body: Uint8Array): BareMailRequest {
  const read = itemsOf(body, 6);
  const id = read.bytes(0);
  if (id.length !== ID_LENGTH) throw malformed('an id of another length');
  return checkShape({
    id,
    lower: read.integer(1),
    upper: read.integer(2),
    limit: read.integer(3),
    cursor: read.bytes(4),
    bloom: read.bytes(5),
    batch: true,
  });
}

/** Why a deployed mailserver refuses a well-formed request, in its words; `undefined` when it doesn't. */
export function mailRefusal({ lower, upper, bloom, limit }: MailRequest): string | undefined {
  if (lower > upper) return `query range is invalid: from > to (${lower} > ${upper})`;
  if (upper - lower > MAIL_SPAN_MOST) {
    return 'request is invalid: query range must be smaller or equal to 24 hours';
  }
  if (bloom.length === 0) return 'request is invalid: bloom filter is empty';
  if (limit > MAIL_LIMIT_MOST) return 'request is invalid: limit exceeds the maximum allowed value';
  return undefined;
}

/**
 * Reads both forms that deployed mailservers accept: that of {@link encodeMailRequest}, also without `batch`, and the bytes of
 * go-ethereum's wmailserver, `lower 4 || upper 4 || bloom 64? || limit 4? || cursor 36?`. {@link mailRefusal} tells whether it is within
 * limits. Bytes are copied.
 *
 * @throws MALFORMED_MESSAGE
 */
export function decodeMailRequest(payload: Uint8Array): MailRequest {
  // The first byte of a time is that of a list from the year 2072 on.
  return checkShape((payload[0] ?? 0) >= 0xc0 ? decodeList(payload) : decodeRaw(payload));
}

function checkShape<T extends MailRequest>(request: T): T {
  if (![0, BLOOM_LENGTH].includes(request.bloom.length)) throw malformed('a bloom filter of another length');
  if (![0, MAIL_CURSOR_LENGTH].includes(request.cursor.length)) throw malformed('a cursor of another length');
  return request;
}

function decodeList(payload: Uint8Array): MailRequest {
  const read = itemsOf(payload, 3);
  return {
    lower: read.integer(0),
    upper: read.integer(1),
    bloom: read.bytes(2),
    limit: read.integer(3),
    cursor: read.bytes(4),
    batch: read.integer(5) === 1,
  };
}

/** The items of a list; missing ones are empty, and those of later versions are ignored. */
function itemsOf(list: Uint8Array, least: number) {
  const items = splitList('mail request', list, 16);
  if (items.length < least) throw malformed(`fewer than ${least} items`);
  const view = (index: number) => readBytes('mail request', items[index] ?? Uint8Array.of(0x80));
  return {
    integer: (index: number) => readInteger(view(index)),
    bytes: (index: number) => copyBytes(view(index)),
  };
}

function decodeRaw(payload: Uint8Array): MailRequest {
  if (![8, 72, 76, 112].includes(payload.length)) throw malformed(`${payload.length} bytes`);
  return {
    lower: readInteger(payload.subarray(0, 4)),
    upper: readInteger(payload.subarray(4, 8)),
    bloom: payload.length === 8 ? everything() : copyBytes(payload.subarray(8, 72)),
    limit: readInteger(payload.subarray(72, 76)),
    cursor: copyBytes(payload.subarray(76)),
    batch: false,
  };
}

function everything(): Uint8Array {
  return new Uint8Array(BLOOM_LENGTH).fill(0xff);
}

function readInteger(bytes: Uint8Array): number {
  if (bytes.length > 4) throw malformed('a number of more than 4 bytes');
  return bytes.reduce((value, byte) => value * 256 + byte, 0);
}

function malformed(reason: string): SottoError<'MALFORMED_MESSAGE'> {
  return new SottoError('MALFORMED_MESSAGE', 'Not a valid request to a mailserver.', {
    what: 'mail request',
    reason,
  });
}

/** What a request to a mailserver is sealed with. */
export interface MailSealing {
  /** Encrypts and signs. */
  readonly crypto: CryptoProvider;
  /** Does the proof of work. */
  readonly miner: Miner;
  /** Seconds since the epoch. */
  readonly now: number;
  /** `channelSymmetricKey` of the mailserver's password, 32 bytes. */
  readonly key: Uint8Array;
  /** The client's node key: go-ethereum requires it, Status accepts any key. */
  readonly signer: KeyPair;
  /** Default 0.002. */
  readonly minimumPow?: number | undefined;
  /** Stops the proof of work. */
  readonly signal?: AbortSignal | undefined;
}

/** The encoded envelope of a request, for code 126 of `shh/6`. @throws ABORTED, CLOSED */
export async function sealMailRequest(request: MailRequest, sealing: MailSealing): Promise<Uint8Array> {
  const { crypto, miner, now, key, signer, minimumPow = 0.002, signal } = sealing;
  const plain = encodePlain(crypto, encodeMailRequest(request), signer);
  const data = sealData(crypto, { kind: 'symmetric', key }, plain);
  const unmined = { expiry: now + TTL, ttl: TTL, topic: TOPIC, data };
  const prefix = encodeWithoutNonce(unmined);
  const bits = powBits(minimumPow, prefix.length, TTL);
  const nonce = await miner.mine(prefix, bits, signal === undefined ? {} : { signal });
  return encodeEnvelope({ ...unmined, nonce });
}

/**
 * Opens a request at the mailserver. It has to be signed, but by whom does not matter, as with Status' mailservers.
 *
 * @throws AUTHENTICATION_FAILED for another password; MALFORMED_MESSAGE, INVALID_SIGNATURE
 */
export function openMailRequest(crypto: CryptoProvider, key: Uint8Array, envelope: Envelope): MailRequest {
  const { payload, signer } = decodePlain(
    crypto,
    openData(crypto, { kind: 'symmetric', key }, envelope.data),
  );
  if (signer === undefined) throw malformed('it is not signed');
  return decodeMailRequest(payload);
}
