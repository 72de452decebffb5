import { systemClock } from '@sotto/core';
import { defaultProvider } from '@sotto/crypto';
import { encodeClientFrame } from '@sotto/whisper-transport/relay-protocol';
import { EnvelopePool, encodeEnvelope, type PooledEnvelope } from '@sotto/whisper-transport/whisper';
import { expect, it } from 'vitest';
import type { WebSocket } from 'ws';
import { RelayServer } from '../src/relay/relay-server.js';
import { PretendSocket } from './pretend-socket.js';

const crypto = defaultProvider();
const FOREIGN = 2_000;
const topic = Uint8Array.of(0xff, 1, 2, 3);

function envelope(of: Uint8Array): Uint8Array {
  const ttl = 60;
  const expiry = Math.floor(Date.now() / 1000) + ttl;
  return encodeEnvelope({ expiry, ttl, topic: of, data: crypto.randomBytes(64), nonce: 0n });
}

/** A relay over a pool that counts how often the bytes of an envelope in it are looked at. */
function countingRelay() {
  const pool = new EnvelopePool({ crypto, policy: { minimumPow: 0 } });
  let looks = 0;
  const relay = new RelayServer({
    pool,
    archive: undefined,
    clock: systemClock,
    logger: { debug() {}, info() {}, warn() {}, error() {} },
    limits: {
      maxTopics: 2_000,
      rate: 1_000_000,
      pageSize: 100,
      addressRate: 1_000_000,
      addressTopics: 2_000,
    },
  });
  const count = (pooled: PooledEnvelope) => {
    for (const [name, value] of Object.entries(pooled)) {
      Object.defineProperty(pooled, name, {
        get() {
          looks++;
          return value;
        },
      });
    }
  };
  for (let i = 0; i < FOREIGN; i++) pool.add(envelope(Uint8Array.of(0, 0, i >> 8, i & 255)));
  const own = Array.from({ length: 3 }, () => pool.add(envelope(topic)) as PooledEnvelope);
  for (const pooled of pool) count(pooled);
  return { pool, relay, own: own.map(({ bytes }) => bytes), looks: () => looks };
}

it('a client that subscribes anew again and again: the relay looks at no envelope but those of his topics', () => {
  const { pool, relay, own, looks } = countingRelay();
  const socket = new PretendSocket();
  relay.accept(socket as unknown as WebSocket, '192.0.2.1');
  const before = looks();
  const say = (topics: Uint8Array[]) =>
    socket.emit('message', encodeClientFrame({ kind: 'subscribe', id: 1, topics }), true);
  const ROUNDS = 50;
  for (let i = 0; i < ROUNDS; i++) {
    say([topic, topic]);
    say([]);
  }
  const brought = socket.frames.flatMap((frame) => (frame.kind === 'envelope' ? [frame.envelope] : []));
  expect(brought).toEqual(Array(ROUNDS).fill(own).flat());
  // One of each envelope brought; a walk over the pool would take about 100,000.
  expect(looks() - before).toBe(ROUNDS * own.length);
  relay.close();
  pool.close();
});
