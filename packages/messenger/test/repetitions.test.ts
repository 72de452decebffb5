import type { TransportMessage } from '@sotto/core';
import { createMemoryNetwork } from '@sotto/whisper-transport/memory';
import { expect, it } from 'vitest';
import { newParty, quiet } from './party.js';

it.each([
  ['pq', true],
  ['dr', false],
] as const)(
  'a message that comes again after hundreds of turns is not reported: %s',
  async (protection, postQuantum) => {
    const network = createMemoryNetwork({ seed: 8 });
    const inner = network.transport();
    const received: TransportMessage[] = [];
    let again: (message: TransportMessage) => Promise<void> = async () => {};
    const transport = {
      capabilities: inner.capabilities,
      connect: (options: Parameters<typeof inner.connect>[0]) => {
        again = options.onMessage;
        const onMessage = async (message: TransportMessage) => {
          received.push({ ...message, payload: message.payload.slice() });
          await options.onMessage(message);
        };
        return inner.connect({ ...options, onMessage });
      },
    };
    const alice = await newParty(network, 'alice', { postQuantum });
    const bob = await newParty(network, 'bob', { transport, postQuantum });
    await alice.messenger.contacts.add(await bob.messenger.contacts.ownCode());
    await bob.messenger.contacts.add(await alice.messenger.contacts.ownCode());
    // Each turn ends a chain, and so many aren't remembered by their sessions.
    for (let turn = 0; turn < 270; turn++) {
      await alice.say(bob, `${turn}`);
      await network.idle();
      await bob.say(alice, `${turn}`);
      await network.idle();
    }
    await quiet(network, alice, bob);
    expect(bob.texts.at(-1)).toBe(`direct alice ${protection}: 269`);
    const texts = bob.texts.length;
    for (const message of received.slice(0, 20)) await again({ ...message, fromHistory: true });
    await quiet(network, alice, bob);
    expect(bob.texts).toHaveLength(texts);
    expect(bob.events.decryptionFailed).toEqual([]);
  },
);
