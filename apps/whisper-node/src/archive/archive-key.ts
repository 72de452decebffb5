import { concatBytes, type Topic } from '@sotto/core';
import type { BatchOperation } from './level.js';

export const TOPIC_LENGTH = 4;
const HASH_LENGTH = 32;
const TIME_LENGTH = 4;
/** Bytes of a position: time and hash. */
export const POSITION_LENGTH = TIME_LENGTH + HASH_LENGTH;

/** The record of an envelope, `e || time || hash`: topic and envelope. In the order of time, for queries by bloom filter. */
const ENVELOPE = 0x65;
/** The index entry of an envelope, `t || topic || time || hash`, without a value. In the order of topics, for queries by topic. */
const TOPIC = 0x74;
/** The record of the totals: number of envelopes, and their bytes. */
export const TOTALS_KEY = Uint8Array.of(0x6d);
/** What an archive has. */
export interface Totals {
  /** Number of envelopes. */
  readonly count: number;
  /** Of all envelopes. */
  readonly bytes: number;
}

/** A byte without meaning: classic-level 3.0 never frees an empty value, 32 bytes for each record. */
const NOTHING = Uint8Array.of(0);

/** The position of an envelope in the order of time: seconds since the epoch when it was sealed, and its hash. */
export function positionAt(time: number, hash: Uint8Array): Uint8Array {
  return concatBytes(uint32(time), hash);
}

/** Before all positions of a second. */
export function beginOf(time: number): Uint8Array {
  return uint32(time);
}

/** After all positions of a second. */
export function endOf(time: number): Uint8Array {
  return concatBytes(uint32(time), new Uint8Array(HASH_LENGTH + 1).fill(0xff));
}

export function envelopeKey(position: Uint8Array): Uint8Array {
  return concatBytes(Uint8Array.of(ENVELOPE), position);
}

export function topicKey(topic: Topic, position: Uint8Array): Uint8Array {
  return concatBytes(Uint8Array.of(TOPIC), topic, position);
}

export function positionOfEnvelopeKey(key: Uint8Array): Uint8Array {
  return key.slice(1);
}

export function positionOfTopicKey(key: Uint8Array): Uint8Array {
  return key.slice(1 + TOPIC_LENGTH);
}

export function timeOf(position: Uint8Array): number {
  return new DataView(position.buffer, position.byteOffset).getUint32(0);
}

export function hashOf(position: Uint8Array): Uint8Array {
  return position.slice(TIME_LENGTH);
}

/** The records of all envelopes. */
export const ALL_ENVELOPES = { gte: envelopeKey(beginOf(0)), lt: envelopeKey(endOf(0xffff_ffff)) };

/** The operations that store an envelope. */
export function additions(topic: Topic, position: Uint8Array, envelope: Uint8Array): BatchOperation[] {
  return [
    { type: 'put', key: envelopeKey(position), value: concatBytes(topic, envelope) },
    { type: 'put', key: topicKey(topic, position), value: NOTHING },
  ];
}

/** The operation that stores the totals. */
export function totalsPut({ count, bytes }: Totals): BatchOperation {
  const value = new Uint8Array(16);
  const view = new DataView(value.buffer);
  view.setBigUint64(0, BigInt(count));
  view.setBigUint64(8, BigInt(bytes));
  return { type: 'put', key: TOTALS_KEY, value };
}

/** The operations that remove an envelope. */
export function removals(topic: Topic, position: Uint8Array): BatchOperation[] {
  return [
    { type: 'del', key: envelopeKey(position) },
    { type: 'del', key: topicKey(topic, position) },
  ];
}

function uint32(value: number): Uint8Array {
  const bytes = new Uint8Array(TIME_LENGTH);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}
