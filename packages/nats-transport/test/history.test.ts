import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createNatsCarrier, natsStreamConfig } from '../src/index.js';
import { subjectOf } from '../src/subjects.js';
import { NatsCluster, natsServer } from './nats-cluster.js';

const STREAM = 'SOTTO';
const MIB = 1024 * 1024;

describe.skipIf(natsServer === undefined)('a history', () => {
  let cluster: NatsCluster;
  let connection: NatsConnection;
  beforeAll(async () => {
    cluster = await NatsCluster.start(1);
    connection = await connect({ servers: cluster.urls });
    await (await jetstreamManager(connection)).streams.add(natsStreamConfig({ stream: STREAM }));
  });
  afterAll(async () => {
    await connection?.close();
    await cluster?.stop();
  });

  const publish = async (topic: Uint8Array, sizes: readonly number[]) => {
    const stream = jetstream(connection);
    for (const [i, size] of sizes.entries()) {
      const envelope = new Uint8Array(size);
      new DataView(envelope.buffer).setUint32(0, i);
      await stream.publish(subjectOf('sotto', topic), envelope);
    }
  };
  const carrier = createNatsCarrier({ connect: () => connect({ servers: cluster.urls }), stream: STREAM });

  /** Reads all of a topic with a slow receiver: what was delivered, and how much of it at most at the same time. */
  const readSlowly = async (topic: Uint8Array) => {
    const found: number[] = [];
    let [held, bytes, mostHeld, mostBytes] = [0, 0, 0, 0];
    const receiver = await carrier.open({
      async onEnvelope(_topic, envelope) {
        found.push(new DataView(envelope.buffer, envelope.byteOffset).getUint32(0));
        mostHeld = Math.max(mostHeld, ++held);
        bytes += envelope.length;
        mostBytes = Math.max(mostBytes, bytes);
        await new Promise((resolve) => setTimeout(resolve, 20));
        held--;
        bytes -= envelope.length;
      },
    });
    await receiver.subscribe([topic]);
    await receiver.history?.([topic], 0, Date.now());
    await receiver.close();
    return { found, mostHeld, mostBytes };
  };

  it('of many envelopes is given piece by piece, as the receiver is done with them', async () => {
    const topic = Uint8Array.of(1, 0, 0, 1);
    await publish(topic, Array<number>(1_000).fill(100));
    const { found, mostHeld } = await readSlowly(topic);
    expect(found).toEqual(Array.from({ length: 1_000 }, (_, i) => i));
    expect(mostHeld).toBeLessThanOrEqual(256);
  });

  it('of large envelopes is given in small pieces', async () => {
    const topic = Uint8Array.of(1, 0, 0, 2);
    await publish(topic, Array<number>(60).fill(MIB / 2));
    const { found, mostBytes } = await readSlowly(topic);
    expect(found).toEqual(Array.from({ length: 60 }, (_, i) => i));
    expect(mostBytes).toBeLessThanOrEqual(8 * MIB);
  });
});
