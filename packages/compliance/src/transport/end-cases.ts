import { expectRejection, expectSame, expectThat } from '../support/expectations.js';
import { outcomeOf, type TimeLimit } from '../support/time-limit.js';
import { onNetwork, type TransportCase } from './transport-case.js';

const MANY = 20;

/** What closing and aborting stop, and what they don't affect. */
export function endCases(timeLimit: TimeLimit): readonly TransportCase[] {
  return [
    onNetwork(
      'close: afterwards every call is refused, and closing again is fine',
      timeLimit,
      async (network) => {
        const { connection } = await network.connect(() => [network.chat]);
        await timeLimit.wait(connection.close(), 'close resolves');
        await timeLimit.wait(connection.close(), 'closing twice resolves');
        const request = { channels: [network.chat], from: 0, to: 1 };
        const calls = [
          ['send', connection.send(network.chat, network.payload())],
          ['subscribe', connection.subscribe([network.chat])],
          ...(connection.history ? ([['history', connection.history(request)]] as const) : []),
        ] as const;
        for (const [what, call] of calls) {
          await timeLimit.wait(expectRejection(call, 'CLOSED', what), `${what} settles`);
        }
      },
    ),

    onNetwork(
      'close: nothing arrives afterwards, and the others are unaffected',
      timeLimit,
      async (network) => {
        const alice = await network.connect();
        const [leaving, staying] = [
          await network.connect(() => [network.chat]),
          await network.connect(() => [network.chat]),
        ];
        await network.bring(alice, network.chat, [leaving, staying]);
        await timeLimit.wait(leaving.connection.close(), 'close resolves');
        const before = leaving.arrivals.all.length;
        await network.settle(alice, network.chat, [staying]);
        expectSame(leaving.arrivals.all.length, before, 'arrivals at a closed connection');
      },
    ),

    onNetwork('close: in the middle of many sends, each of them settles', timeLimit, async (network) => {
      const alice = await network.connect();
      const sends = Array.from({ length: MANY }, () =>
        outcomeOf(alice.connection.send(network.chat, network.payload())),
      );
      await timeLimit.wait(alice.connection.close(), 'close resolves');
      const outcomes = await timeLimit.wait(Promise.all(sends), 'every send settles');
      const strange = outcomes.filter((outcome) => outcome !== 'resolved' && outcome !== 'CLOSED');
      expectSame(strange, [], 'outcomes other than resolved and CLOSED');
    }),

    onNetwork('close: while the receiver is busy with a message, it ends', timeLimit, async (network) => {
      const alice = await network.connect();
      let busy = () => {};
      const begun = new Promise<void>((resolve) => {
        busy = resolve;
      });
      const bob = await network.connect(
        () => [network.chat],
        () => {
          busy();
          return new Promise<void>(() => {});
        },
      );
      await network.send(alice, network.chat);
      await timeLimit.wait(begun, 'the message arrives');
      await timeLimit.wait(bob.connection.close(), 'close resolves');
    }),

    onNetwork('close: one identity may connect again', timeLimit, async (network) => {
      const alice = await network.connect();
      const bob = await network.connect(() => [network.chat]);
      await timeLimit.wait(bob.connection.close(), 'close resolves');
      const again = await network.connect(
        () => [network.chat],
        () => {},
        bob.identity,
      );
      await network.bring(alice, network.chat, [again]);
    }),

    onNetwork(
      'abort: a signal that has fired stops connect, send and history',
      timeLimit,
      async (network, fixture) => {
        const signal = AbortSignal.abort();
        const party = { identity: fixture.identity(), onMessage: async () => {} };
        const connecting = fixture.transport().connect({ ...party, signal });
        await timeLimit.wait(expectRejection(connecting, 'ABORTED', 'connect'), 'connect settles');
        const alice = await network.connect();
        const bob = await network.connect(() => [network.chat]);
        const payload = network.payload();
        const sending = alice.connection.send(network.chat, payload, { signal });
        await timeLimit.wait(expectRejection(sending, 'ABORTED', 'send'), 'send settles');
        const asking = bob.connection.history?.({ channels: [network.chat], from: 0, to: 1, signal });
        if (asking) await timeLimit.wait(expectRejection(asking, 'ABORTED', 'history'), 'history settles');
        await network.settle(alice, network.chat, [bob]);
        expectSame(bob.count(payload), 0, 'arrivals of what was aborted before it was sent');
      },
    ),

    onNetwork('abort: a signal that fires meanwhile ends only its call', timeLimit, async (network) => {
      const alice = await network.connect();
      const bob = await network.connect(() => [network.chat]);
      const controllers = Array.from({ length: MANY }, () => new AbortController());
      const sends = controllers.map(({ signal }) =>
        outcomeOf(alice.connection.send(network.chat, network.payload(), { signal })),
      );
      for (const controller of controllers) controller.abort();
      const outcomes = await timeLimit.wait(Promise.all(sends), 'every send settles');
      const strange = outcomes.filter((outcome) => outcome !== 'resolved' && outcome !== 'ABORTED');
      expectSame(strange, [], 'outcomes other than resolved and ABORTED');
      await network.bring(alice, network.chat, [bob]);
    }),

    onNetwork(
      'capabilities: they are known before anyone connects, and kept',
      timeLimit,
      async (network, fixture) => {
        const { maxPayloadBytes, history, confirmsSend } = fixture.transport().capabilities;
        expectThat(Number.isSafeInteger(maxPayloadBytes) && maxPayloadBytes > 0, 'maxPayloadBytes is a size');
        expectThat(typeof confirmsSend === 'boolean', 'confirmsSend is a boolean');
        const { connection } = await network.connect();
        expectSame(connection.history !== undefined, history, 'whether a connection has history');
      },
    ),
  ];
}
