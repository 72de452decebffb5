import { type Clock, systemClock } from '@sotto/core';
import { expectSame, expectThat } from '../support/expectations.js';
import {
  type CarrierCase,
  type CarrierTraits,
  carries,
  type Endpoint,
  onCarrier,
  type TestNetwork,
} from './carrier-case.js';

const HOUR = 3_600_000;

/** What was sent while we were offline. For carriers with a history. */
export function historyCases(traits: CarrierTraits, clock: Clock = systemClock): readonly CarrierCase[] {
  const { timeLimit } = traits;
  const ask = async (end: Endpoint, topics: readonly Uint8Array[], from: number, to: number) => {
    expectThat(end.connection.history !== undefined, 'the connection has history, as the capabilities say');
    await timeLimit.wait(end.connection.history(topics, from, to), 'history resolves');
  };
  /** A connection that receives nothing except from history. */
  const openLate = (network: TestNetwork, topics: readonly Uint8Array[]) =>
    network.open(traits.retains ? [] : topics);
  const recent = (end: Endpoint, topics: readonly Uint8Array[]) =>
    ask(end, topics, clock.now() - HOUR, clock.now() + HOUR);

  return [
    onCarrier(
      'history: a latecomer receives what was sent before, marked as history',
      traits,
      async (network) => {
        const [A] = network.topics;
        const [sender, witness] = [await network.open(), await network.open([A])];
        const sent: Uint8Array[] = [];
        for (let i = 0; i < 10; i++) sent.push(await network.bring(sender, A, [witness]));
        const late = await openLate(network, [A]);
        await recent(late, [A]);
        expectSame(
          sent.map((one) => late.count(one) > 0),
          sent.map(() => true),
          'whether it is there when history resolves',
        );
        const live = late.arrivals.all.filter(({ fromHistory }) => !fromHistory);
        expectSame(live.length, 0, 'arrivals from history that are not marked so');
      },
    ),

    onCarrier('history: only of the requested topics', traits, async (network) => {
      const [A, B] = network.topics;
      const [sender, witness] = [await network.open(), await network.open([A, B])];
      const onA = await network.bring(sender, A, [witness]);
      const onB = await network.bring(sender, B, [witness]);
      const late = await openLate(network, [A, B]);
      await recent(late, [B]);
      expectSame([late.count(onA) > 0, late.count(onB) > 0], [false, true], 'whether it came, on A and on B');
      expectThat(
        late.arrivals.all.filter(carries(onB)).every(({ topic }) => topic.join() === B.join()),
        'what comes from history has its own topic',
      );
    }),

    onCarrier('history: only of the requested time', traits, async (network) => {
      const [A] = network.topics;
      const [sender, witness] = [await network.open(), await network.open([A])];
      const envelope = await network.bring(sender, A, [witness]);
      const late = await openLate(network, [A]);
      const now = clock.now();
      await ask(late, [A], now - 48 * HOUR, now - 24 * HOUR);
      expectSame(late.count(envelope), 0, 'arrivals from a day before it was sent');
      await recent(late, [A]);
      expectThat(late.count(envelope) > 0, 'it comes when its own time is asked for');
    }),

    onCarrier('history: an empty one ends', traits, async (network) => {
      const [A] = network.topics;
      const end = await network.open([A]);
      await recent(end, [A]);
      await recent(end, []);
      expectSame(end.arrivals.all.length, 0, 'arrivals from an empty history');
    }),

    onCarrier('history: may be requested again, and by several concurrently', traits, async (network) => {
      const [A, B] = network.topics;
      const [sender, witness] = [await network.open(), await network.open([A, B])];
      const onA = await network.bring(sender, A, [witness]);
      const onB = await network.bring(sender, B, [witness]);
      const [one, two] = [await openLate(network, [A, B]), await openLate(network, [A, B])];
      await Promise.all([recent(one, [A]), recent(one, [B]), recent(two, [A, B])]);
      await recent(two, [A]);
      const there = [one.count(onA), one.count(onB), two.count(onA), two.count(onB)].map((n) => n > 0);
      expectSame(there, [true, true, true, true], 'whether it came, to each of two');
    }),
  ];
}
