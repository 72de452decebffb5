import { expectRejection, expectSame, expectThat } from '../expectations.js';
import { outcomeOf } from '../patience.js';
import { type CarrierCase, onPipe, type PipeTraits } from './carrier-case.js';

const MANY = 50;
/** How a call may end whose connection is closed or whose signal fires meanwhile. */
const fair = (how: 'CLOSED' | 'ABORTED') => ['resolved', how];

/** What closing and aborting stop, and what they leave alone. */
export function endCases(traits: PipeTraits): readonly CarrierCase[] {
  const { patience } = traits;
  return [
    onPipe('close: afterwards every call is refused, and closing again is fine', traits, async (pipe) => {
      const { connection } = await pipe.open([pipe.topic]);
      await patience.wait(connection.close(), 'close resolves');
      await patience.wait(connection.close(), 'closing twice resolves');
      const envelope = await pipe.envelope(pipe.topic);
      const calls = [
        ['publish', connection.publish(pipe.topic, envelope)],
        ['subscribe', connection.subscribe([pipe.topic])],
        ...(connection.history ? ([['history', connection.history([pipe.topic], 0, 1)]] as const) : []),
      ] as const;
      for (const [what, call] of calls) {
        await patience.wait(expectRejection(call, 'CLOSED', what), `${what} settles`);
      }
    }),

    onPipe('close: nothing arrives afterwards, and the others go on', traits, async (pipe) => {
      const sender = await pipe.open();
      const [leaving, staying] = [await pipe.open([pipe.topic]), await pipe.open([pipe.topic])];
      await pipe.bring(sender, pipe.topic, [leaving, staying]);
      const on = Array.from({ length: 5 }, () => pipe.publish(sender, pipe.topic));
      await patience.wait(leaving.connection.close(), 'close resolves');
      const before = leaving.arrivals.all.length;
      await Promise.all(on);
      await pipe.settle(sender, pipe.topic, [staying]);
      expectSame(leaving.arrivals.all.length, before, 'arrivals at a closed connection');
    }),

    onPipe('close: in the middle of many calls, each of them settles', traits, async (pipe) => {
      const sender = await pipe.open([pipe.topic]);
      const envelopes = await Promise.all(Array.from({ length: MANY }, () => pipe.envelope(pipe.topic)));
      const calls = envelopes.map((envelope) => outcomeOf(sender.connection.publish(pipe.topic, envelope)));
      await patience.wait(sender.connection.close(), 'close resolves');
      const outcomes = await patience.wait(Promise.all(calls), 'every publish settles');
      const strange = outcomes.filter((outcome) => !fair('CLOSED').includes(outcome));
      expectSame(strange, [], 'outcomes other than resolved and CLOSED');
    }),

    onPipe('close: who closed can be followed by another', traits, async (pipe) => {
      const first = await pipe.open([pipe.topic]);
      await patience.wait(first.connection.close(), 'close resolves');
      const [sender, second] = [await pipe.open(), await pipe.open([pipe.topic])];
      await pipe.bring(sender, pipe.topic, [second]);
    }),

    onPipe('abort: a signal that has fired stops open, publish and history', traits, async (pipe, place) => {
      const signal = AbortSignal.abort();
      const opening = place.carrier().open({ onEnvelope() {} }, { signal });
      await patience.wait(expectRejection(opening, 'ABORTED', 'open'), 'open settles');
      const sender = await pipe.open();
      const receiver = await pipe.open([pipe.topic]);
      const envelope = await pipe.envelope(pipe.topic);
      const publishing = sender.connection.publish(pipe.topic, envelope, { signal });
      await patience.wait(expectRejection(publishing, 'ABORTED', 'publish'), 'publish settles');
      const asking = receiver.connection.history?.([pipe.topic], 0, 1, { signal });
      if (asking) await patience.wait(expectRejection(asking, 'ABORTED', 'history'), 'history settles');
      await pipe.settle(sender, pipe.topic, [receiver]);
      expectSame(receiver.count(envelope), 0, 'arrivals of what was aborted before it was sent');
    }),

    onPipe('abort: a signal that fires on the way ends the call alone', traits, async (pipe) => {
      const sender = await pipe.open();
      const receiver = await pipe.open([pipe.topic]);
      const controllers = Array.from({ length: MANY }, () => new AbortController());
      const envelopes = await Promise.all(controllers.map(() => pipe.envelope(pipe.topic)));
      const calls = controllers.map(({ signal }, i) =>
        outcomeOf(sender.connection.publish(pipe.topic, envelopes[i] as Uint8Array, { signal })),
      );
      for (const controller of controllers) controller.abort();
      const outcomes = await patience.wait(Promise.all(calls), 'every publish settles');
      const strange = outcomes.filter((outcome) => !fair('ABORTED').includes(outcome));
      expectSame(strange, [], 'outcomes other than resolved and ABORTED');
      await pipe.bring(sender, pipe.topic, [receiver]);
    }),

    onPipe('capabilities: they are said before anybody connects', traits, async (_, place) => {
      const { maxEnvelopeBytes, history, minimumPow } = place.carrier().capabilities;
      expectThat(
        Number.isSafeInteger(maxEnvelopeBytes) && maxEnvelopeBytes > 0,
        'maxEnvelopeBytes is a size',
      );
      expectThat(typeof history === 'boolean', 'history is a boolean');
      expectThat(minimumPow >= 0 && Number.isFinite(minimumPow), 'minimumPow is a number, 0 or more');
    }),
  ];
}
