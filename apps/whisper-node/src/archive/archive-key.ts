import { concatBytes, type Topic } from '@sotto/core';
import type { BatchOperation } from './level.js';

export const TOPIC_LENGTH = 4;
const HASH_LENGTH = 32;
const TIME_LENGTH = 4;
/** Bytes of a position: time and hash. */
export const POSITION_LENGTH = TIME_LENGTH + HASH_LENGTH;

/** The record of an envelope, `e || time || hash`: topic and envelope. In the order of time, for who asks by bloom. */
const ENVELOPE = 0x65;
/** One for each of these, `t || topic || time || hash`: nothing in it. In the order of topics, for who asks by topic. */
const TOPIC = 0x74;
/** The record that says how many there are, and how large. */
export const TOTALS_KEY = Uint8Array.of(0x6d);
/** A byte that means nothing: classic-level 3.0 never frees an empty value, 32 bytes for each record. */
const NOTHING = Uint8Array.of(0);

/** Where an envelope is in the order of time: seconds since the epoch when it was sealed, and its hash. */
export function positionAt(time: number, hash: Uint8Array): Uint8Array {
  return concatBytes(uint32(time), hash);
}

/** Before all positions of that second. */
export function beginOf(time: number): Uint8Array {
  return uint32(time);
}

/** Behind all positions of that second. */
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

/** What stores an envelope. */
export function additions(topic: Topic, position: Uint8Array, envelope: Uint8Array): BatchOperation[] {
  return [
    { type: 'put', key: envelopeKey(position), value: concatBytes(topic, envelope) },
    { type: 'put', key: topicKey(topic, position), value: NOTHING },
  ];
}

/** What removes one. */
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
