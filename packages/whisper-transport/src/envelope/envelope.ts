import { concatBytes, copyBytes, invalidArgument, parseBytes, SottoError, type Topic } from '@sotto/core';
import type { CryptoProvider } from '@sotto/crypto';
import { TOPIC_LENGTH } from '../channels/topic.js';
import { encodeList, integerOf, malformed, readStrings } from '../support/rlp.js';
import { ENVELOPE_MAX_BYTES } from './limits.js';

/** A Whisper envelope, EIP-627. */
export interface Envelope {
  /** Seconds since the epoch, below 2^32: when nodes drop it. */
  readonly expiry: number;
  /** Seconds, below 2^32: how long before that it was sealed. */
  readonly ttl: number;
  /** 4 bytes. */
  readonly topic: Topic;
  /** The sealed message. */
  readonly data: Uint8Array;
  /** Chosen for the proof of work, below 2^64. */
  readonly nonce: bigint;
}

/**
 * `RLP([expiry, ttl, topic, data])`: the proof of work hashes it with the nonce.
 * @throws INVALID_ARGUMENT, with the name of the field
 */
export function encodeWithoutNonce(envelope: Omit<Envelope, 'nonce'>): Uint8Array {
  return encodeList(fieldsOf(envelope));
}

/**
 * `RLP([expiry, ttl, topic, data, nonce])`.
 * @throws INVALID_ARGUMENT, with the name of the field
 */
export function encodeEnvelope(envelope: Envelope): Uint8Array {
  const { nonce } = envelope;
  if (typeof nonce !== 'bigint' || nonce < 0n || nonce >= 1n << 64n) {
    throw invalidArgument('nonce', 'not a bigint from 0 and below 2^64');
  }
  return encodeList([...fieldsOf(envelope), nonce]);
}

function fieldsOf({ expiry, ttl, topic, data }: Omit<Envelope, 'nonce'>): (number | Uint8Array)[] {
  for (const [what, seconds] of Object.entries({ expiry, ttl })) {
    if (!Number.isInteger(seconds) || seconds < 0 || seconds >= 2 ** 32) {
      throw invalidArgument(what, 'not a whole number from 0 and below 2^32');
    }
  }
  return [expiry, ttl, copyBytes(topic, 'topic'), copyBytes(data, 'data')];
}

/**
 * Reads an envelope; its bytes are copied.
 * @throws LIMIT_EXCEEDED before anything is read; MALFORMED_MESSAGE; INVALID_ARGUMENT
 */
export function decodeEnvelope(bytes: Uint8Array): Envelope {
  if (parseBytes(bytes, 'envelope').length > ENVELOPE_MAX_BYTES) {
    throw new SottoError('LIMIT_EXCEEDED', 'The envelope is too large.', {
      what: 'bytes of an envelope',
      limit: ENVELOPE_MAX_BYTES,
      actual: bytes.length,
    });
  }
  const [expiry, ttl, topic, data, nonce] = readStrings('envelope', bytes, 5) as [
    Uint8Array,
    Uint8Array,
    Uint8Array,
    Uint8Array,
    Uint8Array,
  ];
  if (topic.length !== TOPIC_LENGTH) throw malformed('envelope', `a topic of ${topic.length} bytes`);
  return {
    expiry: Number(integerOf('expiry of an envelope', expiry, 4)),
    ttl: Number(integerOf('time to live of an envelope', ttl, 4)),
    topic: copyBytes(topic),
    data: copyBytes(data),
    nonce: integerOf('nonce of an envelope', nonce, 8),
  };
}

/** KECCAK-256 of the encoded envelope, 32 bytes: its name on the network. */
export function envelopeHash(crypto: CryptoProvider, encoded: Uint8Array): Uint8Array {
  return crypto.keccak256(encoded);
}

/** Number of leading zero bits of a hash. */
export function leadingZeroBits(hash: Uint8Array): number {
  const at = hash.findIndex((byte) => byte !== 0);
  return at === -1 ? 8 * hash.length : 8 * at + Math.clz32(hash[at] as number) - 24;
}

/**
 * The proof of work of an envelope: `2^(leading zero bits) / (bytes without nonce * ttl)`. Infinite for a TTL of 0,
 * which {@link checkEnvelope} refuses. Wire profile, section 7.
 */
export function proofOfWork(crypto: CryptoProvider, envelope: Envelope): number {
  const prefix = encodeWithoutNonce(envelope);
  const hash = crypto.keccak256(concatBytes(prefix, bigEndian64(envelope.nonce)));
  // Two divisions, as in deployed nodes: the last bit of the quotient depends on it.
  return 2 ** leadingZeroBits(hash) / prefix.length / envelope.ttl;
}

/** 8 bytes. */
export function bigEndian64(value: bigint): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, value);
  return bytes;
}
