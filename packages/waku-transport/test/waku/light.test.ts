import { carrierCases } from '@sotto/compliance/carrier';
import { transportCases } from '@sotto/compliance/transport';
import { encodeUtf8 } from '@sotto/core';
import { defaultProvider } from '@sotto/crypto';
import { RealNodes, ServiceNode } from '@sotto/testing/waku';
import type {} from '@sotto/testing/waku/setup';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { createWakuCarrier, createWakuTransport, type WakuLightNode } from '../../src/index.js';

const SLOW = 120_000;
const folder = inject('waku');
const identity = () => defaultProvider().secp256k1.generateKeyPair();
type Node = WakuLightNode;

describe.skipIf(folder === undefined)('real light nodes, with a scripted service node', () => {
  const nodes = new RealNodes(folder as string);
  let service: ServiceNode;
  let [one, two] = [] as Node[] as [Node, Node];
  const alternating = <T>(create: (node: Node) => T) => {
    let count = 0;
    let made: [T, T] | undefined;
    return () => {
      made ??= [create(one), create(two)];
      return made[count++ % 2] as T;
    };
  };

  beforeAll(async () => {
    service = await ServiceNode.start(nodes);
    one = await nodes.startLight<WakuLightNode>(service.node);
    two = await nodes.startLight<WakuLightNode>(service.node);
  }, SLOW);
  afterAll(() => nodes.stop());

  describe('as carriers', () => {
    const carrier = alternating((node) => createWakuCarrier(node));
    it.each(carrierCases({ history: true, reorders: true, timeout: 20_000 }))(
      '$name',
      ({ run }) => run({ carrier }),
      SLOW,
    );
  });

  describe('sealed as of RFC 26', () => {
    const transport = alternating((node) =>
      createWakuTransport(node, { segments: { maxMessageBytes: 2 * 1024 * 1024 } }),
    );
    it.each(transportCases({ pseudonyms: 'both', history: true, timeout: SLOW }))(
      '$name',
      ({ run }) => run({ transport, identity }),
      SLOW,
    );
  });

  it(
    'receive more messages than a node accepts streams, and again after topics were left many times',
    async () => {
      const topic = Uint8Array.of(7, 7, 7, 8);
      let arrived = 0;
      const sender = await createWakuCarrier(one).open({ onEnvelope() {} });
      const receiver = await createWakuCarrier(two).open({ onEnvelope: () => void arrived++ });
      await receiver.subscribe([topic]);
      for (let i = 0; i < 10; i++)
        await Promise.all(Array.from({ length: 15 }, () => sender.publish(topic, encodeUtf8('one of many'))));
      await expect.poll(() => arrived, { timeout: 20_000 }).toBe(150);
      for (let i = 1; i <= 100; i++) {
        await receiver.subscribe([]);
        await receiver.subscribe([topic]);
      }
      await sender.publish(topic, encodeUtf8('the last'));
      await expect.poll(() => arrived, { timeout: 20_000 }).toBe(151);
      await Promise.all([sender.close(), receiver.close()]);
    },
    SLOW,
  );

  it(
    'subscribe again when the service node has forgotten them',
    async () => {
      const [sending, receiving] = [
        await nodes.startLight<WakuLightNode>(service.node),
        await nodes.startLight<WakuLightNode>(service.node),
      ];
      const topic = Uint8Array.of(7, 7, 7, 7);
      const arrived: string[] = [];
      const statuses: string[] = [];
      const sender = await createWakuCarrier(sending).open({ onEnvelope() {} });
      const receiver = await createWakuCarrier(receiving, { checkInterval: 500 }).open({
        onEnvelope: (_topic, envelope) => void arrived.push(new TextDecoder().decode(envelope)),
        onStatus: (status) => void statuses.push(status),
      });
      await receiver.subscribe([topic]);
      service.forget();
      await expect.poll(() => statuses, { timeout: 20_000 }).toEqual(['reconnecting', 'connected']);
      await sender.publish(topic, encodeUtf8('again'));
      await expect.poll(() => arrived, { timeout: 20_000 }).toEqual(['again']);
      expect(service.stored.at(-1)).toMatchObject({ version: 1, contentTopic: '/waku/1/0x07070707/rfc26' });
      await Promise.all([sender.close(), receiver.close()]);
    },
    SLOW,
  );
});
