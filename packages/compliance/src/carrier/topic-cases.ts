import { copyBytes } from '@sotto/core';
import { expectSame } from '../support/expectations.js';
import { type CarrierCase, type CarrierTraits, carries, onCarrier } from './carrier-case.js';

const MANY_TOPICS = 1_000;

/** That what arrives is what was subscribed to. */
export function topicCases(traits: CarrierTraits): readonly CarrierCase[] {
  return [
    onCarrier('topics: only what was subscribed to arrives', traits, async (network) => {
      const [A, B, C] = network.topics;
      const sender = await network.open();
      const receiver = await network.open([B]);
      const others = [await network.publish(sender, A), await network.publish(sender, C)];
      await network.settle(sender, B, [receiver]);
      expectSame(
        others.map((one) => receiver.count(one)),
        [0, 0],
        'arrivals on topics that nobody asked for',
      );
    }),

    onCarrier('topics: nothing arrives without a subscription', traits, async (network) => {
      const [A] = network.topics;
      const sender = await network.open();
      const [idle, control] = [await network.open(), await network.open([A])];
      await network.settle(sender, A, [control]);
      expectSame(idle.arrivals.all.length, 0, 'arrivals without a subscription');
    }),

    onCarrier('topics: the topics differ in every byte', traits, async (network) => {
      const sender = await network.open();
      // Not a palindrome.
      const topic = network.topicAt(0xff ^ (network.topic[0] as number));
      const receiver = await network.open([topic]);
      const near = [0, 1, 2, 3].map((at) => topic.map((byte, i) => (i === at ? byte ^ 0x80 : byte)));
      const others: Uint8Array[] = [];
      for (const one of [...near, copyBytes(topic).reverse()])
        others.push(await network.publish(sender, one));
      await network.settle(sender, topic, [receiver]);
      expectSame(
        others.map((one) => receiver.count(one)),
        others.map(() => 0),
        'arrivals on similar topics',
      );
    }),

    onCarrier('topics: several together, each with its own', traits, async (network) => {
      const [A, B] = network.topics;
      const sender = await network.open();
      const receiver = await network.open([A, B]);
      await network.bring(sender, A, [receiver]);
      await network.bring(sender, B, [receiver]);
      const topics = new Set(receiver.arrivals.all.map(({ topic }) => topic.join('.')));
      expectSame([...topics].sort(), [A.join('.'), B.join('.')].sort(), 'topics of the arrivals');
    }),

    onCarrier('topics: a new list replaces the previous one', traits, async (network) => {
      const [A, B, C] = network.topics;
      const sender = await network.open();
      const receiver = await network.open([A, B]);
      await network.bring(sender, A, [receiver]);
      await network.timeLimit.wait(receiver.connection.subscribe([B, C]), 'subscribe resolves');
      const late = await network.publish(sender, A);
      await network.settle(sender, C, [receiver]);
      await network.bring(sender, B, [receiver]);
      expectSame(receiver.count(late), 0, 'arrivals on a topic given up');
    }),

    onCarrier('topics: an empty list ends all, and a list begins again', traits, async (network) => {
      const [A] = network.topics;
      const sender = await network.open();
      const [receiver, control] = [await network.open([A]), await network.open([A])];
      await network.timeLimit.wait(receiver.connection.subscribe([]), 'subscribe to nothing resolves');
      const missed = await network.publish(sender, A);
      await network.settle(sender, A, [control]);
      expectSame(receiver.count(missed), 0, 'arrivals after the end of all subscriptions');
      await network.timeLimit.wait(receiver.connection.subscribe([A]), 'subscribe resolves');
      await network.bring(sender, A, [receiver]);
    }),

    onCarrier('topics: the subscriptions of one are not those of another', traits, async (network) => {
      const [A, B] = network.topics;
      const sender = await network.open();
      const [a, b] = [await network.open([A]), await network.open([B])];
      const onA = await network.bring(sender, A, [a]);
      const onB = await network.bring(sender, B, [b]);
      expectSame([a.count(onB), b.count(onA)], [0, 0], "arrivals on another's topic");
    }),

    ...(traits.repeats
      ? []
      : [
          onCarrier('topics: one listed twice delivers each envelope once', traits, async (network) => {
            const [A, B] = network.topics;
            const sender = await network.open();
            const receiver = await network.open([A, B, copyBytes(A)]);
            const envelope = await network.bring(sender, A, [receiver]);
            await network.settle(sender, B, [receiver]);
            expectSame(receiver.count(envelope), 1, 'arrivals of an envelope');
          }),
        ]),

    ...(traits.retains ? retaining(traits) : notRetaining(traits)),

    onCarrier(`topics: ${MANY_TOPICS} at once`, traits, async (network) => {
      const sender = await network.open();
      const receiver = await network.open(
        Array.from({ length: MANY_TOPICS }, (_, i) => network.topicAt(1000 + i)),
      );
      for (const at of [0, 500, MANY_TOPICS - 1])
        await network.bring(sender, network.topicAt(1000 + at), [receiver]);
    }),

    onCarrier(
      'topics: the list is borrowed until subscribe resolves, and no longer',
      traits,
      async (network) => {
        const [A] = network.topics;
        const sender = await network.open();
        const receiver = await network.open();
        const topic = copyBytes(A);
        await network.timeLimit.wait(receiver.connection.subscribe([topic]), 'subscribe resolves');
        topic.fill(0xff);
        await network.bring(sender, A, [receiver]);
      },
    ),
  ];
}

/** A subscription does not deliver what was published before it. */
function notRetaining(traits: CarrierTraits): readonly CarrierCase[] {
  return [
    onCarrier('topics: a subscription does not deliver what was sent before', traits, async (network) => {
      const [A] = network.topics;
      const [sender, witness] = [await network.open(), await network.open([A])];
      const before = await network.bring(sender, A, [witness]);
      const late = await network.open([A]);
      await network.settle(sender, A, [late]);
      expectSame(late.count(before), 0, 'arrivals of what was sent before');
    }),
  ];
}

/** It delivers what was published shortly before; once, however the list changes. */
function retaining(traits: CarrierTraits): readonly CarrierCase[] {
  return [
    onCarrier('topics: a subscription delivers what was sent shortly before', traits, async (network) => {
      const [A, B, C] = network.topics;
      const [sender, witness] = [await network.open(), await network.open([A, B])];
      const onA = await network.bring(sender, A, [witness]);
      const onB = await network.bring(sender, B, [witness]);
      const late = await network.open([A]);
      await network.timeLimit.wait(late.arrivals.until(carries(onA)), 'what was sent before arrives');
      await network.timeLimit.wait(late.connection.subscribe([A, C]), 'subscribe resolves');
      await network.settle(sender, C, [late]);
      expectSame(late.count(onB), 0, 'arrivals on a topic that was not asked for');
      if (!traits.repeats) expectSame(late.count(onA), 1, 'arrivals of what was sent before');
    }),
  ];
}
