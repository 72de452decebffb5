import { readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { type JetStreamManager, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';
import { decodeUtf8, encodeUtf8 } from '@sotto/core';
import { defaultProvider } from '@sotto/crypto';
import { createMessenger } from '@sotto/messenger';
import { createMemoryStore } from '@sotto/store-adapters/memory';
import { repetitions } from '@sotto/testing/long';
import { createSealedTransport } from '@sotto/whisper-transport';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createNatsCarrier, natsStreamConfig } from '../src/index.js';
import { NatsCluster, natsServer } from './nats-cluster.js';

const MESSAGES = repetitions(1_000, 4_000);
const STREAM = 'SOTTO';

/** Waits until something is so. */
async function until(isSo: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (!(await isSo().catch(() => false))) {
    if (Date.now() > deadline) throw new Error('It did not happen within a minute.');
    await setTimeout(250);
  }
}

/** Waits until the stream has a leader and all its replicas are current. */
function settled(manager: JetStreamManager): Promise<void> {
  return until(async () => {
    const { cluster } = await manager.streams.info(STREAM);
    return cluster?.leader !== undefined && (cluster.replicas ?? []).every(({ current }) => current);
  });
}

describe.skipIf(natsServer === undefined)('a cluster of three servers', () => {
  let cluster: NatsCluster;
  let operator: NatsConnection;
  let manager: JetStreamManager;

  beforeAll(async () => {
    cluster = await NatsCluster.start(3);
    operator = await connect({ servers: cluster.urls, maxReconnectAttempts: -1, reconnectTimeWait: 100 });
    await until(async () => {
      manager = await jetstreamManager(operator);
      await manager.streams.add(natsStreamConfig({ stream: STREAM, replicas: 3 }));
      return true;
    });
    await settled(manager);
  });
  afterAll(async () => {
    await operator?.close();
    await cluster?.stop();
  });

  const transport = () =>
    createSealedTransport(
      createNatsCarrier({
        connect: () => connect({ servers: cluster.urls, maxReconnectAttempts: -1, reconnectTimeWait: 100 }),
        stream: STREAM,
      }),
    );

  it(`${MESSAGES} messages, while one server is killed after the other and comes back: none is lost, none comes twice`, async () => {
    const crypto = defaultProvider();
    const open = () =>
      createMessenger({
        identity: crypto.secp256k1.generateKeyPair(),
        store: createMemoryStore(),
        transport: transport(),
      });
    const [alice, bob] = [await open(), await open()];
    const read = new Map<string, number>();
    bob.on('message', async ({ payload, acknowledge }) => {
      const text = decodeUtf8(payload);
      read.set(text, (read.get(text) ?? 0) + 1);
      await acknowledge();
    });
    const retry = { retry: true } as const;
    await Promise.all([alice.start(retry), bob.start(retry)]);
    const { identity } = await alice.contacts.add(await bob.contacts.ownCode());
    await bob.contacts.add(await alice.contacts.ownCode());

    const leader = (await manager.streams.info(STREAM)).cluster?.leader;
    const first = cluster.servers[Number(leader?.slice(-1))] as NatsCluster['servers'][number];
    const second = cluster.servers.find((server) => server !== first) as typeof first;
    for (let i = 0; i < MESSAGES; i++) {
      if (i === Math.floor(MESSAGES * 0.2)) await first.kill();
      if (i === Math.floor(MESSAGES * 0.5)) {
        await first.start();
        await settled(manager);
        await second.kill();
      }
      if (i === Math.floor(MESSAGES * 0.8)) await second.start();
      await alice.send(identity, encodeUtf8(`message ${i}`));
    }
    await alice.flushed();
    await expect.poll(() => read.size, { timeout: 120_000, interval: 250 }).toBe(MESSAGES);
    expect([...read.values()].filter((times) => times !== 1)).toEqual([]);
    expect((await alice.outbox.pending()).size).toBe(0);
    await Promise.all([alice.close(), bob.close()]);
  }, 600_000);

  it('someone offline meanwhile reads from history what was sent, also when a server is killed while reading', async () => {
    await settled(manager);
    const topic = Uint8Array.from([1, 2, 3, 4]);
    const carrier = createNatsCarrier({
      connect: () => connect({ servers: cluster.urls, maxReconnectAttempts: -1, reconnectTimeWait: 100 }),
      stream: STREAM,
    });
    const from = Date.now();
    const sender = await carrier.open({ onEnvelope() {} });
    for (let i = 0; i < 1_000; i++)
      await sender.publish(topic, encodeUtf8(`envelope ${i} ${'.'.repeat(500)}`));
    const received = new Set<string>();
    let killed: Promise<void> | undefined;
    const leader = (await manager.streams.info(STREAM)).cluster?.leader;
    const server = cluster.servers[Number(leader?.slice(-1))] as NatsCluster['servers'][number];
    const reader = await carrier.open({
      onEnvelope(_, envelope) {
        received.add(decodeUtf8(envelope));
        if (received.size === 200) killed = server.kill();
      },
    });
    await reader.subscribe([topic]);
    await reader.history?.([topic], from, Date.now() + 1_000);
    expect(received.size).toBe(1_000);
    await killed;
    await server.start();
    await Promise.all([sender.close(), reader.close()]);
  }, 120_000);
});

describe.skipIf(natsServer === undefined)('the example of permissions', () => {
  let cluster: NatsCluster;
  const open: NatsConnection[] = [];
  const as = async (user: string) => {
    const connection = await connect({ servers: cluster.urls, user, pass: `${user}-password` });
    open.push(connection);
    return connection;
  };

  beforeAll(async () => {
    const accounts = readFileSync(new URL('../nats-accounts.conf', import.meta.url), 'utf8')
      .replace('$OPERATOR_PASSWORD', 'operator-password')
      .replace('$CLIENT_PASSWORD', 'client-password');
    cluster = await NatsCluster.start(1, accounts);
    const manager = await jetstreamManager(await as('operator'));
    await manager.streams.add(natsStreamConfig({ stream: STREAM, maxEnvelopesPerTopic: 100 }));
  });
  afterEach(async () => {
    for (const connection of open.splice(0)) await connection.close();
  });
  afterAll(() => cluster?.stop());

  it('lets clients publish, receive, and read the history', async () => {
    const carrier = createNatsCarrier({ connect: () => as('client'), stream: STREAM });
    const topic = Uint8Array.from([9, 9, 9, 9]);
    const received: [string, boolean][] = [];
    const connection = await carrier.open({
      onEnvelope: (_, envelope, fromHistory) => void received.push([decodeUtf8(envelope), fromHistory]),
    });
    await connection.subscribe([topic]);
    await connection.publish(topic, encodeUtf8('hello'));
    await expect.poll(() => received).toEqual([['hello', false]]);
    await connection.history?.([topic], Date.now() - 60_000, Date.now() + 1_000);
    expect(received.at(-1)).toEqual(['hello', true]);
    await connection.close();
  });

  it.each([
    [
      'the list of topics',
      (manager: JetStreamManager) => manager.streams.info(STREAM, { subjects_filter: '>' }),
    ],
    ['the names of streams', (manager: JetStreamManager) => manager.streams.names().next()],
    ['the state of the stream', (manager: JetStreamManager) => manager.streams.info(STREAM)],
    ['the list of consumers', (manager: JetStreamManager) => manager.consumers.list(STREAM).next()],
    ['deleting envelopes', (manager: JetStreamManager) => manager.streams.purge(STREAM)],
    ['deleting the stream', (manager: JetStreamManager) => manager.streams.delete(STREAM)],
    [
      'another stream',
      (manager: JetStreamManager) => manager.streams.add({ name: 'OTHER', subjects: ['other.>'] }),
    ],
  ])('keeps %s from clients', async (_, attempt) => {
    const manager = await jetstreamManager(await as('client'), { checkAPI: false, timeout: 1_000 });
    await expect(attempt(manager)).rejects.toThrow();
  });

  it.each(['>', '$JS.>', '$SYS.>'])('keeps a subscription to %s from clients', async (subject) => {
    const connection = await as('client');
    const subscription = connection.subscribe(subject);
    const refused = new Promise<unknown>((resolve) => {
      (async () => {
        for await (const _ of subscription);
      })().then(resolve, resolve);
    });
    await connection.flush();
    expect(await refused).toMatchObject({ name: 'PermissionViolationError' });
  });

  it('keeps publishing as the stream does, with sequences of their own, from clients', async () => {
    const connection = await as('client');
    const forged = connection.request('sotto.live.01020304', 'forged');
    await expect(forged).rejects.toMatchObject({ cause: { name: 'PermissionViolationError' } });
  });

  it('a flood of one topic costs only that topic', async () => {
    const carrier = createNatsCarrier({ connect: () => as('client'), stream: STREAM });
    const connection = await carrier.open({ onEnvelope() {} });
    const [flooded, other] = [Uint8Array.from([7, 7, 7, 7]), Uint8Array.from([8, 8, 8, 8])];
    await connection.publish(other, encodeUtf8('stays'));
    for (let i = 0; i < 300; i++) await connection.publish(flooded, encodeUtf8(`flood ${i}`));
    const manager = await jetstreamManager(await as('operator'));
    const { state } = await manager.streams.info(STREAM, { subjects_filter: 'sotto.*' });
    expect(state.subjects).toMatchObject({ 'sotto.07070707': 100, 'sotto.08080808': 1 });
    await connection.close();
  });
});
