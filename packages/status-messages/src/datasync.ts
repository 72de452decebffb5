import {
  type CryptoProvider,
  compareBytes,
  concatBytes,
  encodeUtf8,
  isSottoError,
  type PublicKey,
} from '@sotto/core';
import { malformed } from '@sotto/protocol-codec/internal';
import { decodeWire } from './decode.js';
import { DatasyncPayload as Wire } from './generated/sotto/status_messages/v1/datasync.js';
import type { StatusDecodeOptions } from './limits.js';
import { DATASYNC_PAYLOAD } from './wire-shapes.js';

/** A message that is repeated until it is acknowledged. */
export interface DatasyncMessage {
  /** 32 bytes, see {@link directGroupId}. */
  readonly groupId: Uint8Array;
  /** Seconds since the epoch. */
  readonly timestamp: bigint;
  /** An encoded metadata message. */
  readonly body: Uint8Array;
}

/** Minimum Viable Data Synchronisation: what two sides exchange. Ids have 32 bytes, see {@link datasyncId}. */
export interface DatasyncPayload {
  /** Ids of messages that were received. */
  readonly acks: readonly Uint8Array[];
  /** Ids of messages that can be requested. */
  readonly offers: readonly Uint8Array[];
  /** Ids of messages that are requested. */
  readonly requests: readonly Uint8Array[];
  /** Messages, to be acknowledged by {@link datasyncId}. */
  readonly messages: readonly DatasyncMessage[];
  /** 2024. */
  readonly groupOffers: readonly {
    readonly groupId: Uint8Array;
    readonly messageIds: readonly Uint8Array[];
  }[];
}

/** A payload with nothing in it, to be spread. */
export const EMPTY_DATASYNC_PAYLOAD: DatasyncPayload = Object.freeze({
  acks: [],
  offers: [],
  requests: [],
  messages: [],
  groupOffers: [],
});

/** The encoded payload. Encode at least one thing: an empty payload isn't recognised. */
export function encodeDatasyncPayload({
  acks,
  offers,
  requests,
  messages,
  groupOffers,
}: DatasyncPayload): Uint8Array {
  return Wire.encode({
    acks: [...acks],
    offers: [...offers],
    requests: [...requests],
    messages: messages.map((message) => ({ ...message })),
    groupOffers: groupOffers.map(({ groupId, messageIds }) => ({ groupId, messageIds: [...messageIds] })),
  }).finish();
}

/**
 * Decodes a payload if it is one. Bytes that can't be read, or that have none of the lists, are not: they are a metadata message
 * without data synchronisation.
 * @returns `undefined` when it isn't one
 * @throws LIMIT_EXCEEDED; MALFORMED_MESSAGE for an id or group id that hasn't 32 bytes
 */
export function decodeDatasyncPayload(
  bytes: Uint8Array,
  options?: StatusDecodeOptions,
): DatasyncPayload | undefined {
  let payload: DatasyncPayload;
  try {
    payload = decodeWire(bytes, DATASYNC_PAYLOAD, Wire, options);
  } catch (error) {
    if (isSottoError(error, 'MALFORMED_MESSAGE')) return undefined;
    throw error;
  }
  const { acks, offers, requests, messages, groupOffers } = payload;
  const lists = [acks, offers, requests, messages, groupOffers];
  if (lists.every(({ length }) => length === 0)) return undefined;
  const ids = [
    ...acks,
    ...offers,
    ...requests,
    ...messages.map(({ groupId }) => groupId),
    ...groupOffers.flatMap(({ groupId, messageIds }) => [groupId, ...messageIds]),
  ];
  if (ids.some(({ length }) => length !== 32))
    throw malformed('datasync payload', 'an id that has not 32 bytes');
  return payload;
}

/** The id by which a message is acknowledged, 32 bytes: SHA-256 of `MESSAGE_ID`, group id, timestamp and body. */
export function datasyncId(
  crypto: CryptoProvider,
  { groupId, timestamp, body }: DatasyncMessage,
): Uint8Array {
  const time = new Uint8Array(8);
  new DataView(time.buffer).setBigInt64(0, timestamp, true);
  return crypto.sha256(encodeUtf8('MESSAGE_ID'), groupId, time, body);
}

/** The group id of two sides, 32 bytes, the same for both: KECCAK-256 of both keys, the one with the smaller x first. */
export function directGroupId(crypto: CryptoProvider, one: PublicKey, other: PublicKey): Uint8Array {
  const inOrder = compareBytes(one.subarray(1), other.subarray(1)) <= 0 ? [one, other] : [other, one];
  return crypto.keccak256(concatBytes(...inOrder));
}
