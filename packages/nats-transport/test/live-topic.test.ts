import { type JetStreamManager, jetstream, jetstreamManager } from '@nats-io/jetstream';
import { headers, type Msg, type NatsConnection } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';
import { decodeUtf8, encodeUtf8, systemClock } from '@sotto/core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createNatsCarrier, natsStreamConfig } from '../src/index.js';
import { LiveTopic } from '../src/live-topic.js';
import { liveSubjectOf, subjectOf } from '../src/subjects.js';
import { NatsCluster, natsServer } from './nats-cluster.js';

const STREAM = 'SOTTO';
const PREFIX = 'sotto';

describe.skipIf(natsServer === undefined)('a topic whose subscription loses messages', () => {
  let cluster: NatsCluster;
  let connection: NatsConnection;
  let manager: JetStreamManager;
  let count = 0;
  let topic: Uint8Array;
  let live: LiveTopic;
  let delivered: string[];
  /** Whether the subscription loses a message. */
  let isLost: (text: string) => boolean;

  beforeAll(async () => {
    cluster = await NatsCluster.start(1);
    connection = await connect({ servers: cluster.urls });
    manager = await jetstreamManager(connection);
    await manager.streams.add(natsStreamConfig({ stream: STREAM }));
  });
  afterAll(async () => {
    await connection?.close();
    await cluster?.stop();
  });
  beforeEach(async () => {
    count++;
    topic = Uint8Array.from([0, 0, count >> 8, count & 0xff]);
    delivered = [];
    isLost = () => false;
    const settings = { callTimeout: 5_000, retryFor: 2_000, clock: systemClock };
    const access = { connection, jetstream: jetstream(connection), stream: STREAM, ...settings };
    const deliver = (envelope: Uint8Array) => void delivered.push(decodeUtf8(envelope));
    live = new LiveTopic(access, subjectOf(PREFIX, topic), deliver, async () => {});
    const callback = (_: Error | null, message: Msg) => {
      if (!isLost(decodeUtf8(message.data))) live.receive(message);
    };
    connection.subscribe(liveSubjectOf(PREFIX, topic), { callback });
    await connection.flush();
  });

  const publish = async (...texts: readonly string[]) => {
    for (const text of texts) await jetstream(connection).publish(subjectOf(PREFIX, topic), encodeUtf8(text));
    await connection.flush();
  };
  const sorted = () => [...delivered].sort();

  it('has them when the next one arrives', async () => {
    await live.check();
    isLost = (text) => text === 'b' || text === 'c';
    await publish('a', 'b', 'c', 'd', 'e');
    await expect.poll(sorted).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  it('has those lost at the end when it is checked', async () => {
    await live.check();
    isLost = (text) => text !== 'a';
    await publish('a', 'b', 'c');
    expect(delivered).toEqual(['a']);
    await live.check();
    expect(delivered).toEqual(['a', 'b', 'c']);
  });

  it('has all of them, also when more are lost while the first are read', async () => {
    await live.check();
    isLost = (text) => Number(text) % 3 !== 0;
    const texts = Array.from({ length: 200 }, (_, i) => String(i));
    await publish(...texts);
    await live.check();
    await expect.poll(() => new Set(delivered).size).toBe(200);
    isLost = () => false;
    const before = delivered.length;
    await publish('200', '201');
    expect(delivered.slice(before)).toEqual(['200', '201']);
  });

  it('has them although a publisher has set sequences of its own', async () => {
    await live.check();
    const forged = headers();
    forged.set('Nats-Sequence', '9007199254740990');
    forged.set('Nats-Last-Sequence', '0');
    await jetstream(connection).publish(subjectOf(PREFIX, topic), encodeUtf8('forged'), { headers: forged });
    await connection.flush();
    isLost = (text) => text === 'a';
    await publish('a', 'b');
    await expect.poll(sorted).toEqual(['a', 'b', 'forged']);
  });

  it('leaves what was stored before the subscription to the history', async () => {
    await publish('a', 'b');
    delivered.length = 0;
    await live.check();
    await publish('c');
    await live.check();
    expect(delivered).toEqual(['c']);
  });

  it('goes on when the stream was created anew', async () => {
    await live.check();
    await publish('a', 'b', 'c');
    await manager.streams.delete(STREAM);
    await manager.streams.add(natsStreamConfig({ stream: STREAM }));
    isLost = (text) => text === 'e';
    await publish('d');
    await live.check();
    await publish('e', 'f');
    await expect.poll(sorted).toEqual(['a', 'b', 'c', 'd', 'e', 'f']);
  });

  it('is checked when its last message is as large as they may be', async () => {
    await live.check();
    isLost = () => true;
    await jetstream(connection).publish(subjectOf(PREFIX, topic), new Uint8Array(1_000_000));
    await live.check();
    expect(delivered.map(({ length }) => length)).toEqual([1_000_000]);
  });

  it("is refused when the stream doesn't publish again what it stores", async () => {
    const { republish: _, ...config } = natsStreamConfig({ stream: 'OLD', prefix: 'old' });
    await manager.streams.add(config);
    const carrier = createNatsCarrier({
      connect: () => connect({ servers: cluster.urls }),
      stream: 'OLD',
      prefix: 'old',
    });
    await expect(carrier.open({ onEnvelope() {} })).rejects.toMatchObject({
      code: 'TRANSPORT_REFUSED',
      message: expect.stringContaining('natsStreamConfig'),
    });
  });
});
