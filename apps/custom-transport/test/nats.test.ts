import { carrierCases } from '@sotto/compliance/carrier';
import { transportCases } from '@sotto/compliance/transport';
import { defaultProvider } from '@sotto/crypto';
import { createSealedTransport } from '@sotto/whisper-transport';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createNatsCarrier } from '../src/nats.js';
import { Broker, natsServer } from './nats-server.js';

const SLOW = 120_000;
const identity = () => defaultProvider().secp256k1.generateKeyPair();

if (natsServer === undefined) {
  const loud =
    'NOT TESTED HERE: the carrier over NATS wants a nats-server (Debian: apt-get install nats-server).';
  process.stderr.write(`\n!!! ${loud}\n\n`);
}

it('has a broker to be tested against, where one is required', () => {
  expect(natsServer !== undefined || process.env['SOTTO_REQUIRE_NATS'] === undefined).toBe(true);
});

describe.skipIf(natsServer === undefined)('a NATS broker as a carrier', () => {
  let broker: Broker;
  beforeAll(async () => {
    broker = await Broker.start();
  });
  afterAll(() => broker?.stop());

  it.each(carrierCases({ interruptible: true, timeout: 20_000 }))(
    '$name',
    async ({ run }) => {
      await run({
        carrier: () => createNatsCarrier(broker.url),
        async interrupt() {
          await broker.stop();
          await broker.start();
        },
      });
    },
    SLOW,
  );

  it("that isn't running is reported as unavailable", async () => {
    const opening = createNatsCarrier('nats://127.0.0.1:1').open({ onEnvelope() {} });
    await expect(opening).rejects.toMatchObject({ code: 'TRANSPORT_UNAVAILABLE' });
  });
});

describe.skipIf(natsServer === undefined)('a NATS broker, sealed', () => {
  let broker: Broker;
  beforeAll(async () => {
    broker = await Broker.start();
  });
  afterAll(() => broker?.stop());

  it.each(transportCases({ pseudonyms: 'both', interruptible: true, timeout: SLOW }))(
    '$name',
    async ({ run }) => {
      const transport = createSealedTransport(createNatsCarrier(broker.url));
      await run({
        transport: () => transport,
        identity,
        async interrupt() {
          await broker.stop();
          await broker.start();
        },
      });
    },
    SLOW,
  );
});
