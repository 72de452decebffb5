import { type Channel, type Clock, systemClock } from '@sotto/core';
import { expectBytes, expectSame, expectThat } from '../support/expectations.js';
import type { TimeLimit } from '../support/time-limit.js';
import { holds, onNetwork, type Party, type TransportCase } from './transport-case.js';

const HOUR = 3_600_000;
/** Milliseconds that a receiver takes for each message. */
const SLOW = 20;

/** What was sent while we were offline. For transports with a history. */
export function historyCases(
  timeLimit: TimeLimit,
  retains: boolean,
  clock: Clock = systemClock,
): readonly TransportCase[] {
  /** What a receiver gets from history who has just subscribed and receives nothing live. */
  const fromHistory = ({ arrivals }: Party) =>
    arrivals.all.filter((message) => message.fromHistory || !retains);
  const ask = async (party: Party, channels: readonly Channel[], from: number, to: number) => {
    expectThat(party.connection.history !== undefined, 'the connection has history');
    await timeLimit.wait(party.connection.history({ channels, from, to }), 'history resolves');
  };
  const recent = (party: Party, channels: readonly Channel[]) =>
    ask(party, channels, clock.now() - HOUR, clock.now() + HOUR);

  return [
    onNetwork(
      'history: what was sent while offline arrives, once and marked as history',
      timeLimit,
      async (network, fixture) => {
        const alice = await network.connect();
        const identity = fixture.identity();
        const sent = new Map<Channel, Uint8Array>();
        for (const channel of network.channelsOf(identity))
          sent.set(channel, await network.send(alice, channel));
        const bob = await network.connect(network.channelsOf, () => {}, identity);
        await recent(bob, network.channelsOf(identity));
        await recent(bob, network.channelsOf(identity));
        for (const [{ kind }, payload] of sent) {
          const found = bob.arrivals.all.filter(holds(payload));
          expectSame(found.length, 1, `arrivals by ${kind} when history has resolved`);
          expectThat(
            retains || found.every((message) => message.fromHistory),
            `what comes from history by ${kind} is marked so`,
          );
          expectBytes(found[0]?.sender, alice.identity.publicKey, 'sender');
        }
      },
    ),

    onNetwork('history: what arrived live is not repeated', timeLimit, async (network) => {
      const alice = await network.connect();
      const bob = await network.connect(() => [network.chat]);
      const payload = await network.bring(alice, network.chat, [bob]);
      await recent(bob, [network.chat]);
      expectSame(bob.count(payload), 1, 'arrivals of a message');
    }),

    onNetwork('history: only of the requested channels and time', timeLimit, async (network) => {
      const alice = await network.connect();
      const other = network.publicChat('another');
      const here = await network.send(alice, network.chat);
      const there = await network.send(alice, other);
      const bob = await network.connect(() => [network.chat, other]);
      const now = clock.now();
      await ask(bob, [network.chat], now - 48 * HOUR, now - 24 * HOUR);
      expectSame(fromHistory(bob).length, 0, 'arrivals from a day before');
      await recent(bob, [other]);
      expectSame(fromHistory(bob).filter(holds(here)).length, 0, 'arrivals by a channel not asked for');
      expectSame(bob.count(there), 1, 'arrivals by the channel asked for');
    }),

    onNetwork('history: resolves when the last message was accepted', timeLimit, async (network) => {
      const alice = await network.connect();
      const sent: Uint8Array[] = [];
      for (let i = 0; i < 5; i++) sent.push(await network.send(alice, network.chat));
      const bob = await network.connect(
        () => [network.chat],
        () => new Promise<void>((taken) => clock.after(SLOW, taken)),
      );
      await recent(bob, [network.chat]);
      expectSame(
        sent.map((payload) => bob.count(payload)),
        sent.map(() => 1),
        'messages kept when history resolves',
      );
    }),

    onNetwork('history: an empty one ends', timeLimit, async (network) => {
      const bob = await network.connect(() => [network.chat]);
      await recent(bob, [network.chat]);
      await recent(bob, []);
      expectSame(bob.arrivals.all.length, 0, 'arrivals from an empty history');
    }),
  ];
}
