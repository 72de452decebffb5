import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { carrierCases } from '@sotto/compliance/carrier';
import { transportCases } from '@sotto/compliance/transport';
import { defaultProvider } from '@sotto/crypto';
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
