import type { Topic } from '@sotto/core';
import { copyBytes } from '@sotto/core';
import { expectRejection, expectSame } from '../support/expectations.js';
import { notBytes, oddBytes } from '../support/odd-bytes.js';
import { ATTEMPTS, type CarrierCase, type CarrierTraits, carries, onCarrier } from './carrier-case.js';

/** That bytes arrive as they were sent, and who owns them. */
export function bytesCases(traits: CarrierTraits): readonly CarrierCase[] {
  return [
    onCarrier('bytes: contents of many sizes arrive unaltered', traits, async (network) => {
      const sender = await network.open();
      const receiver = await network.open([network.topic]);
      for (const size of [32, 255, 256, 257, 1_023, 4_096, 65_535, 65_536]) {
        await network.bring(sender, network.topic, [receiver], size);
      }
    }),

    onCarrier(
      'bytes: the largest envelope arrives, and one larger is refused',
      traits,
      async (network, fixture) => {
        const { maxEnvelopeBytes } = fixture.carrier().capabilities;
        const sender = await network.open();
        const receiver = await network.open([network.topic]);
        const largest = await network.envelopeOf(network.topic, maxEnvelopeBytes);
        await network.carry(sender, network.topic, [receiver], largest);
        const tooLarge = await network.envelopeOf(network.topic, maxEnvelopeBytes + 1);
        const refused = sender.connection.publish(network.topic, tooLarge);
        await network.timeLimit.wait(
          expectRejection(refused, 'LIMIT_EXCEEDED', 'publish'),
          'publish settles',
        );
        await network.settle(sender, network.topic, [receiver]);
        expectSame(receiver.count(tooLarge), 0, 'arrivals of an envelope that was refused');
      },
    ),

    onCarrier('bytes: they belong to the sender again when publish resolves', traits, async (network) => {
      const sender = await network.open();
      const receiver = await network.open([network.topic]);
      const sent: Uint8Array[] = [];
      for (let i = 0; i < 10; i++) {
        const envelope = await network.envelope(network.topic, 500);
        sent.push(copyBytes(envelope));
        const topic = copyBytes(network.topic);
        await network.timeLimit.wait(sender.connection.publish(topic, envelope), 'publish resolves');
        envelope.fill(0);
        topic.fill(0);
      }
      await network.settle(sender, network.topic, [receiver]);
      const strange = receiver.arrivals.count(({ envelope }) => envelope.every((byte) => byte === 0));
      expectSame(strange, 0, 'envelopes that changed with the bytes of their sender');
      if (!traits.loses) {
        for (const one of sent)
          await network.timeLimit.wait(receiver.arrivals.until(carries(one)), 'it arrives');
      }
    }),

    onCarrier('bytes: every kind of Uint8Array is accepted, and copied', traits, async (network) => {
      const sender = await network.open();
      const receiver = await network.open([network.topic]);
      const kinds = [...oddBytes(new Uint8Array(1)).keys()];
      for (const kind of kinds) {
        const envelope = await network.envelope(network.topic, 300);
        // Repeated where envelopes get lost; each time the bytes belong to the sender again.
        for (let i = 0; i < (traits.loses ? ATTEMPTS : 1); i++) {
          const lent = [network.topic, envelope].map((bytes) => oddBytes(bytes).get(kind)) as [
            Topic,
            Uint8Array,
          ];
          await network.timeLimit.wait(sender.connection.publish(...lent), `publish of ${kind} resolves`);
          for (const bytes of lent) bytes.fill(0);
        }
        await network.timeLimit.wait(
          receiver.arrivals.until(carries(envelope)),
          `the envelope in ${kind} arrives`,
        );
      }
    }),

    onCarrier('bytes: anything but a Uint8Array is refused', traits, async (network) => {
      const sender = await network.open();
      for (const [kind, other] of notBytes(await network.envelope(network.topic))) {
        const refused = sender.connection.publish(network.topic, other);
        await network.timeLimit.wait(
          expectRejection(refused, 'INVALID_ARGUMENT', `publish of ${kind}`),
          'it settles',
        );
      }
    }),

    onCarrier('bytes: what arrives belongs only to its receiver', traits, async (network) => {
      const sender = await network.open();
      const careless = await network.open([network.topic], ({ topic, envelope }) => {
        topic.fill(0xee);
        envelope.fill(0xee);
      });
      const careful = await network.open([network.topic]);
      const another = await network.open([network.topic], ({ envelope }) => envelope.fill(0xdd));
      for (let i = 0; i < 5; i++) await network.bring(sender, network.topic, [careless, careful, another]);
    }),
  ];
}
