import { expectThat } from '../support/expectations.js';
import { outcomeOf, untilMended } from '../support/time-limit.js';
import { type CarrierCase, type CarrierFixture, type CarrierTraits, onCarrier } from './carrier-case.js';

/** That a connection restores itself. For fixtures that can interrupt it. */
export function interruptionCases(traits: CarrierTraits): readonly CarrierCase[] {
  const { timeLimit } = traits;
  const interrupt = async (fixture: CarrierFixture) => {
    expectThat(fixture.interrupt !== undefined, 'the fixture can interrupt its connections');
    await timeLimit.wait(fixture.interrupt(), 'the interruption is over');
  };

  return [
    onCarrier('interruption: reported, restored, and subscribed again', traits, async (network, fixture) => {
      const [sender, receiver] = [await network.open(), await network.open([network.topic])];
      await network.bring(sender, network.topic, [receiver]);
      await interrupt(fixture);
      for (const { statuses } of [sender, receiver]) await untilMended(statuses, timeLimit);
      await network.bring(sender, network.topic, [receiver]);
    }),

    onCarrier(
      'interruption: what is published meanwhile is accepted or refused as unavailable',
      traits,
      async (network, fixture) => {
        const [sender, receiver] = [await network.open(), await network.open([network.topic])];
        await network.bring(sender, network.topic, [receiver]);
        const cut = interrupt(fixture);
        const outcomes = await Promise.all(
          Array.from({ length: 10 }, async () => {
            const envelope = await network.envelope(network.topic);
            return timeLimit.wait(
              outcomeOf(sender.connection.publish(network.topic, envelope)),
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
        for (const { statuses } of [sender, receiver]) await untilMended(statuses, timeLimit);
        await network.bring(sender, network.topic, [receiver]);
      },
    ),

    onCarrier(
      'interruption: a connection closed meanwhile stays closed',
      traits,
      async (network, fixture) => {
        const [sender, leaving, staying] = [
          await network.open(),
          await network.open([network.topic]),
          await network.open([network.topic]),
        ];
        await network.bring(sender, network.topic, [leaving, staying]);
        const cut = interrupt(fixture);
        await timeLimit.wait(leaving.connection.close(), 'close resolves');
        const before = leaving.arrivals.all.length;
        await cut;
        for (const { statuses } of [sender, staying]) await untilMended(statuses, timeLimit);
        await network.settle(sender, network.topic, [staying]);
        expectThat(leaving.arrivals.all.length === before, 'nothing arrives at a closed connection');
      },
    ),
  ];
}
