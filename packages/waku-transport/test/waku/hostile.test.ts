import { encodeUtf8, type Topic } from '@sotto/core';
import { RealNodes, ServiceNode, type StoredMessage } from '@sotto/testing/waku';
import type {} from '@sotto/testing/waku/setup';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import {
  contentTopicOf,
  createWakuCarrier,
  type WakuCarrierOptions,
  type WakuLightNode,
} from '../../src/index.js';

const SLOW = 120_000;
const folder = inject('waku');
const TOPIC = Uint8Array.of(6, 6, 6, 6);

let count = 0;
const message = (text: string, more: Partial<StoredMessage> = {}): StoredMessage => ({
  payload: encodeUtf8(text),
  contentTopic: contentTopicOf(TOPIC),
  version: 1,
  timestamp: BigInt(Date.now()) * 1_000_000n + BigInt(count++),
  ...more,
});

describe.skipIf(folder === undefined)('real light nodes, with service nodes that misbehave', () => {
  const nodes = new RealNodes(folder as string);
  let service: ServiceNode;

  beforeAll(async () => {
    service = await ServiceNode.start(nodes);
  }, SLOW);
  afterAll(() => nodes.stop());

  async function open(options: WakuCarrierOptions = {}, topics: readonly Topic[] = [TOPIC]) {
    const node = await nodes.startLight<WakuLightNode>(service.node);
    const arrived: string[] = [];
    const statuses: string[] = [];
    const connection = await createWakuCarrier(node, options).open({
      onEnvelope: (_topic, envelope) => void arrived.push(new TextDecoder().decode(envelope)),
      onStatus: (status) => void statuses.push(status),
    });
    await connection.subscribe(topics);
    const heard = (text: string) => expect.poll(() => arrived, { timeout: 20_000 }).toContain(text);
    return { node, connection, arrived, statuses, heard };
  }

  it(
    'ignore what nobody asked for, at whatever rate it comes',
    async () => {
      const { connection, arrived, heard } = await open({ maxMessageBytes: 65_536 });
      const lies: Partial<StoredMessage>[] = [
        { contentTopic: contentTopicOf(Uint8Array.of(6, 6, 6, 7)) },
        { contentTopic: '/waku/1/0x060606060606/rfc26' },
        { contentTopic: '' },
        { contentTopic: `/${'x'.repeat(100_000)}` },
        { version: 7 },
        { payload: new Uint8Array(65_537) },
        { payload: new Uint8Array(3_000_000) },
      ];
      for (let i = 0; i < 10; i++) await Promise.all(lies.map((lie) => service.push(message('a lie', lie))));
      await service.push(message('of another shard'), '/waku/2/rs/16/64');
      const strange = [0n, -1n, -(2n ** 63n), 2n ** 63n - 1n, undefined];
      for (const timestamp of strange) await service.push(message(`${timestamp}`, { timestamp }));
      await service.push(message('the truth'));
      await heard('the truth');
      expect(arrived.toSorted()).toEqual([...strange.map(String), 'the truth'].toSorted());
      await connection.close();
    },
    SLOW,
  );

  it(
    'hear everything that comes fast, each message once, and go on after a flood',
    async () => {
      const { connection, arrived } = await open();
      const fast = Array.from({ length: 200 }, (_, i) => message(`${i}`));
      for (let i = 0; i < fast.length; i += 20) {
        await Promise.all(fast.slice(i, i + 20).flatMap((one) => [service.push(one), service.push(one)]));
        await expect.poll(() => arrived.length, { timeout: 20_000 }).toBe(i + 20);
      }
      expect(new Set(arrived).size).toBe(200);
      // More streams at once than the node accepts.
      await Promise.all(Array.from({ length: 250 }, (_, i) => service.push(message(`flood ${i}`))));
      const again = () => {
        void service.push(message('afterwards'));
        return arrived;
      };
      await expect.poll(again, { timeout: 20_000 }).toContain('afterwards');
      await connection.close();
    },
    SLOW,
  );

  it(
    'end with a store that lies',
    async () => {
      const { connection, arrived } = await open({ maxHistoryMessages: 200 });
      const history = () => connection.history?.([TOPIC], 1, Date.now() + 60_000);
      const { misdeeds } = service;
      misdeeds.page = () => [message('without end')];
      await expect(history()).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' });
      expect(arrived).toHaveLength(200);
      const same = message('again and again');
      misdeeds.page = () => [same];
      await expect(history()).rejects.toMatchObject({ code: 'TRANSPORT_UNAVAILABLE' });
      misdeeds.page = () => [message('not asked for', { contentTopic: '/app/1/x/proto' })];
      await expect(history()).rejects.toMatchObject({ code: 'TRANSPORT_UNAVAILABLE' });
      misdeeds.page = () => [
        message('of the future', { timestamp: 2n ** 62n }),
        message('', { timestamp: undefined }),
      ];
      await expect(history()).rejects.toMatchObject({ code: 'TRANSPORT_UNAVAILABLE' });
      misdeeds.page = undefined;
      await history();
      expect(arrived.filter((text) => text !== 'without end')).toEqual(['again and again']);
      await connection.close();
    },
    SLOW,
  );

  it(
    'are not kept by a service node that never answers, and go on when it does',
    async () => {
      const { connection, statuses, heard } = await open({ callTimeout: 500, checkInterval: 500 });
      service.misdeeds.silent = true;
      const publishing = Array.from({ length: 20 }, () => connection.publish(TOPIC, encodeUtf8('lost')));
      for (const outcome of await Promise.allSettled(publishing))
        expect(outcome).toMatchObject({ reason: { code: 'TRANSPORT_UNAVAILABLE' } });
      await expect.poll(() => statuses, { timeout: 20_000 }).toEqual(['reconnecting']);
      service.misdeeds.silent = false;
      await expect.poll(() => statuses, { timeout: 20_000 }).toEqual(['reconnecting', 'connected']);
      await connection.publish(TOPIC, encodeUtf8('found'));
      await heard('found');
      await connection.close();
    },
    SLOW,
  );

  it(
    "don't take a peer without a store for an empty store",
    async () => {
      const { connection } = await open();
      await connection.publish(TOPIC, encodeUtf8('kept'));
      const other = await nodes.startRelay();
      const [address] = other.libp2p.getMultiaddrs();
      const both = await nodes.startLight<WakuLightNode>(service.node, 2);
      const neither = await nodes.startLight<WakuLightNode>(undefined, 2);
      for (const node of [both, neither]) await node.dial(address, ['lightpush']).catch(() => undefined);
      const found: string[] = [];
      const read = async (node: WakuLightNode) => {
        const carrier = createWakuCarrier(node);
        const reader = await carrier.open({
          onEnvelope: (_topic, envelope) => void found.push(new TextDecoder().decode(envelope)),
        });
        await reader.subscribe([TOPIC]).catch(() => undefined);
        for (let i = 0; i < 5; i++) await reader.history?.([TOPIC], 1, Date.now() + 60_000);
        await reader.close();
      };
      await read(both);
      expect(found.filter((text) => text === 'kept')).toHaveLength(5);
      await expect(read(neither)).rejects.toMatchObject({ code: 'TRANSPORT_UNAVAILABLE' });
      await connection.close();
    },
    SLOW,
  );

  it(
    'go on with another service node when theirs is gone',
    async () => {
      const { node, connection, statuses, heard } = await open();
      await service.node.stop();
      await expect.poll(() => statuses, { timeout: 20_000 }).toEqual(['reconnecting']);
      await expect(connection.publish(TOPIC, encodeUtf8('x'))).rejects.toMatchObject({
        code: 'TRANSPORT_UNAVAILABLE',
      });
      await expect(connection.history?.([TOPIC], 0, 1)).rejects.toMatchObject({
        code: 'TRANSPORT_UNAVAILABLE',
      });
      service = await ServiceNode.start(nodes);
      await node.dial(service.node.libp2p.getMultiaddrs()[0], ['lightpush', 'filter', 'store']);
      await expect.poll(() => statuses, { timeout: 20_000 }).toEqual(['reconnecting', 'connected']);
      await connection.publish(TOPIC, encodeUtf8('there again'));
      await heard('there again');
      expect(service.stored).toHaveLength(1);
      await connection.close();
    },
    SLOW,
  );
});
