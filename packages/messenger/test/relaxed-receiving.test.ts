import { SottoError, type Store, type Transport } from '@sotto/core';
import { createMemoryNetwork } from '@sotto/whisper-transport/memory';
import { describe, expect, it, vi } from 'vitest';
import { newParty, quiet } from './party.js';
import { manualClock } from './support.js';
import { START } from './world.js';

/** What is asked of Bob's store and what his transport is told, while making anything durable takes until the gate is opened. */
async function two({ history, acknowledge }: { readonly history: boolean; readonly acknowledge: boolean }) {
  const network = createMemoryNetwork({ clock: manualClock(START) });
  const seen: string[] = [];
  const failing: SottoError[] = [];
  let gate: Promise<void> | undefined;
  let open = () => {};
  const durably = async (what: string) => {
    await gate;
    seen.push(what);
    const failure = failing.shift();
    if (failure !== undefined) throw failure;
  };
  const wrapStore = (store: Store): Store => ({
    get: (key) => store.get(key),
    list: (prefix, options) => store.list(prefix, options),
    close: () => store.close(),
    async commit(writes, options) {
      if (options?.durability === 'relaxed') seen.push('relaxed');
      else await durably('strict');
      return store.commit(writes, options);
    },
    sync: () => durably('sync'),
  });
  const inner = network.transport();
  const transport: Transport = {
    capabilities: { ...inner.capabilities, history },
    connect: (options) =>
      inner.connect({
        ...options,
        onMessage: (message) =>
          options.onMessage(message).then(
            () => void seen.push('taken'),
            (error) => {
              seen.push(`refused: ${error.code}`);
              throw error;
            },
          ),
      }),
  };
  const alice = await newParty(network, 'alice-1');
  const bob = await newParty(network, 'bob-1', { wrapStore, transport, acknowledge });
  await alice.messenger.contacts.add(await bob.messenger.contacts.ownCode());
  await bob.messenger.contacts.add(await alice.messenger.contacts.ownCode());
  for (const [from, to] of [
    [alice, bob],
    [bob, alice],
    [alice, bob],
    [bob, alice],
  ] as const) {
    await from.say(to, 'hello');
    await quiet(network, alice, bob);
  }
  seen.length = 0;
  const shut = () => {
    gate = new Promise((resolve) => {
      open = resolve;
    });
  };
  return { network, alice, bob, seen, failing, shut, open: () => open() };
}

describe('a received message, where the transport has a history', () => {
  it('is given to the application before it is durable; the transport is told after', async () => {
    const { network, alice, bob, seen, shut, open } = await two({ history: true, acknowledge: false });
    shut();
    await alice.say(bob, 'news');
    await vi.waitFor(() => expect(bob.texts.at(-1)).toMatch(/: news$/));
    expect(seen).toEqual(['relaxed']);
    open();
    await quiet(network, alice, bob);
    expect(seen).toEqual(['relaxed', 'sync', 'taken']);
  });

  it('is made durable by the commit that answers and acknowledges it, before the answer leaves', async () => {
    const { network, alice, bob, seen, shut, open } = await two({ history: true, acknowledge: true });
    const answered: Promise<unknown>[] = [];
    bob.messenger.on('message', () => void answered.push(bob.say(alice, 'answer')));
    const heard = alice.texts.length;
    shut();
    await alice.say(bob, 'question');
    await vi.waitFor(() => expect(answered).toHaveLength(1));
    expect(seen).toEqual(['relaxed']);
    expect(alice.texts).toHaveLength(heard);
    open();
    await Promise.all(answered);
    expect(seen.slice(0, 2)).toEqual(['relaxed', 'strict']);
    expect(seen).not.toContain('sync');
    await quiet(network, alice, bob);
    expect(alice.texts.at(-1)).toMatch(/: answer$/);
  });

  it('that can not be made durable comes again from the transport, and is given once', async () => {
    const { network, alice, bob, seen, failing } = await two({ history: true, acknowledge: false });
    const given = bob.texts.length;
    failing.push(new SottoError('STORE_UNAVAILABLE', 'The disk is full.', { reason: 'full' }));
    await alice.say(bob, 'news');
    await vi.waitFor(() => expect(seen).toContain('taken'));
    expect(seen).toContain('refused: STORE_UNAVAILABLE');
    expect(bob.events.storageError).toHaveLength(1);
    await quiet(network, alice, bob);
    expect(bob.texts).toHaveLength(given + 1);
  });
});

describe('a received message, where the transport has no history', () => {
  it('is durable before the application is given it', async () => {
    const { alice, bob, seen, shut, open } = await two({ history: false, acknowledge: false });
    const given = bob.texts.length;
    shut();
    await alice.say(bob, 'news');
    await alice.messenger.flushed();
    expect(bob.texts).toHaveLength(given);
    open();
    await vi.waitFor(() => expect(bob.texts.at(-1)).toMatch(/: news$/));
    expect(seen[0]).toBe('strict');
    expect(seen).not.toContain('relaxed');
  });
});
