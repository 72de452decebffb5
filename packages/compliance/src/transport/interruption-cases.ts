import { expectThat } from '../support/expectations.js';
import { outcomeOf, type TimeLimit, untilMended } from '../support/time-limit.js';
import { holds, onNetwork, type TransportCase, type TransportFixture } from './transport-case.js';

/** That a connection restores itself. For fixtures that can interrupt it. */
export function interruptionCases(timeLimit: TimeLimit): readonly TransportCase[] {
  const interrupt = async (fixture: TransportFixture) => {
    expectThat(fixture.interrupt !== undefined, 'the fixture can interrupt its connections');
    await timeLimit.wait(fixture.interrupt(), 'the interruption is over');
  };

  return [
    onNetwork(
      'interruption: reported, restored, and subscribed again',
      timeLimit,
      async (network, fixture) => {
        const alice = await network.connect();
        const bob = await network.connect(() => [network.chat]);
        await network.bring(alice, network.chat, [bob]);
        await interrupt(fixture);
        for (const { statuses } of [alice, bob]) await untilMended(statuses, timeLimit);
        await network.bring(alice, network.chat, [bob]);
      },
    ),

    onNetwork(
      'interruption: what is sent meanwhile arrives, or is refused as unavailable',
      timeLimit,
      async (network, fixture) => {
        const alice = await network.connect();
        const bob = await network.connect(() => [network.chat]);
        await network.bring(alice, network.chat, [bob]);
        const cut = interrupt(fixture);
        const sends = await Promise.all(
          Array.from({ length: 5 }, async () => {
            const payload = network.payload();
            const outcome = await timeLimit.wait(
              outcomeOf(alice.connection.send(network.chat, payload)),
              'send settles',
            );
            return { payload, outcome };
          }),
        );
        await cut;
        for (const { payload, outcome } of sends) {
          expectThat(
            outcome === 'resolved' || outcome === 'TRANSPORT_UNAVAILABLE',
            `send resolves or says TRANSPORT_UNAVAILABLE, and not ${outcome}`,
          );
          if (outcome === 'resolved') continue;
          for (const { statuses } of [alice, bob]) await untilMended(statuses, timeLimit);
          await timeLimit.wait(
            alice.connection.send(network.chat, payload),
            'the same message is accepted afterwards',
          );
          await timeLimit.wait(bob.arrivals.until(holds(payload)), 'it arrives');
        }
      },
    ),
  ];
}
