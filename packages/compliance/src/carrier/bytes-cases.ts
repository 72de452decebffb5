import { expectRejection, expectSame } from '../expectations.js';
import { type CarrierCase, carries, onPipe, type PipeTraits, topicOf } from './carrier-case.js';

const TOPIC = topicOf(1);

/** That bytes arrive as they were sent, and whose they are. */
export function bytesCases(traits: PipeTraits): readonly CarrierCase[] {
  return [
    onPipe('bytes: contents of many sizes arrive unaltered', traits, async (pipe) => {
      const sender = await pipe.open();
      const receiver = await pipe.open([TOPIC]);
      for (const size of [32, 255, 256, 257, 1_023, 4_096, 65_535, 65_536]) {
        await pipe.bring(sender, TOPIC, [receiver], size);
      }
    }),

    onPipe('bytes: the largest envelope arrives, and one larger is refused', traits, async (pipe, place) => {
      const { maxEnvelopeBytes } = place.carrier().capabilities;
      const sender = await pipe.open();
      const receiver = await pipe.open([TOPIC]);
      const largest = await pipe.envelopeOf(TOPIC, maxEnvelopeBytes);
      await pipe.carry(sender, TOPIC, [receiver], largest);
      const tooLarge = await pipe.envelopeOf(TOPIC, maxEnvelopeBytes + 1);
      const refused = sender.connection.publish(TOPIC, tooLarge);
      await pipe.patience.wait(expectRejection(refused, 'LIMIT_EXCEEDED', 'publish'), 'publish settles');
      await pipe.settle(sender, TOPIC, [receiver]);
      expectSame(receiver.count(tooLarge), 0, 'arrivals of an envelope that was refused');
    }),

    onPipe('bytes: the sender has its own back when publish resolves', traits, async (pipe) => {
      const sender = await pipe.open();
      const receiver = await pipe.open([TOPIC]);
      const sent: Uint8Array[] = [];
      for (let i = 0; i < 10; i++) {
        const envelope = await pipe.envelope(TOPIC, 500);
        sent.push(envelope.slice());
        const topic = TOPIC.slice();
        await pipe.patience.wait(sender.connection.publish(topic, envelope), 'publish resolves');
        envelope.fill(0);
        topic.fill(0);
      }
      await pipe.settle(sender, TOPIC, [receiver]);
      const strange = receiver.arrivals.count(({ envelope }) => envelope.every((byte) => byte === 0));
      expectSame(strange, 0, 'envelopes that changed with the bytes of their sender');
      if (!traits.loses) {
        for (const one of sent) await pipe.patience.wait(receiver.arrivals.until(carries(one)), 'it arrives');
      }
    }),

    onPipe('bytes: what arrives belongs to its receiver alone', traits, async (pipe) => {
      const sender = await pipe.open();
      const careless = await pipe.open([TOPIC], ({ topic, envelope }) => {
        topic.fill(0xee);
        envelope.fill(0xee);
      });
      const careful = await pipe.open([TOPIC]);
      const another = await pipe.open([TOPIC], ({ envelope }) => envelope.fill(0xdd));
      for (let i = 0; i < 5; i++) await pipe.bring(sender, TOPIC, [careless, careful, another]);
    }),
  ];
}
