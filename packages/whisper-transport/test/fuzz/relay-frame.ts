import { compareBytes, type Topic } from '@sotto/core';
import { demand, type FuzzTarget } from '@sotto/testing/fuzz';
import {
  type ClientFrame,
  decodeClientFrame,
  decodeRelayFrame,
  encodeClientFrame,
  encodeRelayFrame,
  type RelayFrame,
} from '../../src/relay-protocol.js';

const topic = Uint8Array.of(1, 2, 3, 4) as Topic;
const envelope = Uint8Array.of(9, 8, 7);
const cursor = Uint8Array.of(5, 6);
const FROM_CLIENTS: readonly ClientFrame[] = [
  { kind: 'publish', id: 1, envelope },
  { kind: 'subscribe', id: 2, topics: [topic, topic] },
  { kind: 'history', id: 3, from: 0, to: 1_700_000_000, limit: 10, cursor, topics: [topic] },
  { kind: 'ping', id: 4 },
];
const FROM_RELAYS: readonly RelayFrame[] = [
  { kind: 'done', id: 1 },
  { kind: 'envelope', topic, envelope },
  { kind: 'archived', id: 3, topic, envelope },
  { kind: 'page', id: 3, cursor },
  { kind: 'time', time: 1_700_000_000_000 },
];

/** The first byte says who sends the frame: 0 a client, anything else a relay. */
export default {
  about: 'frames between relays and their clients, both ways',
  *seeds() {
    for (const frame of FROM_CLIENTS) yield Uint8Array.of(0, ...encodeClientFrame(frame));
    for (const frame of FROM_RELAYS) yield Uint8Array.of(1, ...encodeRelayFrame(frame));
  },
  run(data) {
    const frame = data.subarray(1);
    const again = data[0] === 0 ? throughClientFrame(frame) : throughRelayFrame(frame);
    const twice = again && (data[0] === 0 ? throughClientFrame(again) : throughRelayFrame(again));
    demand(
      again === undefined || (twice !== undefined && compareBytes(again, twice) === 0),
      'What was decoded and encoded changes when it is once more.',
    );
  },
} satisfies FuzzTarget;

function throughClientFrame(frame: Uint8Array): Uint8Array {
  return encodeClientFrame(decodeClientFrame(frame));
}

function throughRelayFrame(frame: Uint8Array): Uint8Array | undefined {
  const decoded = decodeRelayFrame(frame);
  return decoded && encodeRelayFrame(decoded);
}
