import { createPortableProvider } from '@sotto/crypto';
import { EnvelopePool } from '@sotto/whisper-transport';
import { encodeClientFrame } from '@sotto/whisper-transport/relay-protocol';
import { expect, it } from 'vitest';
import type { WebSocket } from 'ws';
import { RelayServer } from '../src/relay/relay-server.js';
import { PretendSocket } from './pretend-socket.js';

const RATE = 10;

/** A clock that is moved by hand. */
function steeredClock() {
  let now = 0;
  const timers = new Set<{ at: number; run: () => void }>();
  return {
    now: () => now,
    after(milliseconds: number, run: () => void) {
      const timer = { at: now + milliseconds, run };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    advance(milliseconds: number) {
      now += milliseconds;
      for (const timer of [...timers]) {
        if (timer.at > now) continue;
        timers.delete(timer);
        timer.run();
      }
    },
  };
}

function connect() {
  const clock = steeredClock();
  const pool = new EnvelopePool({ crypto: createPortableProvider(), clock });
  const logger = { debug() {}, info() {}, warn() {}, error() {} };
  const limits = { maxTopics: 10, rate: RATE, pageSize: 10 };
  const relay = new RelayServer({ pool, archive: undefined, clock, logger, limits });
  const socket = new PretendSocket();
  relay.accept(socket as unknown as WebSocket);
  let id = 0;
  return {
    clock,
    socket,
    ping(times: number) {
      for (let i = 0; i < times; i++)
        socket.emit('message', encodeClientFrame({ kind: 'ping', id: id++ }), true);
    },
    outcomes() {
      const kinds = socket.frames.map((frame) => (frame.kind === 'refused' ? frame.code : frame.kind));
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
  await expect.poll(outcomes).toEqual({ done: 5 * RATE, busy: 0 });
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
  await expect.poll(outcomes).toEqual({ done: 6 * RATE, busy: 94 * RATE });
  expect(socket.paused).toBe(true);
  clock.advance(3_000);
  expect(socket.paused).toBe(false);
  ping(1);
  await expect.poll(outcomes).toEqual({ done: 6 * RATE + 1, busy: 94 * RATE });
  close();
});

it('a client that has gone is not read from again', () => {
  const { clock, socket, ping, close } = connect();
  ping(4 * RATE);
  close();
  clock.advance(10_000);
  expect(socket.paused).toBe(true);
});
