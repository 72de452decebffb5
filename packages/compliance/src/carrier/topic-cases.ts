import { copyBytes } from '@sotto/core';
import { expectSame } from '../expectations.js';
import { type CarrierCase, carries, onPipe, type PipeTraits } from './carrier-case.js';

const MANY_TOPICS = 1_000;

/** That what arrives is what was subscribed to. */
export function topicCases(traits: PipeTraits): readonly CarrierCase[] {
  return [
    onPipe('topics: only what was subscribed to arrives', traits, async (pipe) => {
      const [A, B, C] = pipe.topics;
      const sender = await pipe.open();
      const receiver = await pipe.open([B]);
      const others = [await pipe.publish(sender, A), await pipe.publish(sender, C)];
      await pipe.settle(sender, B, [receiver]);
      expectSame(
        others.map((one) => receiver.count(one)),
        [0, 0],
        'arrivals on topics that nobody asked for',
      );
    }),

    onPipe('topics: nothing arrives for who asked for nothing', traits, async (pipe) => {
      const [A] = pipe.topics;
      const sender = await pipe.open();
      const [idle, control] = [await pipe.open(), await pipe.open([A])];
      await pipe.settle(sender, A, [control]);
      expectSame(idle.arrivals.all.length, 0, 'arrivals without a subscription');
    }),

    onPipe('topics: the topics differ in every byte', traits, async (pipe) => {
      const sender = await pipe.open();
      // Not the same backwards.
      const topic = pipe.topicAt(0xff ^ (pipe.topic[0] as number));
      const receiver = await pipe.open([topic]);
      const near = [0, 1, 2, 3].map((at) => topic.map((byte, i) => (i === at ? byte ^ 0x80 : byte)));
      const others: Uint8Array[] = [];
      for (const one of [...near, copyBytes(topic).reverse()]) others.push(await pipe.publish(sender, one));
      await pipe.settle(sender, topic, [receiver]);
      expectSame(
        others.map((one) => receiver.count(one)),
        others.map(() => 0),
        'arrivals on similar topics',
      );
    }),

    onPipe('topics: several at once, each with its own', traits, async (pipe) => {
      const [A, B] = pipe.topics;
      const sender = await pipe.open();
      const receiver = await pipe.open([A, B]);
      await pipe.bring(sender, A, [receiver]);
      await pipe.bring(sender, B, [receiver]);
      const topics = new Set(receiver.arrivals.all.map(({ topic }) => topic.join('.')));
      expectSame([...topics].sort(), [A.join('.'), B.join('.')].sort(), 'topics of the arrivals');
    }),

    onPipe('topics: a new list replaces the one before', traits, async (pipe) => {
      const [A, B, C] = pipe.topics;
      const sender = await pipe.open();
      const receiver = await pipe.open([A, B]);
      await pipe.bring(sender, A, [receiver]);
      await pipe.patience.wait(receiver.connection.subscribe([B, C]), 'subscribe resolves');
      const late = await pipe.publish(sender, A);
      await pipe.settle(sender, C, [receiver]);
      await pipe.bring(sender, B, [receiver]);
      expectSame(receiver.count(late), 0, 'arrivals on a topic given up');
    }),

    onPipe('topics: an empty list ends all, and a list begins again', traits, async (pipe) => {
      const [A] = pipe.topics;
      const sender = await pipe.open();
      const [receiver, control] = [await pipe.open([A]), await pipe.open([A])];
      await pipe.patience.wait(receiver.connection.subscribe([]), 'subscribe to nothing resolves');
      const missed = await pipe.publish(sender, A);
      await pipe.settle(sender, A, [control]);
      expectSame(receiver.count(missed), 0, 'arrivals after the end of all subscriptions');
      await pipe.patience.wait(receiver.connection.subscribe([A]), 'subscribe resolves');
      await pipe.bring(sender, A, [receiver]);
    }),

    onPipe('topics: the subscriptions of one are not those of another', traits, async (pipe) => {
      const [A, B] = pipe.topics;
      const sender = await pipe.open();
      const [a, b] = [await pipe.open([A]), await pipe.open([B])];
      const onA = await pipe.bring(sender, A, [a]);
      const onB = await pipe.bring(sender, B, [b]);
      expectSame([a.count(onB), b.count(onA)], [0, 0], "arrivals on another's topic");
    }),

    ...(traits.repeats
      ? []
      : [
          onPipe('topics: one named twice in a list brings each envelope once', traits, async (pipe) => {
            const [A, B] = pipe.topics;
            const sender = await pipe.open();
            const receiver = await pipe.open([A, B, copyBytes(A)]);
            const envelope = await pipe.bring(sender, A, [receiver]);
            await pipe.settle(sender, B, [receiver]);
            expectSame(receiver.count(envelope), 1, 'arrivals of an envelope');
          }),
        ]),

    ...(traits.retains ? retaining(traits) : notRetaining(traits)),

    onPipe(`topics: ${MANY_TOPICS} at once`, traits, async (pipe) => {
      const sender = await pipe.open();
      const receiver = await pipe.open(Array.from({ length: MANY_TOPICS }, (_, i) => pipe.topicAt(1000 + i)));
      for (const at of [0, 500, MANY_TOPICS - 1])
        await pipe.bring(sender, pipe.topicAt(1000 + at), [receiver]);
    }),

    onPipe('topics: the list is borrowed until subscribe resolves, and no longer', traits, async (pipe) => {
      const [A] = pipe.topics;
      const sender = await pipe.open();
      const receiver = await pipe.open();
      const topic = copyBytes(A);
      await pipe.patience.wait(receiver.connection.subscribe([topic]), 'subscribe resolves');
      topic.fill(0xff);
      await pipe.bring(sender, A, [receiver]);
    }),
  ];
}

/** What was published before a subscription does not come by it. */
function notRetaining(traits: PipeTraits): readonly CarrierCase[] {
  return [
    onPipe('topics: what was sent before a subscription does not come by it', traits, async (pipe) => {
      const [A] = pipe.topics;
      const [sender, witness] = [await pipe.open(), await pipe.open([A])];
      const before = await pipe.bring(sender, A, [witness]);
      const late = await pipe.open([A]);
      await pipe.settle(sender, A, [late]);
      expectSame(late.count(before), 0, 'arrivals of what was sent before');
    }),
  ];
}

/** It does, for what was published shortly before; and once, however the list changes. */
function retaining(traits: PipeTraits): readonly CarrierCase[] {
  return [
    onPipe('topics: a subscription brings what was sent shortly before', traits, async (pipe) => {
      const [A, B, C] = pipe.topics;
      const [sender, witness] = [await pipe.open(), await pipe.open([A, B])];
      const onA = await pipe.bring(sender, A, [witness]);
      const onB = await pipe.bring(sender, B, [witness]);
      const late = await pipe.open([A]);
      await pipe.patience.wait(late.arrivals.until(carries(onA)), 'what was sent before arrives');
      await pipe.patience.wait(late.connection.subscribe([A, C]), 'subscribe resolves');
      await pipe.settle(sender, C, [late]);
      expectSame(late.count(onB), 0, 'arrivals on a topic that was not asked for');
      if (!traits.repeats) expectSame(late.count(onA), 1, 'arrivals of what was sent before');
    }),
  ];
}
