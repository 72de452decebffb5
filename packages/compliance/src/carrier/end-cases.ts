import { expectRejection, expectSame, expectThat } from '../support/expectations.js';
import { outcomeOf } from '../support/time-limit.js';
import { type CarrierCase, type CarrierTraits, onCarrier } from './carrier-case.js';

const MANY = 50;
/** How a call may end when its connection is closed or its signal fires meanwhile. */
const fair = (how: 'CLOSED' | 'ABORTED') => ['resolved', how];

/** What closing and aborting stop, and what they don't affect. */
export function endCases(traits: CarrierTraits): readonly CarrierCase[] {
  const { timeLimit } = traits;
  return [
    onCarrier(
      'close: afterwards every call is refused, and closing again is fine',
      traits,
      async (network) => {
        const { connection } = await network.open([network.topic]);
        await timeLimit.wait(connection.close(), 'close resolves');
        await timeLimit.wait(connection.close(), 'closing twice resolves');
        const envelope = await network.envelope(network.topic);
        const calls = [
          ['publish', connection.publish(network.topic, envelope)],
          ['subscribe', connection.subscribe([network.topic])],
          ...(connection.history ? ([['history', connection.history([network.topic], 0, 1)]] as const) : []),
        ] as const;
        for (const [what, call] of calls) {
          await timeLimit.wait(expectRejection(call, 'CLOSED', what), `${what} settles`);
        }
      },
    ),

    onCarrier('close: nothing arrives afterwards, and the others are unaffected', traits, async (network) => {
      const sender = await network.open();
      const [leaving, staying] = [await network.open([network.topic]), await network.open([network.topic])];
      await network.bring(sender, network.topic, [leaving, staying]);
      const on = Array.from({ length: 5 }, () => network.publish(sender, network.topic));
      await timeLimit.wait(leaving.connection.close(), 'close resolves');
      const before = leaving.arrivals.all.length;
      await Promise.all(on);
      await network.settle(sender, network.topic, [staying]);
      expectSame(leaving.arrivals.all.length, before, 'arrivals at a closed connection');
    }),

    onCarrier('close: in the middle of many calls, each of them settles', traits, async (network) => {
      const sender = await network.open([network.topic]);
      const envelopes = await Promise.all(
        Array.from({ length: MANY }, () => network.envelope(network.topic)),
      );
      const calls = envelopes.map((envelope) =>
        outcomeOf(sender.connection.publish(network.topic, envelope)),
      );
      await timeLimit.wait(sender.connection.close(), 'close resolves');
      const outcomes = await timeLimit.wait(Promise.all(calls), 'every publish settles');
      const strange = outcomes.filter((outcome) => !fair('CLOSED').includes(outcome));
      expectSame(strange, [], 'outcomes other than resolved and CLOSED');
    }),

    onCarrier('close: another connection can follow', traits, async (network) => {
      const first = await network.open([network.topic]);
      await timeLimit.wait(first.connection.close(), 'close resolves');
      const [sender, second] = [await network.open(), await network.open([network.topic])];
      await network.bring(sender, network.topic, [second]);
    }),

    onCarrier(
      'abort: a signal that has fired stops open, publish and history',
      traits,
      async (network, fixture) => {
        const signal = AbortSignal.abort();
        const opening = fixture.carrier().open({ onEnvelope() {} }, { signal });
        await timeLimit.wait(expectRejection(opening, 'ABORTED', 'open'), 'open settles');
        const sender = await network.open();
        const receiver = await network.open([network.topic]);
        const envelope = await network.envelope(network.topic);
        const publishing = sender.connection.publish(network.topic, envelope, { signal });
        await timeLimit.wait(expectRejection(publishing, 'ABORTED', 'publish'), 'publish settles');
        const asking = receiver.connection.history?.([network.topic], 0, 1, { signal });
        if (asking) await timeLimit.wait(expectRejection(asking, 'ABORTED', 'history'), 'history settles');
        await network.settle(sender, network.topic, [receiver]);
        expectSame(receiver.count(envelope), 0, 'arrivals of what was aborted before it was sent');
      },
    ),

    onCarrier('abort: a signal that fires meanwhile ends only its call', traits, async (network) => {
      const sender = await network.open();
      const receiver = await network.open([network.topic]);
      const controllers = Array.from({ length: MANY }, () => new AbortController());
      const envelopes = await Promise.all(controllers.map(() => network.envelope(network.topic)));
      const calls = controllers.map(({ signal }, i) =>
        outcomeOf(sender.connection.publish(network.topic, envelopes[i] as Uint8Array, { signal })),
      );
      for (const controller of controllers) controller.abort();
      const outcomes = await timeLimit.wait(Promise.all(calls), 'every publish settles');
      const strange = outcomes.filter((outcome) => !fair('ABORTED').includes(outcome));
      expectSame(strange, [], 'outcomes other than resolved and ABORTED');
      await network.bring(sender, network.topic, [receiver]);
    }),

    onCarrier('capabilities: they are known before anyone connects', traits, async (_, fixture) => {
      const { maxEnvelopeBytes, history, minimumPow } = fixture.carrier().capabilities;
      expectThat(
        Number.isSafeInteger(maxEnvelopeBytes) && maxEnvelopeBytes > 0,
        'maxEnvelopeBytes is a size',
      );
      expectThat(typeof history === 'boolean', 'history is a boolean');
      expectThat(minimumPow >= 0 && Number.isFinite(minimumPow), 'minimumPow is a number, 0 or more');
    }),
  ];
}
