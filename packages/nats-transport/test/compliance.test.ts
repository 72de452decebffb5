import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { carrierCases } from '@sotto/compliance/carrier';
import { transportCases } from '@sotto/compliance/transport';
import { encodeHex, type SharedKey, type TransportMessage } from '@sotto/core';
import { defaultProvider } from '@sotto/crypto';
import { createMessenger } from '@sotto/messenger';
import { createMemoryStore } from '@sotto/store-adapters/memory';
import { createSealedTransport } from '@sotto/whisper-transport';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createNatsCarrier, natsStreamConfig } from '../src/index.js';
import { NatsCluster, natsServer } from './nats-cluster.js';

const SLOW = 120_000;
const identity = () => defaultProvider().secp256k1.generateKeyPair();

if (natsServer === undefined) {
  const loud = 'NOT TESTED HERE: the carrier over NATS needs a nats-server (apt-get install nats-server).';
  process.stderr.write(`\n!!! ${loud}\n\n`);
}

it('has servers to be tested against, where they are required', () => {
  expect(natsServer !== undefined || process.env['SOTTO_REQUIRE_NATS'] === undefined).toBe(true);
});

describe.skipIf(natsServer === undefined)('a NATS server with JetStream', () => {
  let cluster: NatsCluster;
  const [server] = [() => cluster.servers[0] as NatsCluster['servers'][number]];
  const carrier = () =>
    createNatsCarrier({
      connect: () => connect({ servers: cluster.urls, maxReconnectAttempts: -1, reconnectTimeWait: 250 }),
      stream: 'SOTTO',
    });
  const interrupt = async () => {
    await server().kill();
    await server().start();
  };

  beforeAll(async () => {
    cluster = await NatsCluster.start(1);
    const connection = await connect({ servers: cluster.urls });
    const manager = await jetstreamManager(connection);
    await manager.streams.add(natsStreamConfig({ stream: 'SOTTO' }));
    await connection.close();
  });
  afterAll(() => cluster?.stop());

  describe('as a carrier', () => {
    it.each(carrierCases({ interruptible: true, timeout: 20_000 }))(
      '$name',
      ({ run }) => run({ carrier, interrupt }),
      SLOW,
    );
  });

  describe('without a stream, as a carrier', () => {
    const plain = () =>
      createNatsCarrier({
        connect: () => connect({ servers: cluster.urls, maxReconnectAttempts: -1, reconnectTimeWait: 250 }),
        prefix: 'plain',
      });
    it.each(carrierCases({ interruptible: true, timeout: 20_000 }))(
      '$name',
      ({ run }) => run({ carrier: plain, interrupt }),
      SLOW,
    );
  });

  describe('sealed', () => {
    it.each(transportCases({ pseudonyms: 'both', interruptible: true, timeout: SLOW }))(
      '$name',
      ({ run }) => run({ transport: () => createSealedTransport(carrier()), identity, interrupt }),
      SLOW,
    );
  });

  it('carries what messengers seal once both were heard: the key of their topic shows no identity', async () => {
    const open = async () => {
      const own = identity();
      const messenger = await createMessenger({
        identity: own,
        store: createMemoryStore(),
        transport: createSealedTransport(carrier()),
      });
      let heard = () => {};
      messenger.on('message', async (message) => {
        await message.acknowledge();
        heard();
      });
      await messenger.start();
      const next = () =>
        new Promise<void>((resolve) => {
          heard = resolve;
        });
      return { own, messenger, next };
    };
    const [alice, bob] = [await open(), await open()];
    const seen: TransportMessage[] = [];
    const spy = await createSealedTransport(carrier()).connect({
      identity: identity(),
      onMessage: async (message) => void seen.push(message),
    });
    const { secp256k1 } = defaultProvider();
    const secret = secp256k1.ecdh(alice.own.privateKey, bob.own.publicKey) as SharedKey;
    await spy.subscribe([{ kind: 'negotiated', secret }]);
    await alice.messenger.contacts.add(await bob.messenger.contacts.ownCode());
    for (const [from, to] of [
      [alice, bob],
      [bob, alice],
      [alice, bob],
    ] as const) {
      const heard = to.next();
      await from.messenger.send(to.own.publicKey, Uint8Array.of(1));
      await heard;
    }
    const senders = () => seen.map(({ sender }) => encodeHex(sender));
    await expect.poll(() => new Set(senders()).size, { timeout: 20_000 }).toBe(2);
    for (const { own } of [alice, bob]) expect(senders()).not.toContain(encodeHex(own.publicKey));
    expect(seen.every(({ payload }) => payload[0] === 0 && payload[1] === 1)).toBe(true);
    await spy.close();
    for (const { messenger } of [alice, bob]) await messenger.close();
  }, 60_000);

  it('that is not running is reported as unavailable', async () => {
    const absent = createNatsCarrier({ connect: () => connect({ servers: 'nats://127.0.0.1:1' }) });
    await expect(absent.open({ onEnvelope() {} })).rejects.toMatchObject({ code: 'TRANSPORT_UNAVAILABLE' });
  });

  it('that accepts only smaller messages is refused, with what to set', async () => {
    const large = createNatsCarrier({
      connect: () => connect({ servers: cluster.urls }),
      maxEnvelopeBytes: 2_000_000,
    });
    await expect(large.open({ onEnvelope() {} })).rejects.toMatchObject({
      code: 'TRANSPORT_REFUSED',
      message: expect.stringContaining('maxEnvelopeBytes'),
    });
  });
});
