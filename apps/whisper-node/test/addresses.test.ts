import { once } from 'node:events';
import { connect } from 'node:net';
import { defaultProvider } from '@sotto/crypto';
import { encodeClientFrame } from '@sotto/whisper-transport/relay-protocol';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { type NodeProcess, startNode } from './node-process.js';
import { callByHttp, postText, rpcOverSocket } from './rpc-client.js';

const crypto = defaultProvider();
const closers: (() => unknown)[] = [];
let node: NodeProcess;
beforeAll(async () => {
  const few = ['--address-connections', '5', '--rpc-address-filters', '3', '--rpc-address-keys', '4'];
  const fewer = ['--rpc-filter-topics', '2', '--rpc-address-waiting', '8', '--relay-address-topics', '6'];
  node = await startNode([...few, ...fewer, '--rpc-keys']);
});
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
  await expect.poll(() => node.metric('whisper_node_relay_clients')).toBe(0);
});
afterAll(() => node?.close());

interface From {
  readonly localAddress?: string;
  readonly headers?: Record<string, string>;
}

/** Opens a WebSocket; whether it was let in. */
async function opens(url: string, options: From = {}): Promise<WebSocket | undefined> {
  const socket = new WebSocket(url, options);
  closers.push(() => socket.terminate());
  const refused = once(socket, 'error').then(() => undefined);
  return Promise.race([once(socket, 'open').then(() => socket), refused]);
}

const DONE = 0x81;

/** Resolves with the first message that begins with this byte. */
function heard(socket: WebSocket, first: number): Promise<void> {
  return new Promise((resolve) => {
    const look = (data: unknown) => {
      if ((data as Buffer)[0] !== first) return;
      socket.off('message', look);
      resolve();
    };
    socket.on('message', look);
  });
}

const HTTP = { localAddress: '127.0.0.2' };

describe('connections of one address', () => {
  /** Opens one that says something, so that it isn't closed for another one. */
  async function talks(port: 'relay' | 'rpc', options: From = {}): Promise<WebSocket | undefined> {
    const socket = await opens(port === 'relay' ? node.relay : node.rpc('ws'), options);
    if (socket === undefined) return undefined;
    socket.send(
      port === 'relay' ? encodeClientFrame({ kind: 'ping', id: 1 }) : '{"id":1,"method":"shh_version"}',
    );
    const answered = heard(socket, port === 'relay' ? DONE : 0x7b).then(() => socket);
    return Promise.race([answered, once(socket, 'close').then(() => undefined)]);
  }

  it.each(['relay', 'rpc'] as const)(
    'to the %s: one more than allowed is closed, and another address comes in',
    async (port) => {
      const held: (WebSocket | undefined)[] = [];
      for (let i = 0; i < 5; i++) held.push(await talks(port));
      expect(held.filter((socket) => socket !== undefined).length).toBe(5);
      expect(await talks(port)).toBeUndefined();
      expect(await talks(port, HTTP)).toBeDefined();
      const leaving = held[0] as WebSocket;
      leaving.close();
      await once(leaving, 'close');
      await expect.poll(async () => (await talks(port)) !== undefined).toBe(true);
    },
  );

  it('those that only hold places are closed for one more, the oldest first; those that talk stay', async () => {
    const talker = (await talks('relay')) as WebSocket;
    const silent = [];
    for (let i = 0; i < 4; i++) silent.push((await opens(node.relay)) as WebSocket);
    const [oldest, ...others] = silent as [WebSocket, ...WebSocket[]];
    const gone = once(oldest, 'close');
    expect(await talks('relay')).toBeDefined();
    await gone;
    talker.send(encodeClientFrame({ kind: 'ping', id: 2 }));
    await heard(talker, DONE);
    expect(others.map(({ readyState }) => readyState)).toEqual([1, 1, 1]);
  });

  it('what X-Forwarded-For says does not count by itself', async () => {
    const forged = (i: number) => ({ headers: { 'x-forwarded-for': `198.51.100.${i}` } });
    const held = [];
    for (let i = 0; i < 5; i++) held.push(await talks('relay', forged(i)));
    expect(held.every((socket) => socket !== undefined)).toBe(true);
    expect(await talks('relay', forged(9))).toBeUndefined();
  });

  it('behind a proxy that is trusted, clients are distinguished by its header, and can forge nothing', async () => {
    const behind = await startNode(['--address-connections', '2', '--trusted-proxies', '127.0.0.0/8']);
    try {
      const from = async (forwarded: string) => {
        const socket = await opens(behind.relay, { headers: { 'x-forwarded-for': forwarded } });
        socket?.send(encodeClientFrame({ kind: 'ping', id: 1 }));
        if (socket !== undefined) await heard(socket, DONE);
        return socket;
      };
      expect(await from('198.51.100.1')).toBeDefined();
      expect(await from('6.6.6.6, 198.51.100.1')).toBeDefined();
      // The proxy appends who has asked it; what stands before was made up.
      expect(await from('7.7.7.7, 198.51.100.1')).toBeUndefined();
      expect(await from('198.51.100.2')).toBeDefined();
      const health = await fetch(`${behind.admin}/health`);
      expect(health.status).toBe(200);
    } finally {
      await behind.close();
    }
  });

  it('that never say anything are closed', async () => {
    const { hostname, port } = new URL(node.relay);
    const socket = connect(Number(port), hostname);
    socket.resume();
    await once(socket, 'close');
    expect(await opens(node.relay)).toBeDefined();
  }, 30_000);
});

describe('keys of passwords', () => {
  const request = (id: number) => ({
    jsonrpc: '2.0',
    id,
    method: 'shh_generateSymKeyFromPassword',
    params: [`password ${id}`],
  });

  it('the relay answers while a batch of them is derived, and so does JSON-RPC', async () => {
    const relay = (await opens(node.relay)) as WebSocket;
    let derived = false;
    const batch = postText(
      node.rpc('http'),
      JSON.stringify(Array.from({ length: 4 }, (_, i) => request(i))),
    ).then(({ text }) => {
      derived = true;
      return JSON.parse(text) as { result: string }[];
    });
    const order: boolean[] = [];
    for (let i = 0; i < 3; i++) {
      relay.send(encodeClientFrame({ kind: 'ping', id: i }));
      await once(relay, 'message');
      order.push(derived);
    }
    expect(order).toEqual([false, false, false]);
    const ids = (await batch).map(({ result }) => result);
    expect(new Set(ids).size).toBe(4);
    for (const id of ids) await callByHttp(node.rpc('http'), 'shh_deleteSymKey', id);
  });

  it('what one address has waiting is limited, and another one need not wait for all of it', async () => {
    const one = await rpcOverSocket(node.rpc('ws'));
    closers.push(one.close);
    const order: string[] = [];
    const asked = Array.from({ length: 20 }, async (_, i) => {
      const answer = await one.call('shh_generateSymKeyFromPassword', `many ${i}`);
      order.push('one');
      return answer;
    });
    const other = new WebSocket(node.rpc('ws'), HTTP);
    closers.push(() => other.terminate());
    await once(other, 'open');
    other.send(JSON.stringify(request(1)));
    const [said] = await once(other, 'message');
    const before = order.length;
    const answers = await Promise.all(asked);
    const refusals = answers.filter(({ error }) => error?.code === -32_005);
    expect(refusals.length).toBeGreaterThanOrEqual(10);
    expect(refusals[0]?.error?.message).toBe('too much of this waits already; try again later');
    expect(JSON.parse(String(said)).result).toMatch(/^[0-9a-f]{64}$/);
    expect(before).toBeLessThan(20);
    for (const { result } of answers) {
      if (result !== undefined) await one.call('shh_deleteSymKey', result);
    }
  });
});

describe('what one address may keep', () => {
  it('keys: one more is refused before it is worked for, another address has room, a deleted one makes room', async () => {
    const url = node.rpc('http');
    const ids = [];
    for (let i = 0; i < 4; i++) ids.push((await callByHttp(url, 'shh_newSymKey')).result);
    const refused = 'no more than 4 keys of one address; delete some';
    for (const [method, ...params] of [['shh_newSymKey'], ['shh_generateSymKeyFromPassword', 'x']] as const) {
      expect((await callByHttp(url, method, ...params)).error?.message).toBe(refused);
    }
    const other = new WebSocket(node.rpc('ws'), HTTP);
    closers.push(() => other.terminate());
    await once(other, 'open');
    other.send('{"jsonrpc":"2.0","id":1,"method":"shh_newSymKey","params":[]}');
    expect(JSON.parse(String((await once(other, 'message'))[0])).result).toMatch(/^[0-9a-f]{64}$/);
    for (const id of ids) await callByHttp(url, 'shh_deleteSymKey', id);
    expect((await callByHttp(url, 'shh_newKeyPair')).error).toBeUndefined();
  });

  it('filters, and topics of a filter', async () => {
    const url = node.rpc('http');
    const { result: symKeyID } = await callByHttp(url, 'shh_newSymKey');
    const install = (count: number) => {
      const topics = Array.from({ length: count }, (_, i) => `0x0102030${i}`);
      return callByHttp(url, 'shh_newMessageFilter', { symKeyID, topics });
    };
    expect((await install(3)).error?.message).toBe('no more than 2 topics in a filter');
    const installed = [];
    for (let i = 0; i < 3; i++) installed.push((await install(2)).result);
    expect((await install(1)).error?.message).toBe('no more than 3 filters of one address; delete some');
    for (const id of installed) await callByHttp(url, 'shh_deleteMessageFilter', id);
    expect((await install(1)).error).toBeUndefined();
  });

  it('topics of the relay, over all its connections', async () => {
    const subscribe = async (socket: WebSocket | undefined, count: number) => {
      const topics = Array.from({ length: count }, () => crypto.randomBytes(4));
      socket?.send(encodeClientFrame({ kind: 'subscribe', id: 1, topics }));
      const [data] = await once(socket as WebSocket, 'message');
      return (data as Buffer)[0];
    };
    const REFUSED = 0x82;
    // Whose welcome has been heard.
    const greeted = async (options: From = {}) => {
      const socket = new WebSocket(node.relay, options);
      closers.push(() => socket.terminate());
      await once(socket, 'message');
      return socket;
    };
    const [one, two, other] = [await greeted(), await greeted(), await greeted(HTTP)];
    expect(await subscribe(one, 4)).toBe(DONE);
    expect(await subscribe(two, 3)).toBe(REFUSED);
    expect(await subscribe(other, 6)).toBe(DONE);
    expect(await subscribe(one, 3)).toBe(DONE);
    expect(await subscribe(two, 3)).toBe(DONE);
  });
});
