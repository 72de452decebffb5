import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { encodeHex } from '@sotto/core';
import { defaultProvider } from '@sotto/crypto';
import { repetitions } from '@sotto/testing/long';
import { encodeClientFrame } from '@sotto/whisper-transport/relay-protocol';
import { encodeEnvelope } from '@sotto/whisper-transport/whisper';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { COLLECTS, collectedMegabytes } from './collected-memory.js';
import { sealEnvelope } from './envelopes.js';
import { type NodeProcess, startNode } from './node-process.js';
import { relayClient } from './relay-client.js';
import { callByHttp, postText, rpcOverSocket } from './rpc-client.js';

const crypto = defaultProvider();
let node: NodeProcess;
const closers: (() => unknown)[] = [];
beforeAll(async () => {
  const few = ['--max-connections', '8', '--rpc-filters', '5', '--rpc-body-mb', '1'];
  const free = ['--min-pow', '0', '--relay-rate', '1000000', '--rpc-keys'];
  node = await startNode([...few, ...free], COLLECTS);
});
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
  // A port has room for few; the next test wants all of it.
  await expect.poll(() => node.metric('whisper_node_relay_clients')).toBe(0);
});
afterAll(() => node?.close());

async function client() {
  const one = await relayClient(node.relay);
  closers.push(() => one.socket.terminate());
  return one;
}

/** A bare connection. */
async function plug(url: string): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => {});
  closers.push(() => socket.destroy());
  await once(socket, 'connect');
  return socket;
}

const ended = (socket: Socket) => new Promise<void>((resolve) => socket.once('close', () => resolve()));

describe('connections', () => {
  it('one more than a port may have is closed immediately; other ports are unaffected, and leaving makes room', async () => {
    const there = await Promise.all(Array.from({ length: 8 }, client));
    const surplus = await plug(node.relay);
    await ended(surplus);
    expect((await callByHttp(node.rpc('http'), 'shh_version')).result).toBe('6.0');
    const [leaving, staying] = there;
    staying?.say({ kind: 'ping', id: 1 });
    await staying?.next('done', 1);
    leaving?.socket.terminate();
    await expect.poll(() => node.metric('whisper_node_relay_clients')).toBe(7);
    const late = await client();
    await late.next('welcome');
  });
});

describe('requests', () => {
  it('a body above the limit is refused, with its length said or not, and the next request is answered', async () => {
    const url = node.rpc('http');
    const tooLarge = `"${'x'.repeat(1_100_000)}"`;
    const inPieces = new ReadableStream({
      start(controller) {
        for (let i = 0; i < 11; i++) controller.enqueue(new Uint8Array(100_000));
        controller.close();
      },
    });
    const headers = { 'content-type': 'application/json' };
    const post = (body: string | ReadableStream) =>
      fetch(url, { method: 'POST', headers, body, duplex: 'half' } as RequestInit).then(
        ({ status }) => status,
        // The connection was cut before all was sent.
        () => 413,
      );
    expect([await post(tooLarge), await post(inPieces)]).toEqual([413, 413]);
    expect((await callByHttp(url, 'shh_version')).result).toBe('6.0');
  });

  it('a body in a million pieces takes no more memory than it may have', async () => {
    const before = await collectedMegabytes(node);
    const socket = await plug(node.rpc('http'));
    const head = ['POST / HTTP/1.1', 'host: localhost', 'content-type: application/json'];
    socket.write([...head, 'transfer-encoding: chunked', '', ''].join('\r\n'));
    await new Promise<unknown>((resolve) => socket.write('1\r\n \r\n'.repeat(1_000_000 - 1), resolve));
    expect((await collectedMegabytes(node)) - before).toBeLessThan(20);
  });

  it('a WebSocket message in more pieces than any client makes of it ends the connection', async () => {
    for (const url of [node.relay, node.rpc('ws')]) {
      const socket = new WebSocket(url);
      closers.push(() => socket.terminate());
      await once(socket, 'open');
      const closed = once(socket, 'close');
      for (let i = 0; i < 2_000; i++) socket.send(Uint8Array.of(0), { fin: false });
      expect((await closed)[0]).toBe(1008);
    }
  });

  it('pings without end whose answers are never read end the connection', async () => {
    const socket = new WebSocket(node.relay);
    closers.push(() => socket.terminate());
    socket.on('error', () => {});
    await once(socket, 'open');
    socket.pause();
    const payload = new Uint8Array(125);
    const clients = () => node.metric('whisper_node_relay_clients');
    await expect.poll(clients).toBe(1);
    for (let round = 0; round < 100 && (await clients()) === 1; round++) {
      for (let i = 0; i < 5_000; i++) socket.ping(payload);
      await new Promise<unknown>((resolve) => socket.ping(payload, undefined, resolve));
    }
    await expect.poll(clients).toBe(0);
  }, 60_000);

  it('who goes away in the middle of a request does no harm', async () => {
    const head =
      'POST / HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{';
    for (const url of [node.rpc('http'), node.relay, node.admin]) {
      const socket = await plug(url);
      socket.write(head);
      // Its request is being read when it goes.
      await callByHttp(node.rpc('http'), 'shh_version');
      socket.resetAndDestroy();
    }
    const half = await plug(node.relay);
    half.write('GET / HTTP/1.1\r\nhost: localhost\r\nupgrade: websocket\r\nconnection: upgrade\r\n');
    half.resetAndDestroy();
    expect((await callByHttp(node.rpc('http'), 'shh_version')).result).toBe('6.0');
    expect((await fetch(`${node.admin}/health`)).status).toBe(200);
  });

  it.each([
    ['no HTTP', 'hello\r\n\r\n'],
    ['a head without end', `GET / HTTP/1.1\r\n${'x-y: z\r\n'.repeat(10_000)}`],
    ['two lengths', 'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nx'],
  ])('%s: the connection is closed', async (_, text) => {
    for (const url of [node.rpc('http'), node.relay, node.admin]) {
      const socket = await plug(url);
      socket.resume();
      const closed = ended(socket);
      socket.write(text);
      await closed;
    }
    expect((await fetch(`${node.admin}/health`)).status).toBe(200);
  });
});

describe('filters', () => {
  it('one more than allowed is refused with what to do; a deleted one makes room', async () => {
    const url = node.rpc('http');
    const { result: symKeyID } = await callByHttp(url, 'shh_newSymKey');
    const install = () => callByHttp(url, 'shh_newMessageFilter', { symKeyID, topics: ['0x01020304'] });
    const installed = [];
    for (let i = 0; i < 5; i++) installed.push((await install()).result);
    expect((await install()).error?.message).toBe('no more than 5 filters here; delete some');
    for (const id of installed) {
      expect((await callByHttp(url, 'shh_deleteMessageFilter', id)).result).toBe(true);
    }
    const { result } = await install();
    expect(result).toMatch(/^[0-9a-f]{64}$/);
    await callByHttp(url, 'shh_deleteMessageFilter', result);
  });
});

describe('origins', () => {
  it.each([
    ['https://evil.example', false],
    ['null', false],
    ['file://', false],
    ['https://localhost.evil.example', false],
    ['http://127.0.0.1.evil.example', false],
    ['http://localhost:5173', true],
    ['http://[::1]:8080', true],
  ])('of a page of %s: the relay lets it in: %s', async (origin, welcome) => {
    const socket = new WebSocket(node.relay, { headers: { origin } });
    closers.push(() => socket.terminate());
    socket.on('error', () => {});
    const outcome = await Promise.race([
      once(socket, 'open').then(() => true),
      once(socket, 'unexpected-response').then(() => false),
    ]);
    expect(outcome).toBe(welcome);
    // JSON-RPC, with its keys, lets no page in unless told.
    const { status } = await postText(node.rpc('http'), '{}', { origin });
    expect(status).toBe(403);
  });

  it('an allowed page gets the CORS header, and no other', async () => {
    const open = await startNode(['--rpc-origins', 'https://chat.example']);
    try {
      const ask = (origin: string) =>
        fetch(open.rpc('http'), {
          method: 'OPTIONS',
          headers: { origin, 'access-control-request-method': 'POST' },
        });
      const allowed = await ask('https://chat.example');
      expect(allowed.headers.get('access-control-allow-origin')).toBe('https://chat.example');
      const refused = await ask('https://other.example');
      expect([refused.status, refused.headers.get('access-control-allow-origin')]).toEqual([403, null]);
    } finally {
      await open.close();
    }
  });
});

describe('a client that never reads', () => {
  const TOPIC = Uint8Array.of(9, 9, 9, 9);
  /** Of a large envelope, what is its own. */
  const nameOf = (envelope: Uint8Array) => encodeHex(envelope.subarray(0, 80));
  /** One that nobody works for. */
  const large = () => {
    const expiry = Math.floor(Date.now() / 1000) + 15;
    const data = new Uint8Array(500_000);
    data.set(crypto.randomBytes(32));
    return encodeEnvelope({ expiry, ttl: 15, topic: TOPIC, data, nonce: 0n });
  };

  /** Shakes hands as a WebSocket, says what it is told, and then takes nothing more. */
  async function deaf(url: string, say: Uint8Array | string) {
    const socket = new WebSocket(url.replace('http', 'ws'));
    socket.on('error', () => {});
    closers.push(() => socket.terminate());
    await once(socket, 'open');
    socket.send(say);
    return { pause: () => socket.pause() };
  }

  it('of the relay: is let go, with memory bounded, and the others get everything', async () => {
    const [publisher, reader] = [await client(), await client()];
    const subscription = { kind: 'subscribe', id: 1, topics: [TOPIC] } as const;
    reader.say(subscription);
    await reader.next('done', 1);
    const sleeper = await deaf(node.relay, encodeClientFrame(subscription));
    await expect
      .poll(() => node.metric('whisper_node_relay_frames_total{kind="subscribe",outcome="done"}'))
      .toBe(2);
    sleeper.pause();
    const unread = () =>
      node.metric('whisper_node_relay_frames_total{kind="envelope",outcome="unread"}').catch(() => 0);
    const before = await collectedMegabytes(node);
    const sent: string[] = [];
    // Far more than the kernel and the node keep for one client.
    while (sent.length < 200 && (await unread()) === 0) {
      const envelope = large();
      expect((await publisher.publish(envelope)).kind).toBe('done');
      sent.push(nameOf(envelope));
    }
    expect(await unread()).toBe(1);
    await expect.poll(() => node.metric('whisper_node_relay_clients')).toBe(2);
    const heard = () =>
      reader.frames.flatMap((frame) => (frame.kind === 'envelope' ? [nameOf(frame.envelope)] : []));
    await expect.poll(() => heard().length).toBe(sent.length);
    expect(heard()).toEqual(sent);
    // What is alive is in the pool, once however many listen; the rest is the queue that was let go.
    const alive = (await node.metric('whisper_node_pool_bytes')) / 1e6;
    expect((await collectedMegabytes(node)) - before).toBeLessThan(2 * alive + 30);
  });

  it('of JSON-RPC: is let go, and its subscriptions with it', async () => {
    const url = node.rpc('http');
    const { result: symKeyID } = await callByHttp(url, 'shh_newSymKey');
    const params = ['messages', { symKeyID, topics: ['0x0a0a0a0a'] }];
    const call = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'shh_subscribe', params });
    const sleeper = await deaf(url, call);
    await expect.poll(() => node.metric('whisper_node_rpc_filters')).toBe(1);
    sleeper.pause();
    const other = await rpcOverSocket(node.rpc('ws'));
    closers.push(() => other.close());
    const payload = `0x${'ab'.repeat(400_000)}`;
    const message = { symKeyID, topic: '0x0a0a0a0a', payload, ttl: 20, powTarget: 0, powTime: 1 };
    for (let i = 0; i < 200 && (await node.metric('whisper_node_rpc_filters')) > 0; i++) {
      expect((await other.call('shh_post', message)).error).toBeUndefined();
    }
    expect(await node.metric('whisper_node_rpc_filters')).toBe(0);
    expect((await other.call('shh_version')).result).toBe('6.0');
  });
});

describe('garbage', () => {
  /** More of it with SOTTO_LONG, as CI sets it. */
  const COUNT = repetitions(20_000, 30_000);

  it(`${COUNT} envelopes of it: each refused, the heap flat, and a good one still goes through`, async () => {
    const [loud, quiet] = [await client(), await client()];
    const topic = crypto.randomBytes(4);
    const expired = await sealEnvelope({ topic, expiry: 1_000_000_000 });
    quiet.say({ kind: 'subscribe', id: 1, topics: [topic] });
    const kinds = [
      (i: number) => crypto.randomBytes(1 + (i % 400)),
      () => expired,
      // A list that says it is longer than it is.
      () => Uint8Array.of(0xf9, 0xff, 0xff, 0x84, 1, 2, 3, 4),
      () => new Uint8Array(300).fill(0xc1),
    ];
    /** So much of it; resolves when the last is answered. */
    const flood = async (count: number) => {
      for (let i = 0; i < count; i++) {
        const envelope = kinds[i % kinds.length]?.(i) as Uint8Array;
        if (i % 1_000 !== 999) loud.say({ kind: 'publish', id: 1, envelope });
        else expect(await loud.publish(envelope)).toMatchObject({ kind: 'refused', code: 'unacceptable' });
        if (i % 1_000 === 999) loud.frames.length = 0;
      }
    };
    await flood(COUNT / 10);
    const before = await collectedMegabytes(node);
    await flood(COUNT);
    expect((await collectedMegabytes(node)) - before).toBeLessThan(5);
    const refused = 'whisper_node_relay_frames_total{kind="publish",outcome="unacceptable"}';
    expect(await node.metric(refused)).toBe(COUNT + COUNT / 10);
    const good = await sealEnvelope({ topic, idle: true });
    expect((await quiet.publish(good)).kind).toBe('done');
    expect((await quiet.next('envelope')).envelope).toEqual(good);
  });
});
