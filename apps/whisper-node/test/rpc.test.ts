import { once } from 'node:events';
import { createInbox } from '@sotto/compliance/inbox';
import { defaultProvider } from '@sotto/crypto';
import { loadVectors } from '@sotto/testing/vectors';
import { createRpcTransport } from '@sotto/whisper-rpc';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { type NodeProcess, startNode } from './node-process.js';
import { callByHttp, postText, rpcOverSocket } from './rpc-client.js';

const { cases } = loadVectors('whisper-rpc');
const crypto = defaultProvider();
const closers: (() => unknown)[] = [];
const HUGE = /^0x00… \(1 MiB and one byte\)$/;

let node: NodeProcess;
beforeAll(async () => {
  node = await startNode(['--rpc-keys', '--rpc-admin', '--rpc-filters', '50', '--rpc-batch', '10']);
});
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});
afterAll(() => node?.close());

/** Puts our ids in the place of the recorded ones. */
function translate(value: unknown, ours: ReadonlyMap<string, string>): unknown {
  if (typeof value === 'string') {
    if (HUGE.test(value)) return `0x${'00'.repeat(2 ** 20 + 1)}`;
    return ours.get(value) ?? value;
  }
  if (Array.isArray(value)) return value.map((item) => translate(item, ours));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, translate(item, ours)]));
}

/** A message without what differs between runs, which is looked at for its shape. */
function steady(message: Record<string, unknown>, given: boolean) {
  const { padding, pow, hash, timestamp, ...rest } = message;
  expect(hash).toMatch(/^0x[0-9a-f]{64}$/);
  expect(pow).toBeGreaterThanOrEqual(0.002);
  expect(timestamp).toSatisfy(Number.isInteger);
  return { ...rest, padding: given ? padding : String(padding).length };
}

const sorted = (messages: readonly unknown[]) =>
  messages
    .map((message) => {
      const record = message as Record<string, unknown>;
      return JSON.stringify(Object.entries(steady(record, record['padding'] === '0x00112233')).sort());
    })
    .sort();

describe('whisper-rpc.json', () => {
  it('a conversation recorded with a real node goes the same way with ours', async () => {
    const rpc = await rpcOverSocket(node.rpc('ws'));
    closers.push(() => rpc.close());
    const ours = new Map<string, string>();
    let notifications = 0;
    for (const { request, response, notification } of cases) {
      if (notification !== undefined) {
        await rpc.notified(++notifications);
        const heard = rpc.notifications.at(-1) as { subscription: string; result: unknown };
        expect(heard.subscription).toBe(translate(notification.params.subscription, ours));
        expect(sorted([heard.result])).toEqual(sorted([translate(notification.params.result, ours)]));
        continue;
      }
      if (request === undefined || response === undefined) continue;
      const answer = await rpc.call(request.method, ...(translate(request.params, ours) as unknown[]));
      if (response.error !== undefined) {
        expect({ method: request.method, error: answer.error }).toEqual({
          method: request.method,
          error: response.error,
        });
        continue;
      }
      expect(answer.error).toBeUndefined();
      const { result } = response;
      const isFresh =
        typeof result === 'string' && /^(shh_(new|add|generate|subscribe|post))/.test(request.method);
      if (isFresh) {
        expect(String(answer.result).length).toBe(result.length);
        ours.set(result, String(answer.result));
      } else if (Array.isArray(result)) {
        const expected = translate(result, ours) as unknown[];
        expect(sorted(answer.result as unknown[])).toEqual(sorted(expected));
      } else if (request.method === 'shh_info') {
        expect(Object.keys(answer.result as object)).toEqual(Object.keys(result as object));
        expect(answer.result).toMatchObject({ minPow: 0.002, maxMessageSize: 2 ** 20 });
      } else {
        expect(answer.result).toEqual(translate(result, ours));
      }
    }
    expect(ours.size).toBeGreaterThan(5);
  });
});

describe.each(['ws', 'http'] as const)('our own client of Whisper nodes by %s', (scheme) => {
  it('talks through our node', async () => {
    const join = async () => {
      const box = createInbox(crypto.secp256k1.generateKeyPair());
      const transport = createRpcTransport({ url: node.rpc(scheme), crypto, pollInterval: 50 });
      const connection = await transport.connect(box.party);
      closers.push(() => connection.close());
      return { ...box, connection };
    };
    const [alice, bob] = [await join(), await join()];
    const recipient = bob.party.identity.publicKey;
    await bob.connection.subscribe([
      { kind: 'public', name: 'a-chat' },
      { kind: 'partitioned', recipient },
    ]);
    const bytesOf = (text: string) => new TextEncoder().encode(text);
    await alice.connection.send({ kind: 'public', name: 'a-chat' }, bytesOf(`${scheme} to all`));
    await alice.connection.send({ kind: 'partitioned', recipient }, bytesOf(`${scheme} to Bob`));
    await bob.count(2);
    expect(bob.texts().sort()).toEqual([`${scheme} to Bob`, `${scheme} to all`].sort());
  });
});

describe('what a node must bear', () => {
  const errorOf = async (body: string) => {
    const { text } = await postText(node.rpc('http'), body);
    return JSON.parse(text).error;
  };

  it.each([
    ['no JSON', '{"jsonrpc":', { code: -32_700, message: 'parse error' }],
    ['a megabyte of brackets', '['.repeat(1_000_000), { code: -32_700, message: 'parse error' }],
    ['no object', '7', { code: -32_600, message: 'invalid request' }],
    ['an empty batch', '[]', { code: -32_600, message: 'empty batch' }],
    ['no method', '{"jsonrpc":"2.0","id":1}', { code: -32_600, message: 'invalid request' }],
    [
      'no list of arguments',
      '{"jsonrpc":"2.0","id":1,"method":"shh_addSymKey","params":{}}',
      { code: -32_602, message: 'non-array args' },
    ],
    [
      'an argument too few',
      '{"jsonrpc":"2.0","id":1,"method":"shh_addSymKey","params":[]}',
      { code: -32_602, message: 'missing value for required argument 0' },
    ],
    [
      'hex without 0x',
      '{"jsonrpc":"2.0","id":1,"method":"shh_addSymKey","params":["11"]}',
      {
        code: -32_602,
        message:
          'invalid argument 0: json: cannot unmarshal hex string without 0x prefix into Go value of type hexutil.Bytes',
      },
    ],
    [
      'a subscription by HTTP',
      '{"jsonrpc":"2.0","id":1,"method":"shh_subscribe","params":["messages",{}]}',
      { code: -32_000, message: 'notifications not supported' },
    ],
    [
      'a name of every object',
      '{"jsonrpc":"2.0","id":1,"method":"constructor","params":[]}',
      { code: -32_601, message: 'the method constructor does not exist/is not available' },
    ],
  ])('malformed JSON-RPC: %s', async (_, body, error) => {
    expect(await errorOf(body)).toEqual(error);
  });

  it('a huge request is not read completely', async () => {
    const { status } = await postText(node.rpc('http'), `"${'x'.repeat(6_000_000)}"`).catch(() => ({
      status: 413,
    }));
    expect(status).toBe(413);
    const socket = new WebSocket(node.rpc('ws'));
    socket.on('error', () => {});
    await once(socket, 'open');
    socket.send('x'.repeat(6_000_000));
    const [code] = (await once(socket, 'close')) as [number];
    expect(code).toBe(1009);
  });

  it('a batch is answered in its order, one too large is refused', async () => {
    const call = (id: number) => ({ jsonrpc: '2.0', id, method: 'shh_version', params: [] });
    const { text } = await postText(node.rpc('http'), JSON.stringify([call(1), { nonsense: true }, call(2)]));
    expect(JSON.parse(text)).toEqual([
      { jsonrpc: '2.0', id: 1, result: '6.0' },
      { jsonrpc: '2.0', id: null, error: { code: -32_600, message: 'invalid request' } },
      { jsonrpc: '2.0', id: 2, result: '6.0' },
    ]);
    expect(await errorOf(JSON.stringify(Array.from({ length: 11 }, (_, i) => call(i))))).toMatchObject({
      code: -32_600,
    });
  });

  it('more filters than allowed are refused; those of a WebSocket go with it', async () => {
    const rpc = await rpcOverSocket(node.rpc('ws'));
    closers.push(() => rpc.close());
    const { result: symKeyID } = await rpc.call('shh_newSymKey');
    const criteria = { symKeyID, topics: ['0x01020304'] };
    const outcomes = [];
    for (let i = 0; i < 60; i++) outcomes.push(await rpc.call('shh_subscribe', 'messages', criteria));
    expect(outcomes.filter(({ error }) => error === undefined).length).toBeLessThanOrEqual(50);
    expect(outcomes.at(-1)?.error?.message).toMatch('no more than 50 filters');
    const before = await node.metric('whisper_node_rpc_filters');
    expect(before).toBe(50);
    const closed = once(rpc.socket, 'close');
    rpc.socket.close();
    await closed;
    await expect.poll(() => node.metric('whisper_node_rpc_filters')).toBeLessThan(20);
  });

  it('pages of other origins, other names and other kinds of content are not let in', async () => {
    const body = '{"jsonrpc":"2.0","id":1,"method":"shh_version","params":[]}';
    const url = node.rpc('http');
    expect((await postText(url, body, { origin: 'http://localhost:3000' })).status).toBe(403);
    expect((await postText(url, body, { 'content-type': 'text/plain' })).status).toBe(415);
    expect((await fetch(url)).status).toBe(405);
    const socket = new WebSocket(node.rpc('ws'), { headers: { origin: 'https://evil.example' } });
    socket.on('error', () => {});
    const [, response] = (await once(socket, 'unexpected-response')) as [unknown, { statusCode: number }];
    expect(response.statusCode).toBe(403);
  });

  it('TTL above the ceiling: refused before any work is done', async () => {
    const url = node.rpc('http');
    const { result: symKeyID } = await callByHttp(url, 'shh_newSymKey');
    const message = {
      symKeyID,
      topic: '0x01020304',
      payload: '0xaa',
      ttl: 100_000,
      powTarget: 1e9,
      powTime: 30,
    };
    expect((await callByHttp(url, 'shh_post', message)).error?.message).toMatch('ttl of more than 300');
  });

  it('no secret is logged', async () => {
    const url = node.rpc('http');
    const secret = `0x${'7a'.repeat(32)}`;
    await callByHttp(url, 'shh_addPrivateKey', secret);
    await callByHttp(url, 'shh_addSymKey', secret);
    await callByHttp(url, 'shh_generateSymKeyFromPassword', '7a7a7a-password');
    expect(JSON.stringify(node.log)).not.toMatch(/7a7a7a/);
  });
});

describe('a node without configuration', () => {
  it('has no method that accepts, creates or uses keys, and none that changes it', async () => {
    const plain = await startNode();
    closers.push(() => plain.close());
    const url = plain.rpc('http');
    const methods = new Set(cases.flatMap(({ request }) => (request === undefined ? [] : [request.method])));
    for (const method of [
      ...methods,
      'shh_newKeyPair',
      'shh_getPrivateKey',
      'shh_setMinPoW',
      'admin_addPeer',
    ]) {
      const { error, result } = await callByHttp(url, method);
      if (['shh_version', 'shh_info', 'rpc_modules'].includes(method)) expect(result).toBeDefined();
      else if (method.endsWith('subscribe')) expect(error).toBeDefined();
      else expect([method, error?.code]).toEqual([method, -32_601]);
    }
    expect((await callByHttp(url, 'rpc_modules')).result).toEqual({ rpc: '1.0', shh: '1.0' });
  });
});
