import { systemClock } from '@sotto/core';
import { defaultProvider } from '@sotto/crypto';
import { manualClock } from '@sotto/testing/clock';
import {
  encodeEnvelope,
  encodePlain,
  envelopeHash,
  type PooledEnvelope,
  sealData,
} from '@sotto/whisper-transport/whisper';
import { afterEach, expect, it } from 'vitest';
import type { WebSocket } from 'ws';
import { Dispatcher } from '../src/rpc/dispatcher.js';
import { type Criteria, Filters } from '../src/rpc/filters.js';
import { acceptSocket } from '../src/rpc/rpc-server.js';
import { PretendSocket } from './pretend-socket.js';

const crypto = defaultProvider();
const key = crypto.randomBytes(32);
const topic = Uint8Array.of(1, 2, 3, 4);
const criteria: Criteria = {
  key: { kind: 'symmetric', key },
  topics: [topic],
  minimumPow: 0,
  signer: undefined,
  allowP2p: false,
};

let filters: Filters;
afterEach(() => filters?.close());

function pooled(bytes: number): PooledEnvelope {
  const plain = encodePlain(crypto, crypto.randomBytes(bytes), undefined);
  const data = sealData(crypto, { kind: 'symmetric', key }, plain);
  const envelope = { expiry: 2_000_000_000, ttl: 15, topic, data, nonce: 0n };
  const encoded = encodeEnvelope(envelope);
  const hash = Buffer.from(envelopeHash(crypto, encoded)).toString('hex');
  return { hash, bytes: encoded, envelope, pow: 1 };
}

it('what waits for one client in all its filters is bounded in bytes; that of another is not touched', () => {
  filters = new Filters(crypto, systemClock, {
    maxFilters: 10,
    maxFiltersPerClient: 5,
    maxTopics: 5,
    maxMessages: 1_000,
    maxBytesPerClient: 100_000,
  });
  const [greedy, second, other] = ['a', 'a', 'b'].map((client) => filters.install(client, criteria));
  const all = Array.from({ length: 20 }, () => pooled(5_000));
  for (const one of all) filters.offer(one);
  const kept = [greedy, second, other].map((id) => filters.fetch(id as string));
  // Twice 10,000 digits of payload and some more for each.
  expect((kept[0]?.length ?? 0) + (kept[1]?.length ?? 0)).toBeLessThanOrEqual(9);
  expect(kept[2]?.length).toBeGreaterThanOrEqual(8);
  expect(kept[2]?.at(-1)?.hash).toBe(`0x${all.at(-1)?.hash}`);
  for (const one of all.slice(0, 8)) filters.offer(one);
  // What was fetched has made room.
  expect(filters.fetch(other as string).length).toBe(8);
});

it('a client of JSON-RPC that answers no ping is let go, and one that does is not', () => {
  const clock = manualClock(0);
  const dispatcher = new Dispatcher({
    api: { modules: {}, methods: new Map(), subscribers: new Map() },
    logger: { debug() {}, info() {}, warn() {}, error() {} },
    clock,
    maxBatch: 1,
    newSubscriptionId: () => '',
    delayOf: () => 0,
    onCall: () => {},
  });
  const [gone, there] = [new PretendSocket(), new PretendSocket()];
  for (const socket of [gone, there]) acceptSocket(dispatcher, clock, socket as unknown as WebSocket, 'a');
  clock.advance(30_000);
  there.emit('pong');
  clock.advance(30_000);
  expect([gone.terminated, there.terminated]).toEqual([true, false]);
});

it('a filter is removed when it was not polled for five minutes, whatever the clock says meanwhile', () => {
  const clock = manualClock(0);
  let off = 0;
  const jumping = { now: () => clock.now() + off, after: clock.after.bind(clock) };
  filters = new Filters(crypto, jumping, {
    maxFilters: 10,
    maxFiltersPerClient: 5,
    maxTopics: 5,
    maxMessages: 10,
    maxBytesPerClient: 100_000,
  });
  const [asked] = ['a', 'b'].map((client) => filters.install(client, criteria));
  off = 86_400_000;
  for (let minute = 0; minute < 4; minute++) clock.advance(60_000);
  expect(filters.size).toBe(2);
  off = -86_400_000;
  filters.fetch(asked as string);
  for (let minute = 0; minute < 2; minute++) clock.advance(60_000);
  expect(filters.size).toBe(1);
  for (let minute = 0; minute < 4; minute++) clock.advance(60_000);
  expect(filters.size).toBe(0);
});
