import { once } from 'node:events';
import { createInbox } from '@sotto/compliance/inbox';
import { defaultProvider } from '@sotto/crypto';
import { createSealedTransport } from '@sotto/whisper-transport';
import { createRelayCarrier } from '@sotto/whisper-transport/relay';
import { decodeEnvelope } from '@sotto/whisper-transport/whisper';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { sealEnvelope } from './envelopes.js';
import { type NodeProcess, startNode } from './node-process.js';
import { relayClient } from './relay-client.js';

const crypto = defaultProvider();
const bytesOf = (text: string) => new TextEncoder().encode(text);
const now = () => Math.floor(Date.now() / 1000);
const topic = Uint8Array.of(1, 2, 3, 4);

let node: NodeProcess;
const closers: (() => unknown)[] = [];

beforeAll(async () => {
  node = await startNode(['--relay-rate', '1000', '--relay-topics', '20']);
});
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});
afterAll(() => node?.close());

async function rawClient(headers: Record<string, string> = {}) {
  const client = await relayClient(node.relay, headers);
  closers.push(() => client.socket.terminate());
  return client;
}

async function join(identity = crypto.secp256k1.generateKeyPair()) {
  const box = createInbox(identity);
  const connection = await createSealedTransport(
    createRelayCarrier({ url: node.relay, backOff: { first: 50, most: 500 } }),
    {
      crypto,
    },
  ).connect(box.party);
  closers.push(() => connection.close());
  return { ...box, connection };
}

describe('the relay of the node', () => {
  it('carries messages between two, and stores them for latecomers', async () => {
    const [alice, bob] = [await join(), await join()];
    const channel = { kind: 'public', name: 'through-the-relay' } as const;
    await bob.connection.subscribe([channel]);
    await alice.connection.send(channel, bytesOf('one'));
    await alice.connection.send(channel, bytesOf('two'));
    await bob.count(2);
    expect(bob.texts().sort()).toEqual(['one', 'two']);
    const carol = await join();
    await carol.connection.history?.({ channels: [channel], from: Date.now() - 60_000, to: Date.now() });
    // Not listened to: nothing is opened.
    expect(carol.texts()).toEqual([]);
    await carol.connection.subscribe([channel]);
    await carol.connection.history?.({ channels: [channel], from: Date.now() - 60_000, to: Date.now() });
    expect(carol.texts().sort()).toEqual(['one', 'two']);
  });

  it('says what it asks for and has', async () => {
    const { next } = await rawClient();
    expect(await next('welcome')).toEqual({
      kind: 'welcome',
      version: 1,
      history: true,
      minimumPow: 0.002,
      maxEnvelopeBytes: 2 ** 20,
      maxTopics: 20,
      time: expect.any(Number),
    });
  });

  it('delivers each envelope once, also to its publisher, and those still alive to later subscribers', async () => {
    const alice = await rawClient();
    const own = crypto.randomBytes(4);
    const envelope = await sealEnvelope({ topic: own });
    alice.say({ kind: 'subscribe', id: 1, topics: [own] });
    alice.say({ kind: 'publish', id: 2, envelope });
    alice.say({ kind: 'publish', id: 3, envelope });
    await alice.next('done', 2);
    // The same again is harmless.
    await alice.next('done', 3);
    expect(await alice.next('envelope')).toEqual({ kind: 'envelope', topic: own, envelope });
    const bob = await rawClient();
    bob.say({ kind: 'subscribe', id: 1, topics: [own] });
    expect((await bob.next('envelope')).envelope).toEqual(envelope);
    bob.say({ kind: 'subscribe', id: 2, topics: [own, topic] });
    bob.say({ kind: 'subscribe', id: 3, topics: [] });
    bob.say({ kind: 'ping', id: 4 });
    alice.say({ kind: 'publish', id: 5, envelope: await sealEnvelope({ topic: own }) });
    await alice.next('envelope');
    bob.say({ kind: 'ping', id: 6 });
    await bob.next('done', 6);
    expect([...alice.frames, ...bob.frames].filter(({ kind }) => kind === 'envelope')).toEqual([]);
  });

  it.each([
    ['TTL 0 (infinite work)', () => sealEnvelope({ topic, ttl: 0 }), 'no time to live'],
    [
      'TTL above the ceiling',
      () => sealEnvelope({ topic, ttl: 301, expiry: now() + 301 }),
      'more than 300 s',
    ],
    ['expiry before TTL', () => sealEnvelope({ topic, expiry: 5 }), 'before it can have been sealed'],
    ['more than 10 s in the future', () => sealEnvelope({ topic, expiry: now() + 60 }), 'in the future'],
    ['expired', () => sealEnvelope({ topic, expiry: now() - 5 }), 'expired'],
    ['too little work', () => sealEnvelope({ topic, idle: true }), 'proof of work'],
    ['no envelope at all', async () => Uint8Array.of(1, 2, 3), 'not a list'],
  ])('%s: refused as unacceptable', async (_, envelope, reason) => {
    const client = await rawClient();
    client.say({ kind: 'publish', id: 9, envelope: await envelope() });
    const refused = await client.next('refused', 9);
    expect(refused).toMatchObject({ code: 'unacceptable' });
    expect(refused.reason).toContain(reason);
  });

  it('over 1 MiB: the connection is closed before it is read', async () => {
    const { socket, closed } = await rawClient();
    socket.send(new Uint8Array(2 ** 20 + 1_000));
    expect(await closed).toBe(1009);
  });

  it('exactly 1 MiB goes through, one byte more is refused', async () => {
    const client = await rawClient();
    const own = crypto.randomBytes(4);
    const large = await sealEnvelope({ topic: own, size: 2 ** 20 });
    expect(large.length).toBe(2 ** 20);
    client.say({ kind: 'subscribe', id: 1, topics: [own] });
    client.say({ kind: 'publish', id: 2, envelope: large });
    expect((await client.next('envelope')).envelope.length).toBe(2 ** 20);
    client.say({ kind: 'publish', id: 3, envelope: new Uint8Array(2 ** 20 + 1) });
    expect(await client.next('refused', 3)).toMatchObject({ code: 'limit' });
  });

  it.each([
    ['a text', 'hello'],
    ['an unknown type', Uint8Array.of(0x55, 0, 0, 0, 1)],
    ['a frame that is cut off', Uint8Array.of(0x01, 0)],
    ['part of a topic', Uint8Array.of(0x02, 0, 0, 0, 1, 9, 9)],
  ])('%s: refused as malformed, and the connection is closed', async (_, frame) => {
    const { socket, closed, next } = await rawClient();
    socket.send(frame);
    expect(await next('refused')).toMatchObject({ code: 'malformed', id: 0 });
    expect(await closed).toBe(1002);
  });

  it('more topics than allowed: refused, the subscription stays as it was', async () => {
    const client = await rawClient();
    const own = crypto.randomBytes(4);
    client.say({ kind: 'subscribe', id: 1, topics: [own] });
    const topics = Array.from({ length: 21 }, () => crypto.randomBytes(4));
    client.say({ kind: 'subscribe', id: 2, topics });
    expect(await client.next('refused', 2)).toMatchObject({ code: 'limit' });
    client.say({ kind: 'history', id: 3, from: 0, to: 1, limit: 1, cursor: new Uint8Array(0), topics });
    expect(await client.next('refused', 3)).toMatchObject({ code: 'limit' });
    client.say({ kind: 'publish', id: 4, envelope: await sealEnvelope({ topic: own }) });
    await client.next('envelope');
  });

  it('a history arrives page by page, each envelope once, whatever else is archived meanwhile', async () => {
    const client = await rawClient();
    const topics = [crypto.randomBytes(4), crypto.randomBytes(4)];
    const envelopes = await Promise.all(
      Array.from({ length: 25 }, (_, i) => sealEnvelope({ topic: topics[i % 2] as Uint8Array })),
    );
    for (const [i, envelope] of envelopes.entries()) client.say({ kind: 'publish', id: i, envelope });
    await client.next('done', 24);
    const got: string[] = [];
    let cursor = new Uint8Array(0) as Uint8Array;
    let pages = 0;
    do {
      client.say({
        kind: 'history',
        id: 100 + pages,
        from: now() - 60,
        to: now() + 10,
        limit: 4,
        cursor,
        topics,
      });
      ({ cursor } = await client.next('page', 100 + pages));
      pages++;
      for (const frame of client.frames.splice(0)) {
        if (frame.kind !== 'archived') continue;
        expect(decodeEnvelope(frame.envelope).topic).toEqual(frame.topic);
        got.push(Buffer.from(frame.envelope).toString('hex'));
      }
      client.say({ kind: 'publish', id: 200 + pages, envelope: await sealEnvelope({ topic }) });
    } while (cursor.length > 0);
    expect(got.sort()).toEqual(envelopes.map((envelope) => Buffer.from(envelope).toString('hex')).sort());
    expect(pages).toBeGreaterThan(6);
    client.say({
      kind: 'history',
      id: 1,
      from: 0,
      to: now() - 3_600,
      limit: 4,
      cursor: new Uint8Array(0),
      topics,
    });
    await client.next('page', 1);
    expect(client.frames.filter(({ kind }) => kind === 'archived')).toEqual([]);
    client.say({ kind: 'history', id: 2, from: 0, to: 1, limit: 4, cursor: Uint8Array.of(1), topics });
    expect(await client.next('refused', 2)).toMatchObject({ code: 'unacceptable' });
  });

  it('pages of other origins are refused; those of this machine, and clients that are not pages, are accepted', async () => {
    const refused = async (headers: Record<string, string>) => {
      const socket = new WebSocket(node.relay, { headers });
      socket.on('error', () => {});
      const [, response] = (await once(socket, 'unexpected-response')) as [unknown, { statusCode: number }];
      socket.terminate();
      return response.statusCode;
    };
    expect(await refused({ origin: 'https://evil.example' })).toBe(403);
    expect(await refused({ origin: 'null' })).toBe(403);
    // DNS rebinding: the page's own name leads here.
    expect(await refused({ host: 'evil.example' })).toBe(403);
    for (const origin of ['http://localhost:5173', 'http://127.0.0.1']) {
      const { next } = await rawClient({ origin });
      await next('welcome');
    }
  });

  it('a flood from one client does not starve the others', async () => {
    const [loud, quiet] = [await rawClient(), await rawClient()];
    for (let id = 0; id < 20_000; id++) loud.say({ kind: 'ping', id });
    quiet.say({ kind: 'ping', id: 1 });
    await quiet.next('done', 1);
    expect(loud.frames.length).toBeLessThan(20_000);
  });
});

describe('a node that stops and starts again', () => {
  it.each(['SIGTERM', 'SIGINT', 'SIGKILL'] as const)(
    'by %s: what was taken is still there',
    async (signal) => {
      const channel = { kind: 'public', name: `until-${signal}` } as const;
      const alice = await join();
      for (let i = 0; i < 5; i++) await alice.connection.send(channel, bytesOf(`${i}`));
      if (signal === 'SIGKILL') await node.kill();
      else expect(await node.stop(signal)).toBe(0);
      await alice.status('reconnecting');
      const { signal: limits } = new AbortController();
      const sent = alice.connection.send(channel, bytesOf('meanwhile'), { signal: limits });
      await node.start();
      await sent;
      const bob = await join();
      await bob.connection.subscribe([channel]);
      await bob.connection.history?.({ channels: [channel], from: Date.now() - 600_000, to: Date.now() });
      await bob.count(6);
      expect(bob.texts().sort()).toEqual(['0', '1', '2', '3', '4', 'meanwhile']);
    },
  );
});
