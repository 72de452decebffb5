import { once } from 'node:events';
import { connect } from 'node:net';
import { encodeHex } from '@sotto/core';
import { defaultProvider } from '@sotto/crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { sealEnvelope } from './envelopes.js';
import { type NodeProcess, startNode } from './node-process.js';
import { relayClient } from './relay-client.js';
import { callByHttp, postText } from './rpc-client.js';

const crypto = defaultProvider();
const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function newNode(...flags: string[]) {
  const node = await startNode(['--min-pow', '0', '--relay-rate', '100000', ...flags]);
  closers.push(() => node.close());
  return node;
}

async function clientOf(node: NodeProcess) {
  const client = await relayClient(node.relay);
  closers.push(() => client.socket.terminate());
  return client;
}

describe('stopping a node', () => {
  it('with envelopes on their way to the disk: what was acknowledged is there afterwards', async () => {
    const node = await newNode();
    const client = await clientOf(node);
    const topic = crypto.randomBytes(4);
    const envelopes = await Promise.all(
      Array.from({ length: 300 }, () => sealEnvelope({ topic, idle: true })),
    );
    const acknowledged: string[] = [];
    for (const envelope of envelopes) {
      void client
        .publish(envelope)
        .then((answer) => answer.kind === 'done' && acknowledged.push(encodeHex(envelope)));
    }
    await expect.poll(() => node.metric('whisper_node_pool_envelopes')).toBeGreaterThan(0);
    expect(await node.stop()).toBe(0);
    await client.closed;
    expect(node.log.at(-1)?.['event']).toBe('node.stopped');
    await node.start();
    const kept = (await (await clientOf(node)).history([topic])).map(encodeHex);
    expect(kept).toEqual(expect.arrayContaining(acknowledged));
  });

  it('with proof of work, a history and half a request under way: ends in order, and does not wait for them', async () => {
    const node = await newNode('--rpc-keys', '--rpc-pow-seconds', '3600');
    const url = node.rpc('http');
    const client = await clientOf(node);
    const topic = crypto.randomBytes(4);
    for (let i = 0; i < 50; i++) await client.publish(await sealEnvelope({ topic, idle: true }));
    const { result: symKeyID } = await callByHttp(url, 'shh_newSymKey');
    const message = {
      symKeyID,
      topic: '0x01020304',
      payload: '0xaa',
      ttl: 20,
      powTarget: 1e12,
      powTime: 3600,
    };
    const request = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'shh_post', params: [message] });
    // Answered or cut off; it is not kept waiting for an hour.
    const posting = postText(url, request).then(
      ({ text }) => JSON.parse(text).error !== undefined,
      () => true,
    );
    const half = connect(Number(new URL(url).port), '127.0.0.1');
    half.on('error', () => {});
    closers.push(() => half.destroy());
    await once(half, 'connect');
    half.write(
      'POST / HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{',
    );
    client.history([topic]).catch(() => {});
    await callByHttp(url, 'shh_version');
    expect(await node.stop()).toBe(0);
    expect(await posting).toBe(true);
    expect(node.log.map(({ event }) => event)).toContain('node.stopped');
    expect(node.log.filter(({ level }) => level === 'error')).toEqual([]);
  });
});
