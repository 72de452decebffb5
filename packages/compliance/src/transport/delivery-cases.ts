import { copyBytes } from '@sotto/core';
import { expectBytes, expectRejection, expectSame, expectThat } from '../support/expectations.js';
import type { TimeLimit } from '../support/time-limit.js';
import { holds, onNetwork, type TransportCase } from './transport-case.js';

const MANY = 40;

/** That messages arrive intact, once, and again when they were rejected. */
export function deliveryCases(timeLimit: TimeLimit): readonly TransportCase[] {
  return [
    onNetwork('payload: of many sizes, unaltered', timeLimit, async (network) => {
      const alice = await network.connect();
      const bob = await network.connect(() => [network.chat]);
      for (const size of [16, 189, 190, 255, 256, 257, 4_096, 65_536]) {
        await network.bring(alice, network.chat, [bob], size);
      }
    }),

    onNetwork(
      'payload: the largest arrives, and one larger is refused',
      timeLimit,
      async (network, fixture) => {
        const { maxPayloadBytes } = fixture.transport().capabilities;
        expectThat(Number.isSafeInteger(maxPayloadBytes) && maxPayloadBytes > 0, 'maxPayloadBytes is a size');
        const alice = await network.connect();
        const bob = await network.connect(() => [network.chat]);
        const tooLarge = network.payload(maxPayloadBytes + 1);
        const sending = alice.connection.send(network.chat, tooLarge);
        await timeLimit.wait(expectRejection(sending, 'LIMIT_EXCEEDED', 'send'), 'send settles');
        await network.bring(alice, network.chat, [bob], maxPayloadBytes);
        expectSame(bob.count(tooLarge), 0, 'arrivals of a message that was refused');
      },
    ),

    onNetwork(
      'payload: the bytes belong to the sender again when send resolves',
      timeLimit,
      async (network) => {
        const alice = await network.connect();
        const bob = await network.connect(() => [network.chat]);
        const payload = network.payload(500);
        const sent = copyBytes(payload);
        await timeLimit.wait(alice.connection.send(network.chat, payload), 'send resolves');
        payload.fill(0);
        await timeLimit.wait(bob.arrivals.until(holds(sent)), 'the message arrives as it was');
      },
    ),

    onNetwork('payload: what arrives belongs only to its receiver', timeLimit, async (network) => {
      const alice = await network.connect();
      const careless = await network.connect(
        () => [network.chat],
        ({ payload }) => {
          payload.fill(0xee);
        },
      );
      const careful = await network.connect(() => [network.chat]);
      for (let i = 0; i < 3; i++) await network.bring(alice, network.chat, [careless, careful]);
    }),

    onNetwork(`delivery: of ${MANY} sent concurrently, each arrives once`, timeLimit, async (network) => {
      const alice = await network.connect();
      const bob = await network.connect(() => [network.chat]);
      const sent = await Promise.all(Array.from({ length: MANY }, () => network.send(alice, network.chat)));
      for (const payload of sent) {
        await timeLimit.wait(bob.arrivals.until(holds(payload)), 'each message arrives');
      }
      await network.settle(alice, network.chat, [bob]);
      const often = sent.filter((payload) => bob.count(payload) !== 1);
      expectSame(often.length, 0, 'messages that came more than once');
    }),

    onNetwork('delivery: both ways concurrently', timeLimit, async (network) => {
      const [alice, bob] = [
        await network.connect(network.channelsOf),
        await network.connect(network.channelsOf),
      ];
      const pairs = [
        [alice, bob],
        [bob, alice],
      ] as const;
      await Promise.all(
        pairs.flatMap(([from, to]) =>
          network
            .channelsOf(to.identity)
            .slice(1)
            .map((channel) => network.bring(from, channel, [to])),
        ),
      );
    }),

    onNetwork('delivery: what the receiver could not store is redelivered', timeLimit, async (network) => {
      const alice = await network.connect();
      const refused: Uint8Array[] = [];
      const bob = await network.connect(
        () => [network.chat],
        async ({ payload }) => {
          if (refused.length >= 2) return;
          refused.push(payload);
          throw new Error('not kept');
        },
      );
      const payload = await network.send(alice, network.chat);
      await timeLimit.wait(
        bob.arrivals.until(holds(payload)),
        'a message that was rejected is delivered again',
      );
      expectSame(refused.length, 2, 'times that it was refused');
      for (const again of refused) expectBytes(again, payload, 'what was refused');
      expectSame(bob.count(payload), 1, 'times that it was kept');
    }),

    onNetwork('delivery: a slow receiver loses nothing', timeLimit, async (network) => {
      const alice = await network.connect();
      let letGo = () => {};
      const gate = new Promise<void>((resolve) => {
        letGo = resolve;
      });
      const bob = await network.connect(
        () => [network.chat],
        () => gate,
      );
      const sent: Uint8Array[] = [];
      for (let i = 0; i < 5; i++) sent.push(await network.send(alice, network.chat));
      expectSame(bob.arrivals.all.length, 0, 'messages kept before the receiver was ready');
      letGo();
      for (const payload of sent) {
        await timeLimit.wait(bob.arrivals.until(holds(payload)), 'each message arrives');
      }
    }),
  ];
}
