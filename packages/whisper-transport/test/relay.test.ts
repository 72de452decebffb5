import type { CarrierConnection } from '@sotto/core';
import { defaultProvider } from '@sotto/crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { createRelayCarrier, type RelayCarrierOptions } from '../src/relay.js';
import { manualClock, rest } from './manual-clock.js';
import { scriptedRelay, WELCOME } from './scripted-relay.js';

const crypto = defaultProvider();
const topic = Uint8Array.of(1, 2, 3, 4);
const other = Uint8Array.of(5, 6, 7, 8);
const envelope = Uint8Array.of(0xc0, 1, 2, 3);
const url = 'ws://relay.invalid/';

const open: CarrierConnection[] = [];
afterEach(async () => {
  for (const connection of open.splice(0)) await connection.close();
});

function setup(options: Partial<RelayCarrierOptions> = {}) {
  const clock = manualClock();
  const server = scriptedRelay();
  const carrier = createRelayCarrier({
    url,
    webSocket: server.webSocket,
    clock,
    random: crypto.randomBytes,
    ...options,
  });
  const heard: string[] = [];
  const statuses: string[] = [];
  const connect = async (signal?: AbortSignal) => {
    const connection = await carrier.open(
      {
        onEnvelope: (from, bytes, fromHistory) => {
          heard.push(`${from.join('')}: ${bytes.join('')}${fromHistory ? ' archived' : ''}`);
        },
        onStatus: (status) => statuses.push(status),
      },
      signal && { signal },
    );
    open.push(connection);
    return connection;
  };
  return { clock, server, carrier, heard, statuses, connect };
}

/** The outcome of a promise once it has one. */
function outcomeOf(promise: Promise<unknown>): { value: string } {
  const outcome = { value: 'pending' };
  promise.then(
    () => {
      outcome.value = 'done';
    },
    (error) => {
      outcome.value = error.code;
    },
  );
  return outcome;
}

describe('the relay as a carrier', () => {
  it('says what it can do', () => {
    expect(setup().carrier.capabilities).toEqual({
      maxEnvelopeBytes: 2 ** 20,
      history: true,
      minimumPow: 0.002,
    });
    const { capabilities } = setup({ history: false, minimumPow: 1, maxEnvelopeBytes: 1_000 }).carrier;
    expect(capabilities).toEqual({ maxEnvelopeBytes: 1_000, history: false, minimumPow: 1 });
  });

  it.each([
    ['no URL', { url: 'nonsense' }],
    ['another scheme', { url: 'http://localhost' }],
    ['an empty page', { pageSize: 0 }],
  ])('%s: INVALID_ARGUMENT', (_, options) => {
    expect(() => setup(options)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
  });

  it('publishes, subscribes, and delivers what arrives', async () => {
    const { server, heard, statuses, connect } = setup();
    const connection = await connect();
    await connection.subscribe([topic, other]);
    await connection.publish(topic, envelope);
    expect(server.heard('subscribe')).toMatchObject([{ topics: [topic, other] }]);
    expect(server.heard('publish')).toMatchObject([{ envelope }]);
    server.last.say({ kind: 'envelope', topic: other, envelope });
    // A later version may say more.
    server.last.sayRaw(Uint8Array.of(0x99, 1));
    expect(heard).toEqual(['5678: 192123']);
    await connection.close();
    await connection.close();
    expect(statuses).toEqual(['connected', 'closed']);
    expect(server.last.closed).toBe(true);
    for (const late of [connection.publish(topic, envelope), connection.subscribe([])]) {
      await expect(late).rejects.toMatchObject({ code: 'CLOSED' });
    }
  });

  it('unreachable at first: TRANSPORT_UNAVAILABLE, and no retries', async () => {
    const { clock, server, connect } = setup();
    server.down = true;
    await expect(connect()).rejects.toMatchObject({ code: 'TRANSPORT_UNAVAILABLE' });
    await clock.advance(60_000);
    expect(server.tries).toBe(1);
  });

  it.each([
    ['that says nothing: TIMEOUT', undefined, 'TIMEOUT'],
    ['of another version: TRANSPORT_REFUSED', { ...WELCOME, version: 9 }, 'TRANSPORT_REFUSED'],
  ])('a relay %s', async (_, welcome, code) => {
    const { clock, server, connect } = setup();
    server.welcome = welcome;
    const outcome = outcomeOf(connect());
    await clock.advance(10_000);
    await rest();
    expect(outcome.value).toBe(code);
    expect(server.last.closed).toBe(true);
  });

  it('the caller aborts connecting: ABORTED', async () => {
    for (const when of ['opening', 'welcome'] as const) {
      const { server, connect } = setup();
      server.welcome = undefined;
      const controller = new AbortController();
      const outcome = outcomeOf(connect(controller.signal));
      if (when === 'welcome') await rest();
      controller.abort();
      await rest();
      expect([when, outcome.value]).toEqual([when, 'ABORTED']);
      expect(server.last.closed).toBe(true);
    }
  });

  it('a relay that disconnects during a send: sent again with the same envelope, and topics are subscribed to again', async () => {
    const { clock, server, heard, statuses, connect } = setup();
    const connection = await connect();
    await connection.subscribe([topic]);
    server.answer = () => {};
    const outcome = outcomeOf(connection.publish(topic, envelope, { signal: new AbortController().signal }));
    await rest();
    server.down = true;
    server.cut();
    await clock.advance(120_000);
    expect([outcome.value, statuses]).toEqual(['pending', ['connected', 'reconnecting']]);
    // From 250 ms to 30 s.
    expect(server.tries).toBeGreaterThan(8);
    expect(server.tries).toBeLessThan(30);
    // Asked for meanwhile: done when it is back.
    await connection.subscribe([other]);
    server.down = false;
    server.answer = (frame, socket) => socket.say({ kind: 'done', id: frame.id });
    await clock.advance(31_000);
    expect([outcome.value, statuses]).toEqual(['done', ['connected', 'reconnecting', 'connected']]);
    expect(server.heard('publish').map((frame) => frame.envelope)).toEqual([envelope, envelope]);
    expect(server.heard('subscribe').map(({ topics }) => topics)).toEqual([[topic], [other]]);
    server.last.say({ kind: 'envelope', topic: other, envelope });
    expect(heard).toEqual(['5678: 192123']);
  });

  it('away for longer than the offlineTimeout: TRANSPORT_UNAVAILABLE', async () => {
    const { clock, server, connect } = setup({ offlineTimeout: 3_000 });
    const connection = await connect();
    server.down = true;
    server.cut();
    const outcome = outcomeOf(connection.publish(topic, envelope));
    await clock.advance(2_999);
    expect(outcome.value).toBe('pending');
    await clock.advance(2);
    await rest();
    expect(outcome.value).toBe('TRANSPORT_UNAVAILABLE');
  });

  it('aborts a send when the caller does, or the connection is closed', async () => {
    const { server, connect } = setup();
    const connection = await connect();
    server.answer = () => {};
    const controller = new AbortController();
    const given = outcomeOf(connection.publish(topic, envelope, { signal: controller.signal }));
    const waiting = outcomeOf(connection.publish(topic, envelope));
    await rest();
    controller.abort();
    await connection.close();
    await rest();
    expect([given.value, waiting.value]).toEqual(['ABORTED', 'CLOSED']);
  });

  it('a call that never answers: the connection is opened again, and it is sent again', async () => {
    const { clock, server, connect } = setup({ offlineTimeout: 60_000 });
    const connection = await connect();
    const answer = server.answer;
    server.answer = () => {};
    const outcome = outcomeOf(connection.publish(topic, envelope));
    await clock.advance(10_100);
    expect(server.sockets[0]?.closed).toBe(true);
    server.answer = answer;
    await clock.advance(5_000);
    expect([outcome.value, server.sockets.length]).toEqual(['done', 2]);
  });

  it('a relay that has become silent is noticed by its missing answers to pings', async () => {
    const { clock, server, statuses, connect } = setup();
    await connect();
    await clock.advance(95_000);
    expect(server.heard('ping').length).toBe(3);
    expect(statuses).toEqual(['connected']);
    server.answer = () => {};
    await clock.advance(45_000);
    expect(statuses.slice(0, 2)).toEqual(['connected', 'reconnecting']);
  });

  it('refusals: permanent ones are passed on, busy is retried', async () => {
    const { clock, server, connect } = setup();
    const connection = await connect();
    const answer = server.answer;
    for (const code of ['malformed', 'unacceptable', 'limit', 'unsupported'] as const) {
      server.answer = ({ id }, socket) => socket.say({ kind: 'refused', id, code, reason: 'so it is' });
      await expect(connection.publish(topic, envelope)).rejects.toMatchObject({
        code: 'TRANSPORT_REFUSED',
        details: { reason: 'so it is' },
      });
      await expect(connection.subscribe([topic])).rejects.toMatchObject({ code: 'TRANSPORT_REFUSED' });
    }
    let busy = 0;
    server.answer = (frame, socket) => {
      if (++busy < 3) socket.say({ kind: 'refused', id: frame.id, code: 'busy', reason: 'too much at once' });
      else answer(frame, socket);
    };
    const outcome = outcomeOf(connection.publish(topic, envelope));
    await clock.advance(2_000);
    expect([outcome.value, busy, server.sockets.length]).toEqual(['done', 3, 1]);
  });

  it('an envelope that is too large: LIMIT_EXCEEDED, and nothing is sent', async () => {
    const { server, connect } = setup({ maxEnvelopeBytes: 100 });
    const connection = await connect();
    await expect(connection.publish(topic, new Uint8Array(101))).rejects.toMatchObject({
      code: 'LIMIT_EXCEEDED',
      details: { limit: 100, actual: 101 },
    });
    expect(server.heard('publish')).toEqual([]);
  });

  it.each([
    ['a text', 'hello'],
    ['a frame that is cut off', Uint8Array.of(0x81, 1)],
    ['nothing', new Uint8Array(0)],
  ])('a relay that says %s is taken for lost', async (_, said) => {
    const { clock, server, statuses, connect } = setup();
    await connect();
    server.last.sayRaw(said);
    expect(statuses).toEqual(['connected', 'reconnecting']);
    await clock.advance(1_000);
    expect(statuses).toEqual(['connected', 'reconnecting', 'connected']);
  });
});

describe("the relay's history", () => {
  const cursor = Uint8Array.of(7, 7);

  it('is requested page by page, and resolves when the last envelope was accepted', async () => {
    const { server, connect, heard } = setup({ pageSize: 2 });
    const connection = await connect();
    server.answer = (frame, socket) => {
      if (frame.kind !== 'history') return;
      socket.say({ kind: 'archived', id: frame.id, topic, envelope });
      const last = frame.cursor.length > 0;
      socket.say({ kind: 'page', id: frame.id, cursor: last ? new Uint8Array(0) : cursor });
    };
    await connection.history?.([topic, other], 10_500, 20_500);
    expect(server.heard('history')).toMatchObject([
      { from: 10, to: 21, limit: 2, cursor: new Uint8Array(0), topics: [topic, other] },
      { from: 10, to: 21, limit: 2, cursor, topics: [topic, other] },
    ]);
    expect(heard).toEqual(['1234: 192123 archived', '1234: 192123 archived']);
    await connection.history?.([topic], Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY);
    expect(server.heard('history')[2]).toMatchObject({ from: 0, to: 2 ** 32 - 1 });
  });

  it('does not end before its receiver has accepted everything', async () => {
    const { server, carrier } = setup();
    let taken = () => {};
    const connection = await carrier.open({
      onEnvelope: () =>
        new Promise<void>((resolve) => {
          taken = resolve;
        }),
    });
    open.push(connection);
    server.answer = ({ id }, socket) => {
      socket.say({ kind: 'archived', id, topic, envelope });
      socket.say({ kind: 'page', id, cursor: new Uint8Array(0) });
    };
    const outcome = outcomeOf(connection.history?.([topic], 0, 1) as Promise<void>);
    await rest();
    expect(outcome.value).toBe('pending');
    taken();
    await rest();
    expect(outcome.value).toBe('done');
  });

  it('goes on where it was when the connection is lost in the middle', async () => {
    const { clock, server, connect } = setup();
    const connection = await connect();
    let lost = false;
    server.answer = (frame, socket) => {
      if (frame.kind !== 'history') return socket.say({ kind: 'done', id: frame.id });
      if (frame.cursor.length === 0) return socket.say({ kind: 'page', id: frame.id, cursor });
      if (lost) return socket.say({ kind: 'page', id: frame.id, cursor: new Uint8Array(0) });
      lost = true;
      server.cut();
    };
    const outcome = outcomeOf(connection.history?.([topic], 0, 1) as Promise<void>);
    await clock.advance(5_000);
    expect(outcome.value).toBe('done');
    expect(server.heard('history').map((frame) => frame.cursor.length)).toEqual([0, 2, 2]);
  });

  it('a page may take long as long as something arrives', async () => {
    const { clock, server, connect } = setup();
    const connection = await connect();
    server.answer = () => {};
    const outcome = outcomeOf(connection.history?.([topic], 0, 1) as Promise<void>);
    await rest();
    const id = server.heard('history')[0]?.id as number;
    for (let i = 0; i < 5; i++) {
      await clock.advance(9_000);
      server.last.say({ kind: 'archived', id, topic, envelope });
    }
    server.last.say({ kind: 'page', id, cursor: new Uint8Array(0) });
    await rest();
    expect([outcome.value, server.sockets.length]).toEqual(['done', 1]);
  });

  it('a page brings no more than was asked for, and nothing comes that was not asked for', async () => {
    const { clock, server, connect, heard } = setup({ pageSize: 3 });
    const connection = await connect();
    server.answer = () => {};
    const outcome = outcomeOf(connection.history?.([topic], 0, 1) as Promise<void>);
    await rest();
    const id = server.heard('history')[0]?.id as number;
    const archived = { kind: 'archived', id, topic, envelope } as const;
    server.last.say({ ...archived, id: id + 1 });
    expect(heard).toEqual([]);
    for (let i = 0; i < 3; i++) server.last.say(archived);
    expect([heard.length, server.last.closed]).toEqual([3, false]);
    server.last.say(archived);
    expect([heard.length, server.last.closed]).toEqual([3, true]);
    server.answer = (frame, socket) =>
      frame.kind === 'history'
        ? socket.say({ kind: 'page', id: frame.id, cursor: new Uint8Array(0) })
        : socket.say({ kind: 'done', id: frame.id });
    await clock.advance(5_000);
    expect(outcome.value).toBe('done');
  });

  it('a page of large envelopes has an end, too', async () => {
    const { server, carrier } = setup();
    let bytes = 0;
    const connection = await carrier.open({
      onEnvelope: (_, large) => {
        bytes += large.length;
      },
    });
    open.push(connection);
    server.answer = () => {};
    const outcome = outcomeOf(connection.history?.([topic], 0, 1) as Promise<void>);
    await rest();
    const id = server.heard('history')[0]?.id as number;
    const large = new Uint8Array(2 ** 20);
    for (let i = 0; i < 100; i++) server.last.say({ kind: 'archived', id, topic, envelope: large });
    expect([bytes, server.last.closed]).toEqual([32 * 2 ** 20, true]);
    await connection.close();
    await rest();
    expect(outcome.value).toBe('CLOSED');
  });

  it('none there: TRANSPORT_REFUSED; not offered when disabled', async () => {
    const { server, connect } = setup();
    const connection = await connect();
    server.answer = ({ id }, socket) =>
      socket.say({ kind: 'refused', id, code: 'unsupported', reason: 'no archive' });
    await expect(connection.history?.([topic], 0, 1)).rejects.toMatchObject({ code: 'TRANSPORT_REFUSED' });
    expect((await setup({ history: false }).connect()).history).toBeUndefined();
  });
});
