import type { Topic } from '@sotto/core';
import { copyBytes } from '@sotto/core';
import { expectRejection, expectSame } from '../expectations.js';
import { notBytes, oddBytes } from '../odd-bytes.js';
import { type CarrierCase, carries, onPipe, type PipeTraits } from './carrier-case.js';

/** That bytes arrive as they were sent, and whose they are. */
export function bytesCases(traits: PipeTraits): readonly CarrierCase[] {
  return [
    onPipe('bytes: contents of many sizes arrive unaltered', traits, async (pipe) => {
      const sender = await pipe.open();
      const receiver = await pipe.open([pipe.topic]);
      for (const size of [32, 255, 256, 257, 1_023, 4_096, 65_535, 65_536]) {
        await pipe.bring(sender, pipe.topic, [receiver], size);
      }
    }),

    onPipe('bytes: the largest envelope arrives, and one larger is refused', traits, async (pipe, place) => {
      const { maxEnvelopeBytes } = place.carrier().capabilities;
      const sender = await pipe.open();
      const receiver = await pipe.open([pipe.topic]);
      const largest = await pipe.envelopeOf(pipe.topic, maxEnvelopeBytes);
      await pipe.carry(sender, pipe.topic, [receiver], largest);
      const tooLarge = await pipe.envelopeOf(pipe.topic, maxEnvelopeBytes + 1);
      const refused = sender.connection.publish(pipe.topic, tooLarge);
      await pipe.patience.wait(expectRejection(refused, 'LIMIT_EXCEEDED', 'publish'), 'publish settles');
      await pipe.settle(sender, pipe.topic, [receiver]);
      expectSame(receiver.count(tooLarge), 0, 'arrivals of an envelope that was refused');
    }),

    onPipe('bytes: the sender has its own back when publish resolves', traits, async (pipe) => {
      const sender = await pipe.open();
      const receiver = await pipe.open([pipe.topic]);
      const sent: Uint8Array[] = [];
      for (let i = 0; i < 10; i++) {
        const envelope = await pipe.envelope(pipe.topic, 500);
        sent.push(copyBytes(envelope));
        const topic = copyBytes(pipe.topic);
        await pipe.patience.wait(sender.connection.publish(topic, envelope), 'publish resolves');
        envelope.fill(0);
        topic.fill(0);
      }
      await pipe.settle(sender, pipe.topic, [receiver]);
      const strange = receiver.arrivals.count(({ envelope }) => envelope.every((byte) => byte === 0));
      expectSame(strange, 0, 'envelopes that changed with the bytes of their sender');
      if (!traits.loses) {
        for (const one of sent) await pipe.patience.wait(receiver.arrivals.until(carries(one)), 'it arrives');
      }
    }),

    onPipe('bytes: every kind of Uint8Array is taken, and copied', traits, async (pipe) => {
      const sender = await pipe.open();
      const receiver = await pipe.open([pipe.topic]);
      const kinds = [...oddBytes(new Uint8Array(1)).keys()];
      for (const kind of kinds) {
        const envelope = await pipe.envelope(pipe.topic, 300);
        // More than once where envelopes get lost; each time they are the sender's again.
        for (let i = 0; i < (traits.loses ? 5 : 1); i++) {
          const lent = [pipe.topic, envelope].map((bytes) => oddBytes(bytes).get(kind)) as [
            Topic,
            Uint8Array,
          ];
          await pipe.patience.wait(sender.connection.publish(...lent), `publish of ${kind} resolves`);
          for (const bytes of lent) bytes.fill(0);
        }
        await pipe.patience.wait(
          receiver.arrivals.until(carries(envelope)),
          `the envelope in ${kind} arrives`,
        );
      }
    }),

    onPipe('bytes: what is no Uint8Array is refused', traits, async (pipe) => {
      const sender = await pipe.open();
      for (const [kind, other] of notBytes(await pipe.envelope(pipe.topic))) {
        const refused = sender.connection.publish(pipe.topic, other);
        await pipe.patience.wait(
          expectRejection(refused, 'INVALID_ARGUMENT', `publish of ${kind}`),
          'it settles',
        );
      }
    }),

    onPipe('bytes: what arrives belongs to its receiver alone', traits, async (pipe) => {
      const sender = await pipe.open();
      const careless = await pipe.open([pipe.topic], ({ topic, envelope }) => {
        topic.fill(0xee);
        envelope.fill(0xee);
      });
      const careful = await pipe.open([pipe.topic]);
      const another = await pipe.open([pipe.topic], ({ envelope }) => envelope.fill(0xdd));
      for (let i = 0; i < 5; i++) await pipe.bring(sender, pipe.topic, [careless, careful, another]);
    }),
  ];
}
