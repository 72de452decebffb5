import { RLP } from '@ethereumjs/rlp';
import { copyBytes, type KeyPair, SottoError } from '@sotto/core';
import type { CryptoProvider } from '@sotto/crypto';
import { BLOOM_LENGTH } from '../bloom.js';
import { readBytes, splitList } from '../devp2p/rlp-list.js';
import { type Envelope, encodeEnvelope, encodeWithoutNonce } from '../envelope/envelope.js';
import { decodePlain, encodePlain } from '../envelope/plain.js';
import { openData, sealData } from '../envelope/seal.js';
import { type Miner, powBits } from '../mining/miner.js';

/** Bytes of a cursor: time and hash of an envelope. */
export const MAIL_CURSOR_LENGTH = 36;
/** Seconds that a request lives. */
const TTL = 15;
const TOPIC = new Uint8Array(4);

/** What a mailserver is asked for. */
export interface MailRequest {
  /** Seconds since the epoch, inclusive, below 2^32. */
  readonly lower: number;
  /** Likewise. */
  readonly upper: number;
  /** Topics wanted, 64 bytes. */
  readonly bloom: Uint8Array;
  /** Envelopes at most; 0 when the mailserver is to say. */
  readonly limit: number;
  /** Empty to begin; later what the answer before gave, 36 bytes. */
  readonly cursor: Uint8Array;
}

/** What is inside the envelope of a request: `RLP([lower, upper, bloom, limit, cursor])`, as Status has it. */
export function encodeMailRequest({ lower, upper, bloom, limit, cursor }: MailRequest): Uint8Array {
  return RLP.encode([lower, upper, bloom, limit, cursor]);
}

/**
 * Reads both forms that deployed mailservers take: that of {@link encodeMailRequest}, and the bytes of go-ethereum's
 * wmailserver, `lower 4 || upper 4 || bloom 64? || limit 4? || cursor 36?`. Bytes are copied.
 *
 * @throws MALFORMED_MESSAGE
 */
export function decodeMailRequest(payload: Uint8Array): MailRequest {
  // The first byte of a time is that of a list from the year 2072 on.
  const request = (payload[0] ?? 0) >= 0xc0 ? decodeList(payload) : decodeRaw(payload);
  if (request.lower > request.upper) throw malformed('its end is before its beginning');
  if (request.bloom.length !== BLOOM_LENGTH) throw malformed('a bloom filter of another length');
  if (request.cursor.length !== 0 && request.cursor.length !== MAIL_CURSOR_LENGTH) {
    throw malformed('a cursor of another length');
  }
  return request;
}

function decodeList(payload: Uint8Array): MailRequest {
  // Later versions have more behind.
  const items = splitList('mail request', payload, 16);
  const integer = (index: number) =>
    readInteger(readBytes('mail request', items[index] ?? Uint8Array.of(0x80)));
  const bytes = (index: number) => copyBytes(readBytes('mail request', items[index] ?? Uint8Array.of(0x80)));
  if (items.length < 3) throw malformed('not even times and a bloom filter');
  const bloom = bytes(2);
  return {
    lower: integer(0),
    upper: integer(1),
    bloom: bloom.length === 0 ? everything() : bloom,
    limit: integer(3),
    cursor: bytes(4),
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
  return new SottoError('MALFORMED_MESSAGE', 'This is no request to a mailserver.', {
    what: 'mail request',
    reason,
  });
}

export interface MailSealing {
  readonly crypto: CryptoProvider;
  readonly miner: Miner;
  /** Seconds since the epoch. */
  readonly now: number;
  /** `channelSymmetricKey` of the mailserver's password, 32 bytes. */
  readonly key: Uint8Array;
  /** The node key of who asks: go-ethereum wants it, Status anybody's. */
  readonly signer: KeyPair;
  /** Default 0.002. */
  readonly minimumPow?: number;
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
 * Opens a request at the mailserver. Who has signed it is not looked at, as at Status' mailservers; that somebody has is.
 *
 * @throws AUTHENTICATION_FAILED for another password; MALFORMED_MESSAGE, INVALID_SIGNATURE
 */
export function openMailRequest(crypto: CryptoProvider, key: Uint8Array, envelope: Envelope): MailRequest {
  const { payload, signer } = decodePlain(
    crypto,
    openData(crypto, { kind: 'symmetric', key }, envelope.data),
  );
  if (signer === undefined) throw malformed('nobody has signed it');
  return decodeMailRequest(payload);
}
