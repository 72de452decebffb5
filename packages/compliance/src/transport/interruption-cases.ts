import { expectThat } from '../expectations.js';
import { outcomeOf, type Patience, untilMended } from '../patience.js';
import { holds, onNetwork, type TransportCase, type TransportPlace } from './transport-case.js';

/** That a connection mends itself. For places that can interrupt it. */
export function interruptionCases(patience: Patience): readonly TransportCase[] {
  const interrupt = async (place: TransportPlace) => {
    expectThat(place.interrupt !== undefined, 'the place can interrupt its connections');
    await patience.wait(place.interrupt(), 'the interruption is over');
  };

  return [
    onNetwork('interruption: told, mended, and listened again', patience, async (network, place) => {
      const alice = await network.connect();
      const bob = await network.connect(() => [network.chat]);
      await network.bring(alice, network.chat, [bob]);
      await interrupt(place);
      for (const { statuses } of [alice, bob]) await untilMended(statuses, patience);
      await network.bring(alice, network.chat, [bob]);
    }),

    onNetwork(
      'interruption: what is sent meanwhile arrives, or is refused as unavailable',
      patience,
      async (network, place) => {
        const alice = await network.connect();
        const bob = await network.connect(() => [network.chat]);
        await network.bring(alice, network.chat, [bob]);
        const cut = interrupt(place);
        const sends = await Promise.all(
          Array.from({ length: 5 }, async () => {
            const payload = network.payload();
            const outcome = await patience.wait(
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
          for (const { statuses } of [alice, bob]) await untilMended(statuses, patience);
          await patience.wait(
            alice.connection.send(network.chat, payload),
            'the same message is taken afterwards',
          );
          await patience.wait(bob.arrivals.until(holds(payload)), 'it arrives');
        }
      },
    ),
  ];
}
