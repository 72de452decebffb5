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

/** The version of Whisper spoken. */
const WHISPER_VERSION = 6;
/** Parts of a status that are looked at, and then some: those of later software are passed over. */
const MAX_PARTS = 32;

/** What two peers tell each other first. */
export interface WhisperStatus {
  /** Least proof of work that is taken: finite, 0 or more. */
  readonly minimumPow: number;
  /** 64 bytes: the topics wanted; `undefined` for all of them. */
  readonly bloom: Uint8Array | undefined;
  /** Whether it only sends its own envelopes and hands on none. */
  readonly lightNode: boolean;
  /** Whether it wants to have envelopes confirmed; sent by Status nodes. */
  readonly confirmations?: boolean;
  /** What a Status node says of its limits: envelopes a second by address, by peer, by topic; 0 is none. */
  readonly rateLimits?: {
    readonly perAddress: number;
    readonly perPeer: number;
    readonly perTopic: number;
  };
}

/**
 * `RLP([6, proof of work as the bits of a float64, bloom 64, lightNode])`: what every deployed node accepts.
 * Confirmations and limits are left out: who says nothing of them isn't asked for any.
 */
export function encodeStatus({ minimumPow, bloom, lightNode }: WhisperStatus): Uint8Array {
  const filter = bloom ?? new Uint8Array(BLOOM_LENGTH).fill(0xff);
  return encodeList([WHISPER_VERSION, powToBits(minimumPow), filter, lightNode ? 1 : 0]);
}

/**
 * Reads the status of a plain node, `[6, pow, bloom, lightNode]`, or of a Status node, which appends `confirmations`
 * and `[perAddress, perPeer, perTopic]`. Only the version has to be there; what follows is passed over.
 * @throws MALFORMED_MESSAGE; LIMIT_EXCEEDED
 */
export function decodeStatus(body: Uint8Array): WhisperStatus {
  const [version, pow, bloom, lightNode, confirmations, limits] = splitList('status', body, MAX_PARTS);
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
  const [perAddress = 0, perPeer = 0, perTopic = 0] = splitList('rate limits', item, MAX_PARTS).map((limit) =>
    Number(readInteger('rate limit', limit)),
  );
  return { perAddress, perPeer, perTopic };
}

function readFlag(what: string, item: Uint8Array): boolean {
  const value = readInteger(what, item);
  if (value > 1n) throw malformed(what, 'neither 0 nor 1');
  return value === 1n;
}

/** A filter of 64 bytes, fresh; `undefined` for one that lets everything through. Nothing at all may stand for that. */
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

/** @throws MALFORMED_MESSAGE for what is negative, infinite or no number */
export function powFromBits(bits: bigint): number {
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, bits);
  const pow = view.getFloat64(0);
  if (!Number.isFinite(pow) || pow < 0 || Object.is(pow, -0)) {
    throw malformed('proof of work', 'no number that is 0 or more');
  }
  return pow;
}
