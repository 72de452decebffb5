import type { Channel } from '@sotto/core';
import { expectBytes, expectRejection, expectSame, expectThat } from '../support/expectations.js';
import type { TimeLimit } from '../support/time-limit.js';
import { describeChannel, holds, onNetwork, secretOf, type TransportCase } from './transport-case.js';

const KINDS = ['public', 'partitioned', 'discovery', 'negotiated'] as const;

/** Who receives what on which channel, and with which sender. */
export function channelCases(timeLimit: TimeLimit, retains: boolean): readonly TransportCase[] {
  return [
    ...KINDS.map((kind, at) =>
      onNetwork(`channels: ${kind} arrives, with its sender vouched for`, timeLimit, async (network) => {
        const alice = await network.connect();
        const bob = await network.connect(network.channelsOf);
        const channel = network.channelsOf(bob.identity)[at] as Channel;
        const payload = await network.bring(alice, channel, [bob]);
        const [message] = bob.arrivals.all.filter(holds(payload));
        expectThat(message !== undefined, 'the message is there');
        expectBytes(message.sender, alice.identity.publicKey, 'sender');
        expectSame(describeChannel(message.channel), describeChannel(channel), 'channel');
        expectSame(message.fromHistory, false, 'fromHistory of what came live');
        expectThat(Number.isFinite(message.sentAt) && message.sentAt > 0, 'sentAt is a time in milliseconds');
      }),
    ),

    onNetwork('channels: all kinds together, each message on its own', timeLimit, async (network) => {
      const alice = await network.connect();
      const bob = await network.connect(network.channelsOf);
      for (const channel of network.channelsOf(bob.identity)) {
        const payload = await network.bring(alice, channel, [bob]);
        const [message] = bob.arrivals.all.filter(holds(payload));
        expectSame(message && describeChannel(message.channel), describeChannel(channel), 'channel');
      }
    }),

    onNetwork("channels: what is for one isn't given to another", timeLimit, async (network) => {
      const alice = await network.connect();
      const bob = await network.connect(network.channelsOf);
      const eve = await network.connect(network.channelsOf);
      const secrets: Uint8Array[] = [];
      for (const channel of network.channelsOf(bob.identity).slice(1, 3)) {
        secrets.push(await network.bring(alice, channel, [bob]));
      }
      await network.settle(alice, network.chat, [eve]);
      expectSame(
        secrets.map((payload) => eve.count(payload)),
        [0, 0],
        'arrivals at another party',
      );
    }),

    onNetwork("channels: nobody may listen to what is another's", timeLimit, async (network) => {
      const bob = await network.connect();
      const eve = await network.connect();
      for (const channel of network.channelsOf(bob.identity).slice(1, 3)) {
        const listening = eve.connection.subscribe([channel]);
        const refused = expectRejection(
          listening,
          'INVALID_ARGUMENT',
          `listen to ${channel.kind} of another`,
        );
        await timeLimit.wait(refused, 'listen settles');
      }
    }),

    onNetwork(
      'channels: names and secrets that are alike are not the same',
      timeLimit,
      async (network, fixture) => {
        const identity = fixture.identity();
        const secret = (last: number) => {
          const bytes = secretOf(identity);
          bytes[31] = last;
          return { kind: 'negotiated', secret: bytes } as const;
        };
        const mine = [network.publicChat('status'), secret(1)];
        const others = [
          network.publicChat('statu'),
          network.publicChat('status-'),
          network.publicChat('Status'),
          secret(2),
        ];
        const alice = await network.connect();
        const bob = await network.connect(() => mine);
        const missed: Uint8Array[] = [];
        for (const channel of others) missed.push(await network.send(alice, channel));
        for (const channel of mine) await network.settle(alice, channel, [bob]);
        expectSame(
          missed.map((payload) => bob.count(payload)),
          others.map(() => 0),
          'arrivals on channels without a subscription',
        );
      },
    ),

    onNetwork('channels: a new list replaces the previous one', timeLimit, async (network) => {
      const [a, b, c] = [network.publicChat('a'), network.publicChat('b'), network.publicChat('c')];
      const alice = await network.connect();
      const bob = await network.connect(() => [a, b]);
      await network.bring(alice, a, [bob]);
      await timeLimit.wait(bob.connection.subscribe([b, c]), 'subscribe resolves');
      const late = await network.send(alice, a);
      await network.settle(alice, c, [bob]);
      await network.bring(alice, b, [bob]);
      expectSame(bob.count(late), 0, 'arrivals by a channel given up');
      await timeLimit.wait(bob.connection.subscribe([]), 'subscribe to nothing resolves');
      const unheard = await network.send(alice, b);
      await timeLimit.wait(bob.connection.subscribe([c]), 'subscribe resolves');
      await network.settle(alice, c, [bob]);
      expectSame(bob.count(unheard), 0, 'arrivals while nothing was listened to');
    }),

    ...(retains ? retaining(timeLimit) : notRetaining(timeLimit)),

    onNetwork('channels: one listed twice delivers each message once', timeLimit, async (network) => {
      const alice = await network.connect();
      const bob = await network.connect(() => [network.chat, { ...network.chat }]);
      const payload = await network.bring(alice, network.chat, [bob]);
      await network.settle(alice, network.chat, [bob]);
      expectSame(bob.count(payload), 1, 'arrivals of a message');
    }),

    onNetwork('channels: writing does not require a subscription', timeLimit, async (network) => {
      const alice = await network.connect(() => [network.publicChat('elsewhere')]);
      const bob = await network.connect(() => [network.chat]);
      await network.bring(alice, network.chat, [bob]);
    }),

    onNetwork(
      'parties: two devices of one identity both get what is for it',
      timeLimit,
      async (network, fixture) => {
        const identity = fixture.identity();
        const alice = await network.connect();
        const phone = await network.connect(network.channelsOf, () => {}, identity);
        const laptop = await network.connect(network.channelsOf, () => {}, identity);
        for (const channel of network.channelsOf(identity))
          await network.bring(alice, channel, [phone, laptop]);
      },
    ),

    onNetwork('parties: one writes to the other device of its own', timeLimit, async (network, fixture) => {
      const identity = fixture.identity();
      const phone = await network.connect(network.channelsOf, () => {}, identity);
      const laptop = await network.connect(network.channelsOf, () => {}, identity);
      await network.bring(phone, { kind: 'partitioned', recipient: identity.publicKey }, [laptop]);
    }),
  ];
}

/** A subscription does not deliver what was sent before it. */
function notRetaining(timeLimit: TimeLimit): readonly TransportCase[] {
  return [
    onNetwork(
      'channels: a subscription does not deliver what was sent before',
      timeLimit,
      async (network) => {
        const alice = await network.connect();
        const witness = await network.connect(() => [network.chat]);
        const before = await network.bring(alice, network.chat, [witness]);
        const bob = await network.connect(() => [network.chat]);
        await network.settle(alice, network.chat, [bob]);
        expectSame(bob.count(before), 0, 'arrivals of what was sent before');
      },
    ),
  ];
}

/** It delivers what was sent shortly before; once. */
function retaining(timeLimit: TimeLimit): readonly TransportCase[] {
  return [
    onNetwork(
      'channels: a subscription delivers what was sent shortly before',
      timeLimit,
      async (network) => {
        const alice = await network.connect();
        const before = await network.send(alice, network.chat);
        const bob = await network.connect(() => [network.chat]);
        await timeLimit.wait(bob.arrivals.until(holds(before)), 'what was sent before arrives');
        await timeLimit.wait(bob.connection.subscribe([]), 'subscribe to nothing resolves');
        await timeLimit.wait(bob.connection.subscribe([network.chat]), 'subscribe resolves');
        await network.settle(alice, network.chat, [bob]);
        expectSame(bob.count(before), 1, 'arrivals of what was sent before');
      },
    ),
  ];
}
