import type { Store } from '@sotto/core';
import { createMemoryNetwork } from '@sotto/whisper-transport/memory';
import { describe, expect, it } from 'vitest';
import { newParty, quiet } from './party.js';
import { manualClock } from './support.js';
import { START } from './world.js';

const numbers = (count: number) => Array.from({ length: count }, (_, i) => i);

describe('messages in a burst', () => {
  async function two() {
    const network = createMemoryNetwork({ clock: manualClock(START) });
    const commits = { alice: 0, bob: 0 };
    const counting =
      (name: keyof typeof commits) =>
      (store: Store): Store => ({
        get: (key) => store.get(key),
        list: (prefix, options) => store.list(prefix, options),
        close: () => store.close(),
        commit(writes, options) {
          commits[name]++;
          return store.commit(writes, options);
        },
      });
    const alice = await newParty(network, 'alice-1', { wrapStore: counting('alice') });
    const bob = await newParty(network, 'bob-1', { wrapStore: counting('bob') });
    await alice.messenger.contacts.add(await bob.messenger.contacts.ownCode());
    await alice.say(bob, 'hello');
    await quiet(network, alice, bob);
    commits.alice = 0;
    commits.bob = 0;
    return { network, alice, bob, commits };
  }

  it('take fewer commits than there are messages, and come in order, once', async () => {
    const { network, alice, bob, commits } = await two();
    const texts = numbers(40).map((i) => `text ${i}`);
    const before = alice.events.sent.length;
    await Promise.all(texts.map((text) => alice.say(bob, text)));
    expect(commits.alice).toBeLessThan(5);
    await quiet(network, alice, bob);
    // Received and acknowledged: two each, one by one.
    expect(commits.bob).toBeLessThan(40);
    expect(bob.messages.slice(1).map(({ payload }) => new TextDecoder().decode(payload))).toEqual(texts);
    expect(alice.events.sent.length - before).toBe(40);
  });

  it('acknowledged twice at once: only one call did it', async () => {
    const network = createMemoryNetwork({ clock: manualClock(START) });
    const alice = await newParty(network, 'alice-1');
    const bob = await newParty(network, 'bob-1', { acknowledge: false });
    await alice.say(bob, 'hello');
    await quiet(network, alice, bob);
    const [message] = bob.messages;
    expect(await Promise.all([message?.acknowledge(), message?.acknowledge()])).toEqual([true, false]);
  });
});
