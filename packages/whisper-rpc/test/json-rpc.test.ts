import { defaultProvider } from '@sotto/crypto';
import { manualClock, rest } from '@sotto/testing/clock';
import { loadVectors } from '@sotto/testing/vectors';
import { backOffDelay, DEFAULT_BACK_OFF } from '@sotto/whisper-transport/internal';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JsonRpcHttp } from '../src/json-rpc/http-client.js';
import { parseServerMessage } from '../src/json-rpc/message.js';
import { refusalOf } from '../src/json-rpc/refusal.js';
import { JsonRpcWebSocket } from '../src/json-rpc/web-socket-client.js';
import { type Answer, refusal, result, scriptedServer } from './scripted-socket.js';

const { randomBytes } = defaultProvider();
const { cases: conversation } = loadVectors('whisper-rpc');

function setup(answer: Answer) {
  const clock = manualClock();
  const server = scriptedServer(answer);
  const settings = {
    url: 'ws://127.0.0.1:8546',
    clock,
    random: randomBytes,
    callTimeout: 1_000,
    maxAnswerLength: 10_000,
    backOff: DEFAULT_BACK_OFF,
  };
  const events: string[] = [];
  const socket = new JsonRpcWebSocket(settings, server.webSocket, {
    onLost: () => events.push('lost'),
    onReconnected: () => events.push('reconnected'),
  });
  return { clock, server, settings, events, socket, http: new JsonRpcHttp(settings, server.fetch) };
}

/** Plays the part of the recorded node. */
function recorded(): Answer {
  const left = [...conversation];
  return ({ id, method, params }, socket) => {
    const turn = left.shift();
    expect({ method, params }).toEqual({ method: turn?.request?.method, params: turn?.request?.params });
    while (left[0]?.notification !== undefined) {
      const { notification } = left.shift() ?? {};
      setImmediate(() => socket?.say(JSON.stringify(notification)));
    }
    return JSON.stringify({ ...turn?.response, id });
  };
}

describe('the recorded conversation with a real node', () => {
  it.each(['socket', 'http'] as const)('is understood over %s', async (kind) => {
    const { [kind]: rpc, socket } = setup(recorded());
    if (kind === 'socket') await socket.open();
    const notified: unknown[] = [];
    for (const { request, response } of conversation) {
      if (request === undefined || response === undefined) continue;
      const { method, params } = request;
      const call =
        rpc instanceof JsonRpcWebSocket && method === 'shh_subscribe'
          ? rpc.subscribe('shh', params, (value) => notified.push(value))
          : rpc.call(method, params);
      if (response.error === undefined) expect(await call).toEqual(response.result);
      else await expect(call).rejects.toMatchObject({ code: 'TRANSPORT_REFUSED' });
    }
    await rest();
    const expected = conversation.flatMap(({ notification }) => notification?.params.result ?? []);
    expect(notified).toEqual(kind === 'socket' ? expected : []);
    rpc.close();
    socket.close();
  });

  it('refusals say what to do', () => {
    const messages = conversation.flatMap(({ request, response }) =>
      response?.error === undefined || request === undefined
        ? []
        : [refusalOf(request.method, response.error).message],
    );
    expect(messages).toContainEqual(expect.stringMatching(/PoW too low.*Raise powTarget/));
    expect(messages).toContainEqual(expect.stringMatching(/specified pow time.*Raise powTime/));
    expect(messages).toContainEqual(expect.stringMatching(/shh_noSuchMethod.*geth --shh/));
  });
});

describe('JSON-RPC over a WebSocket', () => {
  it('matches answers to calls by id', async () => {
    const asked: number[] = [];
    const { socket, server } = setup(({ id }) => {
      asked.push(id);
      return undefined;
    });
    await socket.open();
    const calls = [socket.call('a', []), socket.call('b', []), socket.call('c', [])];
    for (const id of [...asked].reverse()) server.sockets[0]?.say(result(id, id));
    expect(await Promise.all(calls)).toEqual(asked);
    socket.close();
  });

  it('a call without an answer: TIMEOUT, and the late answer is ignored', async () => {
    let silent = true;
    const { socket, server, clock, events } = setup(({ id }) => (silent ? undefined : result(id, 'now')));
    await socket.open();
    const call = expect(socket.call('shh_post', [])).rejects.toMatchObject({
      code: 'TIMEOUT',
      details: { what: 'shh_post', milliseconds: 1_000 },
    });
    await clock.advanceAndRest(1_000);
    await call;
    server.sockets[0]?.say(result(1, 'late'));
    silent = false;
    expect(await socket.call('shh_version', [])).toBe('now');
    expect(events).toEqual([]);
    expect(clock.next()).toBeUndefined();
    socket.close();
  });

  it.each([
    ['malformed JSON', '{"jsonrpc":'],
    ['huge JSON', JSON.stringify({ jsonrpc: '2.0', id: 1, result: 'x'.repeat(10_000) })],
    ['an array', '[]'],
    ['an answer to no call', '{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"parse error"}}'],
    ['an error that is not an object', '{"jsonrpc":"2.0","id":1,"error":7}'],
    ['bytes', new Uint8Array(4)],
  ])('%s: calls fail with TRANSPORT_UNAVAILABLE, and the connection is made anew', async (_, text) => {
    const { socket, server, clock, events } = setup(() => undefined);
    await socket.open();
    const call = expect(socket.call('shh_version', [])).rejects.toMatchObject({
      code: 'TRANSPORT_UNAVAILABLE',
    });
    server.sockets[0]?.say(text);
    await call;
    expect(server.sockets[0]?.closed).toBe(true);
    await clock.advanceAndRest(DEFAULT_BACK_OFF.first);
    expect(events).toEqual(['lost', 'reconnected']);
    socket.close();
  });

  it('back-off with a ceiling: a node that stays away is asked every 15 to 30 s', async () => {
    const { socket, server, clock } = setup(() => undefined);
    await socket.open();
    server.down = true;
    server.cut();
    const waits: number[] = [];
    for (let failure = 1; failure <= 12; failure++) {
      const wait = clock.next() ?? 0;
      const longest = Math.min(30_000, 250 * 2 ** (failure - 1));
      expect(wait).toBeGreaterThanOrEqual(longest / 2);
      expect(wait).toBeLessThanOrEqual(longest);
      waits.push(wait);
      await clock.advanceAndRest(wait);
    }
    expect(server.tries).toBe(13);
    server.down = false;
    await clock.advanceAndRest(30_000);
    expect(server.sockets.length).toBeGreaterThan(0);
    socket.close();
    expect(clock.next()).toBeUndefined();
  });

  it('a server that accepts the connection and never opens it: TIMEOUT', async () => {
    const { socket, server, clock } = setup(() => undefined);
    server.mute = true;
    const opening = expect(socket.open()).rejects.toMatchObject({ code: 'TIMEOUT' });
    await clock.advanceAndRest(1_000);
    await opening;
    server.sockets[0]?.emit('open');
    await expect(socket.call('shh_version', [])).rejects.toMatchObject({ code: 'TRANSPORT_UNAVAILABLE' });
    socket.close();
  });

  it('unreachable: TRANSPORT_UNAVAILABLE', async () => {
    const { socket, server } = setup(() => undefined);
    server.down = true;
    await expect(socket.open()).rejects.toMatchObject({ code: 'TRANSPORT_UNAVAILABLE' });
  });

  it('ends a call whose caller aborts, and all of them when it is closed', async () => {
    const { socket, clock } = setup(() => undefined);
    await socket.open();
    const controller = new AbortController();
    const aborted = expect(socket.call('a', [], controller)).rejects.toMatchObject({ code: 'ABORTED' });
    controller.abort();
    await aborted;
    const closed = expect(socket.call('b', [])).rejects.toMatchObject({ code: 'CLOSED' });
    socket.close();
    socket.close();
    await closed;
    await expect(socket.call('c', [])).rejects.toMatchObject({ code: 'CLOSED' });
    expect(clock.next()).toBeUndefined();
  });
});

describe('JSON-RPC over HTTP', () => {
  it.each([
    ['malformed JSON', 'hello'],
    ['huge JSON', JSON.stringify({ jsonrpc: '2.0', id: 1, result: 'x'.repeat(10_000) })],
    ['an answer to another call', result(7, true)],
    ['nothing', ''],
  ])('%s: TRANSPORT_UNAVAILABLE', async (_, text) => {
    const { http, clock } = setup(() => text);
    await expect(http.call('shh_version', [])).rejects.toMatchObject({ code: 'TRANSPORT_UNAVAILABLE' });
    expect(clock.next()).toBeUndefined();
  });

  it('an endless answer is read no further than the limit', async () => {
    const { settings } = setup(() => undefined);
    let pulls = 0;
    const endless = async () =>
      new Response(
        new ReadableStream({
          pull(controller) {
            pulls++;
            controller.enqueue(new Uint8Array(1_000).fill(32));
          },
        }),
      );
    const http = new JsonRpcHttp(settings, endless);
    await expect(http.call('shh_version', [])).rejects.toMatchObject({ code: 'TRANSPORT_UNAVAILABLE' });
    expect(pulls).toBeLessThan(20);
  });

  it('an error of the server: TRANSPORT_UNAVAILABLE', async () => {
    const { settings } = setup(() => undefined);
    const http = new JsonRpcHttp(settings, async () => new Response('Bad Gateway', { status: 502 }));
    await expect(http.call('shh_version', [])).rejects.toMatchObject({
      code: 'TRANSPORT_UNAVAILABLE',
      details: { reason: 'it answers with status 502' },
    });
  });

  it('a call that never answers: TIMEOUT, even when fetch does not heed its signal', async () => {
    const { settings, clock } = setup(() => undefined);
    const http = new JsonRpcHttp(settings, () => new Promise(() => {}));
    const call = expect(http.call('shh_version', [], { extraTime: 500 })).rejects.toMatchObject({
      code: 'TIMEOUT',
      details: { milliseconds: 1_500 },
    });
    await clock.advanceAndRest(1_500);
    await call;
  });

  it('ends a call whose caller aborts, and all of them when it is closed', async () => {
    const { http, clock } = setup(() => undefined);
    const controller = new AbortController();
    const aborted = expect(http.call('a', [], controller)).rejects.toMatchObject({ code: 'ABORTED' });
    controller.abort();
    await aborted;
    const closed = expect(http.call('b', [])).rejects.toMatchObject({ code: 'CLOSED' });
    http.close();
    await closed;
    await expect(http.call('c', [])).rejects.toMatchObject({ code: 'CLOSED' });
    expect(clock.next()).toBeUndefined();
  });
});

describe('what a node says', () => {
  it('is an answer, a notification, or TRANSPORT_UNAVAILABLE', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        try {
          expect(['result', 'error', 'notification']).toContain(parseServerMessage(text, 1_000).kind);
        } catch (error) {
          expect(error).toMatchObject({ code: 'TRANSPORT_UNAVAILABLE' });
        }
      }),
    );
  });

  it('of keys is not repeated in errors', () => {
    const key = '4c'.repeat(32);
    const error = refusalOf('shh_addPrivateKey', { code: -32_000, message: `bad key 0x${key}` });
    expect(JSON.stringify([error.message, error.details])).not.toContain('4c4c');
    const { id, error: nodeError } = JSON.parse(refusal(1, 'x'.repeat(10_000))) as {
      id: number;
      error: { code: number; message: string };
    };
    expect(id).toBe(1);
    expect(refusalOf('shh_post', nodeError).message.length).toBeLessThan(300);
  });

  it('back-off lies between half of the delay and the delay, below the ceiling', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 2_000 }),
        fc.uint8Array({ minLength: 2, maxLength: 2 }),
        (failures, bytes) => {
          const delay = backOffDelay(failures, DEFAULT_BACK_OFF, () => bytes);
          const longest = Math.min(30_000, 250 * 2 ** (failures - 1));
          expect(delay).toBeGreaterThanOrEqual(longest / 2);
          expect(delay).toBeLessThanOrEqual(longest);
        },
      ),
    );
  });
});
