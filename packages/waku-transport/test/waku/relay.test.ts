import { carrierCases } from '@sotto/compliance/carrier';
import { transportCases } from '@sotto/compliance/transport';
import { encodeUtf8 } from '@sotto/core';
import { defaultProvider } from '@sotto/crypto';
import { createMessenger } from '@sotto/messenger';
import { createMemoryStore } from '@sotto/store-adapters/memory';
import { RealNodes } from '@sotto/testing/waku';
import type {} from '@sotto/testing/waku/setup';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { createWakuCarrier, createWakuTransport, type WakuRelayNode } from '../../src/index.js';

const SLOW = 120_000;
const folder = inject('waku');
const identity = () => defaultProvider().secp256k1.generateKeyPair();
const start = (nodes: RealNodes) => nodes.startRelay<WakuRelayNode>();
type Node = Awaited<ReturnType<typeof start>>;

describe.skipIf(folder === undefined)('real relay nodes', () => {
  const nodes = new RealNodes(folder as string);
  let [one, two] = [] as Node[] as [Node, Node];
  /** Carriers in turn on both nodes, so that what is sent goes over the wire. */
  const alternating = <T>(create: (node: Node) => T) => {
    let count = 0;
    let made: [T, T] | undefined;
    return () => {
      made ??= [create(one), create(two)];
      return made[count++ % 2] as T;
    };
  };

  beforeAll(async () => {
    one = await start(nodes);
    two = await start(nodes);
    await nodes.connect(one, two);
  }, SLOW);
  afterAll(() => nodes.stop());

  describe('as carriers', () => {
    const carrier = alternating((node) => createWakuCarrier(node));
    it.each(carrierCases({ timeout: 20_000 }))('$name', ({ run }) => run({ carrier }), SLOW);
  });

  describe('sealed as of RFC 26', () => {
    const transport = alternating((node) =>
      createWakuTransport(node, { segments: { maxMessageBytes: 2 * 1024 * 1024 } }),
    );
    it.each(transportCases({ pseudonyms: 'both', timeout: SLOW }))(
      '$name',
      ({ run }) => run({ transport, identity }),
      SLOW,
    );
  });

  it(
    'carry messengers, with the first message to a stranger, and the answer',
    async () => {
      const open = (node: Node) =>
        createMessenger({
          identity: identity(),
          store: createMemoryStore(),
          transport: createWakuTransport(node),
        });
      const [alice, bob] = [await open(one), await open(two)];
      const read: string[] = [];
      for (const messenger of [alice, bob])
        messenger.on('message', async ({ payload, acknowledge }) => {
          await acknowledge();
          read.push(new TextDecoder().decode(payload));
        });
      await alice.start();
      await bob.start();
      await alice.send(bob.identity, encodeUtf8('over Waku'));
      await expect.poll(() => read, { timeout: 20_000 }).toEqual(['over Waku']);
      await bob.send(alice.identity, encodeUtf8('and back'));
      await expect.poll(() => read, { timeout: 20_000 }).toEqual(['over Waku', 'and back']);
      await Promise.all([alice.close(), bob.close()]);
    },
    SLOW,
  );

  it(
    'report a lost peer, and go on with the next',
    async () => {
      const [left, right] = [await start(nodes), await start(nodes)];
      await nodes.connect(left, right);
      const statuses: string[] = [];
      const arrived: string[] = [];
      const sender = await createWakuCarrier(right).open({ onEnvelope() {} });
      const receiver = await createWakuCarrier(left).open({
        onEnvelope: (_topic, envelope) => void arrived.push(new TextDecoder().decode(envelope)),
        onStatus: (status) => void statuses.push(status),
      });
      const topic = Uint8Array.of(7, 7, 7, 7);
      await receiver.subscribe([topic]);
      await left.libp2p.hangUp(left.libp2p.getPeers()[0]);
      await expect.poll(() => statuses, { timeout: 20_000 }).toEqual(['reconnecting']);
      await nodes.connect(left, right);
      await expect.poll(() => statuses, { timeout: 20_000 }).toEqual(['reconnecting', 'connected']);
      await sender.publish(topic, encodeUtf8('again'));
      await expect.poll(() => arrived, { timeout: 20_000 }).toEqual(['again']);
      await Promise.all([sender.close(), receiver.close()]);
    },
    SLOW,
  );
});
