import { defaultProvider } from '@sotto/crypto';
import { manualClock, rest } from '@sotto/testing/clock';
import { encodeClientFrame } from '@sotto/whisper-transport/relay-protocol';
import { EnvelopePool } from '@sotto/whisper-transport/whisper';
import { expect, it } from 'vitest';
import type { WebSocket } from 'ws';
import type { EnvelopeArchive } from '../src/archive/envelope-archive.js';
import { RelayServer } from '../src/relay/relay-server.js';
import { PretendSocket } from './pretend-socket.js';

const RATE = 10;

function connect(archive?: Pick<EnvelopeArchive, 'byTopics'>) {
  const clock = manualClock(0);
  const pool = new EnvelopePool({ crypto: defaultProvider(), clock });
  const logger = { debug() {}, info() {}, warn() {}, error() {} };
  const limits = { maxTopics: 10, rate: RATE, pageSize: 10, addressRate: 2 * RATE, addressTopics: 15 };
  const relay = new RelayServer({ pool, archive: archive as EnvelopeArchive, clock, logger, limits });
  const connectFrom = (address: string) => {
    const one = new PretendSocket();
    relay.accept(one as unknown as WebSocket, address);
    return one;
  };
  const socket = connectFrom('192.0.2.1');
  let id = 0;
  return {
    clock,
    socket,
    connectFrom,
    ping(times: number, by = socket) {
      for (let i = 0; i < times; i++) by.emit('message', encodeClientFrame({ kind: 'ping', id: id++ }), true);
    },
    outcomes(of = socket) {
      const kinds = of.frames.map((frame) => (frame.kind === 'refused' ? frame.code : frame.kind));
      return {
        done: kinds.filter((kind) => kind === 'done').length,
        busy: kinds.filter((kind) => kind === 'busy').length,
      };
    },
    close() {
      socket.emit('close');
      relay.close();
      pool.close();
    },
  };
}

it('what came while the relay was kept from reading is answered, and then read more slowly until it is made up for', async () => {
  const { clock, socket, ping, outcomes, close } = connect();
  ping(3 * RATE);
  expect(socket.paused).toBe(false);
  ping(2 * RATE);
  await expect.poll(() => outcomes()).toEqual({ done: 5 * RATE, busy: 0 });
  expect(socket.paused).toBe(true);
  clock.advance(1_999);
  expect(socket.paused).toBe(true);
  clock.advance(1);
  expect(socket.paused).toBe(false);
  close();
});

it('a flood is refused as busy, whatever of it has been read at once', async () => {
  const { clock, socket, ping, outcomes, close } = connect();
  ping(100 * RATE);
  await expect.poll(() => outcomes()).toEqual({ done: 6 * RATE, busy: 94 * RATE });
  expect(socket.paused).toBe(true);
  clock.advance(3_000);
  expect(socket.paused).toBe(false);
  ping(1);
  await expect.poll(() => outcomes()).toEqual({ done: 6 * RATE + 1, busy: 94 * RATE });
  close();
});

it('a client that has gone is not read from again', () => {
  const { clock, socket, ping, close } = connect();
  ping(4 * RATE);
  close();
  clock.advance(10_000);
  expect(socket.paused).toBe(true);
});

it('clients of one address share a rate, and those of another have their own', async () => {
  const { connectFrom, ping, outcomes, close } = connect();
  const [second, third, other] = ['192.0.2.1', '192.0.2.1', '192.0.2.2'].map(connectFrom);
  for (const socket of [undefined, second, third, other]) ping(6 * RATE, socket);
  await expect.poll(() => outcomes(other)).toEqual({ done: 6 * RATE, busy: 0 });
  // A bucket of six, and as much again owed.
  expect(outcomes(second)).toEqual({ done: 6 * RATE, busy: 0 });
  expect(outcomes(third)).toEqual({ done: 0, busy: 6 * RATE });
  close();
});

it('large frames cost more than small ones', async () => {
  const { socket, outcomes, close } = connect();
  const envelope = new Uint8Array(2 ** 20);
  for (let id = 0; id < 5; id++)
    socket.emit('message', encodeClientFrame({ kind: 'publish', id, envelope }), true);
  // 33 each, of 30 and 30 more that may be owed; what it takes to refuse their contents is what is paid for.
  await expect.poll(() => outcomes().busy).toBe(4);
  close();
});

it('a history costs what is looked at for it, though nothing is found', async () => {
  const lookedAt = { value: 0 };
  const { clock, socket, outcomes, close } = connect({
    byTopics: async () => ({ envelopes: [], cursor: new Uint8Array(0), lookedAt: lookedAt.value }),
  });
  let id = 0;
  const ask = async () => {
    const range = { from: 0, to: 1, limit: 10, cursor: new Uint8Array(0), topics: [] };
    socket.emit('message', encodeClientFrame({ kind: 'history', id: id++, ...range }), true);
    await rest();
  };
  // Five each, of thirty.
  for (let i = 0; i < 6; i++) await ask();
  expect(socket.paused).toBe(false);
  clock.advance(10_000);
  lookedAt.value = 20_000;
  for (let i = 0; i < 3; i++) await ask();
  expect(socket.paused).toBe(true);
  expect(outcomes().busy).toBe(0);
  close();
});

it('a client that says nothing for a minute is let go; one that has said anything is not', () => {
  const { clock, connectFrom, ping, close } = connect();
  const [silent, talker] = [connectFrom('192.0.2.3'), connectFrom('192.0.2.3')];
  ping(1, talker);
  clock.advance(59_999);
  expect([silent?.closedWith, talker?.closedWith]).toEqual([undefined, undefined]);
  clock.advance(1);
  expect([silent?.closedWith, talker?.closedWith]).toEqual([1008, undefined]);
  close();
});

it('clients of one address that take nothing are let go for what they leave together', () => {
  const { connectFrom, ping, close } = connect();
  const sleepers = Array.from({ length: 8 }, () => connectFrom('192.0.2.4'));
  const MEGABYTES = 2 ** 20;
  for (const sleeper of sleepers) sleeper.bufferedAmount = 9 * MEGABYTES;
  const other = connectFrom('192.0.2.5');
  other.bufferedAmount = 9 * MEGABYTES;
  ping(1, sleepers[0]);
  ping(1, other);
  return expect
    .poll(() => [sleepers[0]?.closedWith, other.closedWith])
    .toEqual([1013, undefined])
    .then(close);
});
