import { expectSame, expectThat } from '../expectations.js';
import { type CarrierCase, carries, onPipe, type PipeTraits } from './carrier-case.js';

const MANY = 100;

/** That what is published arrives: at whom, how often, in what order. */
export function deliveryCases(traits: PipeTraits & { readonly reorders: boolean }): readonly CarrierCase[] {
  return [
    onPipe('delivery: an envelope arrives with its topic, and not as history', traits, async (pipe) => {
      const sender = await pipe.open();
      const receiver = await pipe.open([pipe.topic]);
      const envelope = await pipe.bring(sender, pipe.topic, [receiver]);
      const arrival = receiver.arrivals.all.find(carries(envelope));
      expectSame([...(arrival?.topic ?? [])], [...pipe.topic], 'topic of the arrival');
      expectSame(arrival?.fromHistory, false, 'fromHistory of what came live');
    }),

    onPipe('delivery: an envelope arrives at all who subscribed', traits, async (pipe) => {
      const sender = await pipe.open();
      const receivers = [
        await pipe.open([pipe.topic]),
        await pipe.open([pipe.topic]),
        await pipe.open([pipe.topic]),
      ];
      await pipe.bring(sender, pipe.topic, receivers);
    }),

    onPipe('delivery: both ways between two who subscribed', traits, async (pipe) => {
      const [a, b] = [await pipe.open([pipe.topic]), await pipe.open([pipe.topic])];
      await pipe.bring(a, pipe.topic, [b]);
      await pipe.bring(b, pipe.topic, [a]);
    }),

    onPipe('delivery: what is not sent does not arrive', traits, async (pipe) => {
      const sender = await pipe.open();
      const receiver = await pipe.open([pipe.topic]);
      const sent = [
        await pipe.bring(sender, pipe.topic, [receiver]),
        await pipe.bring(sender, pipe.topic, [receiver]),
      ];
      const strange = receiver.arrivals.count((arrival) => !sent.some((one) => carries(one)(arrival)));
      expectSame(strange, 0, 'envelopes that nobody sent');
    }),

    ...(traits.loses
      ? []
      : [
          onPipe(`delivery: of ${MANY} sent at once, none is lost`, traits, async (pipe) => {
            const sender = await pipe.open();
            const receiver = await pipe.open([pipe.topic]);
            const sent = await Promise.all(
              Array.from({ length: MANY }, () => pipe.publish(sender, pipe.topic)),
            );
            await Promise.all(
              sent.map((one, i) =>
                pipe.patience.wait(receiver.arrivals.until(carries(one)), `envelope ${i} arrives`),
              ),
            );
          }),
        ]),

    ...(traits.repeats
      ? []
      : [
          onPipe('delivery: each envelope comes once', traits, async (pipe) => {
            const sender = await pipe.open();
            const receiver = await pipe.open([pipe.topic]);
            const sent: Uint8Array[] = [];
            for (let i = 0; i < 20; i++) sent.push(await pipe.publish(sender, pipe.topic));
            await pipe.settle(sender, pipe.topic, [receiver]);
            const counts = sent.map((one) => receiver.count(one));
            expectThat(
              counts.every((count) => count <= 1),
              `no envelope comes twice; they came ${counts.join(', ')} times`,
            );
          }),
        ]),

    ...(traits.reorders || traits.loses
      ? []
      : [
          onPipe('delivery: in the order in which publish resolved', traits, async (pipe) => {
            const sender = await pipe.open();
            const receiver = await pipe.open([pipe.topic]);
            const sent: Uint8Array[] = [];
            for (let i = 0; i < 20; i++) sent.push(await pipe.publish(sender, pipe.topic));
            for (const one of sent)
              await pipe.patience.wait(receiver.arrivals.until(carries(one)), 'all arrive');
            const order = receiver.arrivals.all.map((arrival) =>
              sent.findIndex((one) => carries(one)(arrival)),
            );
            const firsts = order.filter((n, i) => n >= 0 && order.indexOf(n) === i);
            expectSame(firsts, [...sent.keys()], 'order of arrival');
          }),
        ]),
  ];
}
