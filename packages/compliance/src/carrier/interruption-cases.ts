import { expectThat } from '../expectations.js';
import { outcomeOf, untilMended } from '../patience.js';
import { type CarrierCase, type CarrierPlace, onPipe, type PipeTraits } from './carrier-case.js';

/** That a connection mends itself. For places that can interrupt it. */
export function interruptionCases(traits: PipeTraits): readonly CarrierCase[] {
  const { patience } = traits;
  const interrupt = async (place: CarrierPlace) => {
    expectThat(place.interrupt !== undefined, 'the place can interrupt its connections');
    await patience.wait(place.interrupt(), 'the interruption is over');
  };

  return [
    onPipe('interruption: told, mended, and subscribed again', traits, async (pipe, place) => {
      const [sender, receiver] = [await pipe.open(), await pipe.open([pipe.topic])];
      await pipe.bring(sender, pipe.topic, [receiver]);
      await interrupt(place);
      for (const { statuses } of [sender, receiver]) await untilMended(statuses, patience);
      await pipe.bring(sender, pipe.topic, [receiver]);
    }),

    onPipe(
      'interruption: what is published meanwhile is taken or refused as unavailable',
      traits,
      async (pipe, place) => {
        const [sender, receiver] = [await pipe.open(), await pipe.open([pipe.topic])];
        await pipe.bring(sender, pipe.topic, [receiver]);
        const cut = interrupt(place);
        const outcomes = await Promise.all(
          Array.from({ length: 10 }, async () => {
            const envelope = await pipe.envelope(pipe.topic);
            return patience.wait(
              outcomeOf(sender.connection.publish(pipe.topic, envelope)),
              'publish settles',
            );
          }),
        );
        await cut;
        for (const outcome of outcomes) {
          expectThat(
            outcome === 'resolved' || outcome === 'TRANSPORT_UNAVAILABLE',
            `publish resolves or says TRANSPORT_UNAVAILABLE, and not ${outcome}`,
          );
        }
        for (const { statuses } of [sender, receiver]) await untilMended(statuses, patience);
        await pipe.bring(sender, pipe.topic, [receiver]);
      },
    ),

    onPipe('interruption: a connection closed meanwhile stays closed', traits, async (pipe, place) => {
      const [sender, leaving, staying] = [
        await pipe.open(),
        await pipe.open([pipe.topic]),
        await pipe.open([pipe.topic]),
      ];
      await pipe.bring(sender, pipe.topic, [leaving, staying]);
      const cut = interrupt(place);
      await patience.wait(leaving.connection.close(), 'close resolves');
      const before = leaving.arrivals.all.length;
      await cut;
      for (const { statuses } of [sender, staying]) await untilMended(statuses, patience);
      await pipe.settle(sender, pipe.topic, [staying]);
      expectThat(leaving.arrivals.all.length === before, 'nothing arrives at a closed connection');
    }),
  ];
}
