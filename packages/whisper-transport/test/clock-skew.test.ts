import type { Carrier, CarrierHandler, Channel, ClockSkew, KeyPair, SharedKey } from '@sotto/core';
import { defaultProvider } from '@sotto/crypto';
import { describe, expect, it } from 'vitest';
import { createSealedTransport, MAX_CORRECTION_MS } from '../src/index.js';
import { createRelayCarrier } from '../src/relay.js';
import { SkewEstimate } from '../src/sealed/clock-skew.js';
import { decodeEnvelope, type Envelope } from '../src/whisper.js';

import { bus } from './bus.js';
import { scriptedRelay, WELCOME } from './scripted-relay.js';

const crypto = defaultProvider();
const NOW = Date.parse('2026-11-23T12:00:00Z');
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const CHAT: Channel = { kind: 'public', name: 'status' };
const bytesOf = (text: string) => new TextEncoder().encode(text);
const textOf = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

/** A clock that is off by so much, and can be set. */
function clockOff(by: number) {
  return {
    off: by,
    now() {
      return NOW + this.off;
    },
    after(milliseconds: number, run: () => void) {
      const timer = setTimeout(run, milliseconds);
      return () => clearTimeout(timer);
    },
  };
}

describe('what others say of the time', () => {
  const estimateOf = (off: number, kind: 'people' | 'nodes' = 'people') => {
    const told: ClockSkew[] = [];
    const clock = clockOff(off);
    return { clock, told, estimate: new SkewEstimate(clock, kind, (skew) => told.push(skew)) };
  };
  const alive = (age: number) => ({ expiry: (NOW - age) / 1000 + 15, ttl: 15 });

  it('of one node is believed, of several the one in the middle', () => {
    const { estimate, told } = estimateOf(10 * MINUTE);
    estimate.addReading('a', NOW);
    expect([estimate.correction, estimate.now()]).toEqual([10 * MINUTE, NOW]);
    // One of three lies.
    estimate.addReading('b', NOW + 5 * HOUR);
    estimate.addReading('c', NOW + 5_000);
    expect(estimate.correction).toBe(10 * MINUTE - 5_000);
    expect(told[0]).toEqual({ skewMs: 10 * MINUTE, source: 'node', corrected: true });
  });

  it('is not corrected within the transit time, nor beyond a day, which is reported', () => {
    const { estimate, told } = estimateOf(0);
    estimate.addReading('a', NOW - 1_500);
    expect([estimate.correction, told]).toEqual([0, [{ skewMs: 0, source: 'node', corrected: true }]]);
    estimate.addReading('a', NOW + MAX_CORRECTION_MS);
    expect(estimate.correction).toBe(-MAX_CORRECTION_MS);
    estimate.addReading('a', NOW + MAX_CORRECTION_MS + 60_000);
    expect(estimate.correction).toBe(0);
    expect(told.at(-1)).toMatchObject({ corrected: false, skewMs: -MAX_CORRECTION_MS - 60_000 });
    estimate.addReading('a', Number.NaN);
    estimate.addReading('a', NOW);
    expect(told.at(-1)).toEqual({ skewMs: 0, source: 'node', corrected: true });
  });

  it('of two people is not believed, of three it is, and a lie of one changes little', () => {
    const { estimate } = estimateOf(10 * MINUTE);
    estimate.addEnvelope('bob', alive(1_000));
    estimate.addEnvelope('bob', alive(1_000));
    estimate.addEnvelope('carol', alive(1_000));
    expect(estimate.correction).toBe(0);
    estimate.addEnvelope('mallory', alive(-20 * HOUR));
    expect(estimate.correction).toBeGreaterThan(10 * MINUTE - 1);
    expect(estimate.correction).toBeLessThan(11 * MINUTE);
  });

  it('of one person counts once, whatever the number of keys that sign', () => {
    const { estimate } = estimateOf(0);
    for (let key = 0; key < 100; key++) estimate.addEnvelope('mallory', alive(5 * HOUR), `key ${key}`);
    expect(estimate.correction).toBe(0);
    for (const name of ['bob', 'carol']) estimate.addEnvelope(name, alive(1_000), 'key');
    expect(estimate.correction).toBe(0);
  });

  it('of a person whose devices differ is that of the one that is nearer to ours', () => {
    const { estimate } = estimateOf(0);
    for (const name of ['a', 'b', 'c']) {
      estimate.addEnvelope(name, alive(5 * HOUR), 'wrong');
      estimate.addEnvelope(name, alive(1_000), 'right');
    }
    expect(estimate.correction).toBe(0);
  });

  it('of people is not believed against a node', () => {
    const { estimate } = estimateOf(0);
    estimate.addReading('node', NOW);
    for (const name of ['a', 'b', 'c', 'd']) estimate.addEnvelope(name, alive(5 * HOUR));
    expect(estimate.correction).toBe(0);
  });

  it('envelopes that waited while they were alive say nothing', () => {
    const { estimate } = estimateOf(0);
    for (const name of ['a', 'b', 'c', 'd']) estimate.addEnvelope(name, alive(12_000));
    expect(estimate.correction).toBe(0);
  });

  it('of a peer that forwards needs eight envelopes, and finds 14 seconds', () => {
    const { estimate } = estimateOf(14_000, 'nodes');
    for (let i = 0; i < 7; i++) estimate.addEnvelope('peer', alive(500 * i));
    expect(estimate.correction).toBe(0);
    estimate.addEnvelope('peer', alive(1_000));
    expect(estimate.correction).toBeGreaterThanOrEqual(14_000);
    expect(estimate.correction).toBeLessThan(16_000);
  });
});

/** A party whose clock is off, over a relay that does as told. */
async function overRelay(off: number, welcome: object) {
  const scripted = scriptedRelay();
  scripted.welcome = { ...WELCOME, ...welcome } as typeof WELCOME;
  const clock = clockOff(off);
  const told: ClockSkew[] = [];
  const sealed = createSealedTransport(
    createRelayCarrier({
      url: 'ws://relay.example',
      random: crypto.randomBytes,
      clock,
      webSocket: scripted.webSocket,
    }),
    {
      crypto,
      clock,
      policy: { minimumPow: 0 },
    },
  );
  const connection = await sealed.connect({
    identity: crypto.secp256k1.generateKeyPair(),
    onMessage: async () => {},
    onClock: (skew) => told.push(skew),
  });
  const published = () => scripted.heard('publish').map(({ envelope }) => decodeEnvelope(envelope));
  return { scripted, clock, told, connection, published };
}

const sealedAt = ({ expiry, ttl }: Envelope) => (expiry - ttl) * 1000;

describe('a sealed transport whose clock is off', () => {
  it.each([14_000, -14_000, 10 * MINUTE, -10 * MINUTE, 3 * HOUR, -3 * HOUR])(
    'by %i ms seals at the time of the relay, from its greeting on',
    async (off) => {
      const { connection, published, told } = await overRelay(off, { time: NOW });
      await connection.send(CHAT, bytesOf('x'));
      expect(published().map(sealedAt)).toEqual([NOW]);
      expect(told).toEqual([{ skewMs: off, source: 'node', corrected: true }]);
      await connection.close();
    },
  );

  it('seals again when the refusal contains the time, once', async () => {
    const { connection, published, scripted } = await overRelay(10 * MINUTE, {});
    scripted.answer = (frame, socket) => {
      const late = frame.kind === 'publish' && sealedAt(decodeEnvelope(frame.envelope)) > NOW + 10_000;
      if (!late) return socket.say({ kind: 'done', id: frame.id });
      socket.say({ kind: 'time', time: NOW });
      socket.say({
        kind: 'refused',
        id: frame.id,
        code: 'unacceptable',
        reason: 'it was sealed in the future',
      });
    };
    await connection.send(CHAT, bytesOf('x'));
    expect(published().map(sealedAt)).toEqual([NOW + 10 * MINUTE, NOW]);
    await connection.close();
  });

  it('and then set right: the old estimate is replaced after one refusal', async () => {
    const { connection, clock, published, scripted, told } = await overRelay(3 * HOUR, { time: NOW });
    await connection.send(CHAT, bytesOf('x'));
    clock.off = 0;
    scripted.answer = (frame, socket) => {
      if (frame.kind === 'publish' && sealedAt(decodeEnvelope(frame.envelope)) < NOW - HOUR) {
        socket.say({ kind: 'time', time: NOW });
        socket.say({ kind: 'refused', id: frame.id, code: 'unacceptable', reason: 'it has expired' });
      } else socket.say({ kind: 'done', id: frame.id });
    };
    await connection.send(CHAT, bytesOf('y'));
    expect(published().map(sealedAt)).toEqual([NOW, NOW - 3 * HOUR, NOW]);
    expect(told.map(({ skewMs }) => skewMs)).toEqual([3 * HOUR, 0]);
    await connection.close();
  });

  it('set ahead and set right while the relay answers: sealed again, although the estimate is what it was', async () => {
    const { connection, clock, published, scripted } = await overRelay(2 * HOUR, {});
    scripted.answer = (frame, socket) => {
      const early = frame.kind === 'publish' && sealedAt(decodeEnvelope(frame.envelope)) > NOW + 10_000;
      if (!early) return socket.say({ kind: 'done', id: frame.id });
      clock.off = 0;
      socket.say({ kind: 'time', time: NOW });
      socket.say({
        kind: 'refused',
        id: frame.id,
        code: 'unacceptable',
        reason: 'it was sealed in the future',
      });
    };
    await connection.send(CHAT, bytesOf('x'));
    expect(published().map(sealedAt)).toEqual([NOW + 2 * HOUR, NOW]);
    await connection.close();
  });

  it('a refusal for another reason is passed on', async () => {
    const { connection, scripted, published } = await overRelay(0, { time: NOW });
    scripted.answer = (frame, socket) =>
      socket.say({ kind: 'refused', id: frame.id, code: 'unacceptable', reason: 'too little proof of work' });
    await expect(connection.send(CHAT, bytesOf('x'))).rejects.toMatchObject({ code: 'TRANSPORT_REFUSED' });
    expect(published().length).toBe(1);
    await connection.close();
  });

  it.each([
    ['within the bound', 20 * HOUR, 20 * HOUR],
    ['beyond it', 25 * HOUR, 0],
    ['far beyond it', 400 * 24 * HOUR, 0],
  ])('a node that lies %s shifts what is sealed by %i of no more than a day', async (_, lie, shift) => {
    for (const sign of [1, -1]) {
      const { connection, published, told } = await overRelay(0, { time: NOW + sign * lie });
      await connection.send(CHAT, bytesOf('x'));
      expect(published().map(sealedAt)).toEqual([NOW + sign * shift]);
      expect(told).toMatchObject([{ skewMs: -sign * lie, corrected: shift !== 0 }]);
      await connection.close();
    }
  });

  it('asks for the history of the time of the network as well, and never for less than it was asked for', async () => {
    const { connection, scripted } = await overRelay(3 * HOUR, { time: NOW });
    scripted.answer = (frame, socket) =>
      socket.say(
        frame.kind === 'history'
          ? { kind: 'page', id: frame.id, cursor: new Uint8Array(0) }
          : { kind: 'done', id: frame.id },
      );
    await connection.history?.({ channels: [CHAT], from: NOW, to: NOW + HOUR });
    expect(scripted.heard('history')).toMatchObject([
      { from: (NOW - 3 * HOUR) / 1000, to: (NOW + HOUR) / 1000 },
    ]);
    await connection.close();
  });
});

describe('a pipe that reports no time', () => {
  const secretOf = (one: KeyPair, other: KeyPair) =>
    crypto.secp256k1.ecdh(one.privateKey, other.publicKey) as SharedKey;

  /** Alice, whose clock is off, and people who write to her. */
  async function world(off: number) {
    const { carrier, carried } = bus();
    const clock = clockOff(off);
    const texts: string[] = [];
    const told: ClockSkew[] = [];
    const alice = crypto.secp256k1.generateKeyPair();
    const people = Array.from({ length: 4 }, () => crypto.secp256k1.generateKeyPair());
    const options = { crypto, policy: { minimumPow: 0 } };
    const connection = await createSealedTransport(carrier, { ...options, clock }).connect({
      identity: alice,
      onMessage: async ({ payload }) => void texts.push(textOf(payload)),
      onClock: (skew) => told.push(skew),
    });
    const channels = people.map((one): Channel => ({ kind: 'negotiated', secret: secretOf(alice, one) }));
    await connection.subscribe([...channels, CHAT]);
    const others = await Promise.all(
      people.map((identity) =>
        createSealedTransport(carrier, { ...options, clock: clockOff(0) }).connect({
          identity,
          onMessage: async () => {},
        }),
      ),
    );
    const write = (who: number, text: string, channel = channels[who] as Channel) =>
      others[who]?.send(channel, bytesOf(text));
    return { connection, texts, told, write, carried };
  }

  it.each([10 * MINUTE, -10 * MINUTE, 3 * HOUR])('learns it from three people: %i ms', async (off) => {
    const { connection, texts, told, write, carried } = await world(off);
    await write(0, 'one');
    await write(1, 'two');
    expect([texts, told]).toEqual([[], []]);
    await write(2, 'three');
    expect(told).toEqual([{ skewMs: off, source: 'peers', corrected: true }]);
    expect(texts).toEqual(['three']);
    await write(0, 'four');
    expect(texts).toEqual(['three', 'four']);
    // What was passed over before comes with history.
    await connection.history?.({ channels: [], from: 0, to: NOW });
    await connection.send(CHAT, bytesOf('mine'));
    expect(sealedAt(decodeEnvelope(carried.at(-1)?.envelope as Uint8Array))).toBe(NOW);
  });

  it('does not learn it from strangers in a public chat, however many', async () => {
    const { told, write } = await world(10 * MINUTE);
    for (const who of [0, 1, 2, 3]) await write(who, 'hello', CHAT);
    expect(told).toEqual([]);
  });

  it('what arrived at the wrong time does not count as known when history delivers it', async () => {
    const handlers: CarrierHandler[] = [];
    const carrier: Carrier = {
      capabilities: { maxEnvelopeBytes: 2 ** 20, history: true, minimumPow: 0 },
      open: async (handler) => {
        handlers.push(handler);
        return {
          publish: async () => {},
          subscribe: async () => {},
          history: async () => {},
          close: async () => {},
        };
      },
    };
    const { carried, carrier: pipe } = bus();
    const [alice, bob] = [crypto.secp256k1.generateKeyPair(), crypto.secp256k1.generateKeyPair()];
    const channel: Channel = { kind: 'negotiated', secret: secretOf(alice, bob) };
    const options = { crypto, policy: { minimumPow: 0 } };
    const sender = await createSealedTransport(pipe, { ...options, clock: clockOff(0) }).connect({
      identity: bob,
      onMessage: async () => {},
    });
    await sender.send(channel, bytesOf('late'));
    const { topic, envelope } = carried[0] as (typeof carried)[number];
    const texts: string[] = [];
    const connection = await createSealedTransport(carrier, { ...options, clock: clockOff(HOUR) }).connect({
      identity: alice,
      onMessage: async ({ payload, fromHistory }) => void texts.push(`${textOf(payload)} ${fromHistory}`),
    });
    await connection.subscribe([channel]);
    await handlers[0]?.onEnvelope(topic, envelope.slice(), false);
    expect(texts).toEqual([]);
    await handlers[0]?.onEnvelope(topic, envelope.slice(), true);
    expect(texts).toEqual(['late true']);
  });
});
