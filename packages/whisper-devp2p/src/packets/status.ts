import { copyBytes } from '@sotto/core';
import {
  encodeList,
  isList,
  malformed,
  readBytes,
  readInteger,
  splitList,
} from '@sotto/whisper-transport/internal';
import { BLOOM_LENGTH } from '@sotto/whisper-transport/whisper';

/** The version of Whisper. */
const WHISPER_VERSION = 6;
/** Most items of a status; those of later versions are ignored. */
const ITEMS_MOST = 32;

/** What two peers tell each other first, EIP-627. */
export interface WhisperStatus {
  /** The least proof of work accepted: finite, 0 or more. */
  readonly minimumPow: number;
  /** The topics wanted: a bloom filter, 64 bytes; `undefined` for all. */
  readonly bloom: Uint8Array | undefined;
  /** Whether it only sends its own envelopes and forwards none. */
  readonly lightNode: boolean;
  /** Whether it asks for envelopes to be confirmed; sent by Status nodes. */
  readonly confirmations?: boolean | undefined;
  /** The limits of a Status node: envelopes a second by address, peer and topic; 0 is no limit. */
  readonly rateLimits?:
    | {
        readonly perAddress: number;
        readonly perPeer: number;
        readonly perTopic: number;
      }
    | undefined;
}

/**
 * `RLP([6, proof of work as the bits of a float64, bloom 64, lightNode])`: what every deployed node accepts.
 * Confirmations and limits are left out, so that none are asked of us.
 */
export function encodeStatus({ minimumPow, bloom, lightNode }: WhisperStatus): Uint8Array {
  const filter = bloom ?? new Uint8Array(BLOOM_LENGTH).fill(0xff);
  return encodeList([WHISPER_VERSION, powToBits(minimumPow), filter, lightNode ? 1 : 0]);
}

/**
 * Reads the status of a plain node, `[6, pow, bloom, lightNode]`, or of a Status node, which appends `confirmations`
 * and `[perAddress, perPeer, perTopic]`. Only the version is required; further items are ignored.
 * @throws MALFORMED_MESSAGE; LIMIT_EXCEEDED
 */
export function decodeStatus(body: Uint8Array): WhisperStatus {
  const [version, pow, bloom, lightNode, confirmations, limits] = splitList('status', body, ITEMS_MOST);
  if (version === undefined || readInteger('version', version) !== BigInt(WHISPER_VERSION)) {
    throw malformed('status', `not version ${WHISPER_VERSION}`);
  }
  return {
    minimumPow: pow === undefined ? 0 : powFromBits(readInteger('proof of work', pow)),
    bloom: bloom === undefined ? undefined : readBloom(readBytes('bloom filter', bloom), true),
    lightNode: lightNode !== undefined && readFlag('light node', lightNode),
    ...(confirmations !== undefined && { confirmations: readFlag('confirmations', confirmations) }),
    ...(limits !== undefined && isList(limits) && { rateLimits: readLimits(limits) }),
  };
}

function readLimits(item: Uint8Array) {
  const [perAddress = 0, perPeer = 0, perTopic = 0] = splitList('rate limits', item, ITEMS_MOST).map(
    (limit) => Number(readInteger('rate limit', limit)),
  );
  return { perAddress, perPeer, perTopic };
}

function readFlag(what: string, item: Uint8Array): boolean {
  const value = readInteger(what, item);
  if (value > 1n) throw malformed(what, 'neither 0 nor 1');
  return value === 1n;
}

/** A bloom filter of 64 bytes, fresh; `undefined` for one that matches everything, which may also be encoded as empty. */
export function readBloom(bytes: Uint8Array, mayBeEmpty: boolean): Uint8Array | undefined {
  if (bytes.length === 0 && mayBeEmpty) return undefined;
  if (bytes.length !== BLOOM_LENGTH) throw malformed('bloom filter', `${bytes.length} bytes`);
  return bytes.every((byte) => byte === 0xff) ? undefined : copyBytes(bytes);
}

/** The bits of a float64, as an integer. */
export function powToBits(pow: number): bigint {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, pow);
  return view.getBigUint64(0);
}

/** @throws MALFORMED_MESSAGE when it is negative, infinite or not a number */
export function powFromBits(bits: bigint): number {
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, bits);
  const pow = view.getFloat64(0);
  if (!Number.isFinite(pow) || pow < 0 || Object.is(pow, -0)) {
    throw malformed('proof of work', 'not a number of 0 or more');
  }
  return pow;
}
