import { expectSame, expectThat } from '../support/expectations.js';
import { type CarrierCase, type CarrierTraits, carries, onCarrier } from './carrier-case.js';

const MANY = 100;

/** That what is published arrives: where, how often, and in what order. */
export function deliveryCases(
  traits: CarrierTraits & { readonly reorders: boolean },
): readonly CarrierCase[] {
  return [
    onCarrier('delivery: an envelope arrives with its topic, and not as history', traits, async (network) => {
      const sender = await network.open();
      const receiver = await network.open([network.topic]);
      const envelope = await network.bring(sender, network.topic, [receiver]);
      const arrival = receiver.arrivals.all.find(carries(envelope));
      expectSame([...(arrival?.topic ?? [])], [...network.topic], 'topic of the arrival');
      expectSame(arrival?.fromHistory, false, 'fromHistory of what came live');
    }),

    onCarrier('delivery: an envelope arrives at all subscribers', traits, async (network) => {
      const sender = await network.open();
      const receivers = [
        await network.open([network.topic]),
        await network.open([network.topic]),
        await network.open([network.topic]),
      ];
      await network.bring(sender, network.topic, receivers);
    }),

    onCarrier('delivery: both ways between two subscribers', traits, async (network) => {
      const [a, b] = [await network.open([network.topic]), await network.open([network.topic])];
      await network.bring(a, network.topic, [b]);
      await network.bring(b, network.topic, [a]);
    }),

    onCarrier('delivery: what is not sent does not arrive', traits, async (network) => {
      const sender = await network.open();
      const receiver = await network.open([network.topic]);
      const sent = [
        await network.bring(sender, network.topic, [receiver]),
        await network.bring(sender, network.topic, [receiver]),
      ];
      const strange = receiver.arrivals.count((arrival) => !sent.some((one) => carries(one)(arrival)));
      expectSame(strange, 0, 'envelopes that no one sent');
    }),

    ...(traits.loses
      ? []
      : [
          onCarrier(`delivery: of ${MANY} sent concurrently, none is lost`, traits, async (network) => {
            const sender = await network.open();
            const receiver = await network.open([network.topic]);
            const sent = await Promise.all(
              Array.from({ length: MANY }, () => network.publish(sender, network.topic)),
            );
            await Promise.all(
              sent.map((one, i) =>
                network.timeLimit.wait(receiver.arrivals.until(carries(one)), `envelope ${i} arrives`),
              ),
            );
          }),
        ]),

    ...(traits.repeats
      ? []
      : [
          onCarrier('delivery: each envelope arrives once', traits, async (network) => {
            const sender = await network.open();
            const receiver = await network.open([network.topic]);
            const sent: Uint8Array[] = [];
            for (let i = 0; i < 20; i++) sent.push(await network.publish(sender, network.topic));
            await network.settle(sender, network.topic, [receiver]);
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
          onCarrier('delivery: in the order in which publish resolved', traits, async (network) => {
            const sender = await network.open();
            const receiver = await network.open([network.topic]);
            const sent: Uint8Array[] = [];
            for (let i = 0; i < 20; i++) sent.push(await network.publish(sender, network.topic));
            for (const one of sent)
              await network.timeLimit.wait(receiver.arrivals.until(carries(one)), 'all arrive');
            const order = receiver.arrivals.all.map((arrival) =>
              sent.findIndex((one) => carries(one)(arrival)),
            );
            const firsts = order.filter((n, i) => n >= 0 && order.indexOf(n) === i);
            expectSame(firsts, [...sent.keys()], 'order of arrival');
          }),
        ]),
  ];
}
