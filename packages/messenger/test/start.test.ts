import { SottoError, type Store, type Transport, type TransportConnection } from '@sotto/core';
import { createMemoryStore } from '@sotto/store-adapters/memory';
import { createMemoryNetwork } from '@sotto/whisper-transport/memory';
import { describe, expect, it } from 'vitest';
import { createMessenger, type StartFailure } from '../src/index.js';
import { manualClock } from './support.js';
import { bytesOf, crypto, keptView, START } from './world.js';

const unavailable = () => new SottoError('TRANSPORT_UNAVAILABLE', 'No route.', { reason: 'no route' });

/** A messenger over a transport that fails as long as it is told to. */
async function setUp() {
  const network = createMemoryNetwork({ clock: manualClock(START) });
  const clock = manualClock(START);
  const inner = network.transport();
  const state = {
    failures: 0,
    tries: 0,
    open: 0,
    /** Waited for before a try ends. */
    held: undefined as Promise<void> | undefined,
    subscribeFails: false,
    commitFails: false,
  };
  const transport: Transport = {
    capabilities: inner.capabilities,
    async connect(options) {
      state.tries++;
      await state.held;
      if (state.tries <= state.failures) throw unavailable();
      const connection = await inner.connect(options);
      state.open++;
      const wrapped: TransportConnection = {
        send: (channel, payload, sending) => connection.send(channel, payload, sending),
        subscribe: async (channels) => {
          if (state.subscribeFails) throw unavailable();
          await connection.subscribe(channels);
        },
        async close() {
          state.open--;
          await connection.close();
        },
      };
      return wrapped;
    },
  };
  const memory = createMemoryStore();
  const store: Store = {
    ...keptView(memory),
    async commit(writes, options) {
      if (state.commitFails)
        throw new SottoError('STORE_UNAVAILABLE', 'The disk is full.', { reason: 'full' });
      return memory.commit(writes, options);
    },
  };
  const identity = crypto.secp256k1.generateKeyPair();
  const messenger = await createMessenger({ identity, store, transport, crypto, clock });
  return { messenger, clock, state };
}

/** Lets what is under way go on until it waits for the clock. */
async function untilIdle(): Promise<void> {
  for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve));
}

describe('start', () => {
  it('fails at once unless it is told to try again, and works later', async () => {
    const { messenger, state } = await setUp();
    state.failures = 1;
    await expect(messenger.start()).rejects.toMatchObject({ code: 'TRANSPORT_UNAVAILABLE' });
    await messenger.start();
    expect(state).toMatchObject({ tries: 2, open: 1 });
    await messenger.close();
    expect(state.open).toBe(0);
  });

  it('tries again with growing waits until it works, and tells why', async () => {
    const { messenger, clock, state } = await setUp();
    state.failures = 8;
    const told: StartFailure[] = [];
    const starting = messenger.start({ retry: true, onRetry: (failure) => told.push(failure) });
    for (let i = 0; i < 8; i++) {
      await untilIdle();
      expect(state.tries).toBe(i + 1);
      clock.advance((told.at(-1) as StartFailure).waitMs - 1);
      await untilIdle();
      expect(state.tries).toBe(i + 1);
      clock.advance(1);
    }
    await starting;
    expect(told.map(({ attempts, waitMs }) => [attempts, waitMs / 1000])).toEqual([
      [1, 1],
      [2, 2],
      [3, 4],
      [4, 8],
      [5, 16],
      [6, 30],
      [7, 30],
      [8, 30],
    ]);
    expect(told[0]?.error).toMatchObject({ code: 'TRANSPORT_UNAVAILABLE' });
    await messenger.close();
  });

  it('tries at once when it is called again while it waits', async () => {
    const { messenger, state } = await setUp();
    state.failures = 1;
    const starting = messenger.start({ retry: true });
    await untilIdle();
    expect(state.tries).toBe(1);
    await Promise.all([messenger.start(), starting]);
    expect(state).toMatchObject({ tries: 2, open: 1 });
    await messenger.close();
  });

  it('ends with CLOSED when the messenger is closed while it waits', async () => {
    const { messenger, state } = await setUp();
    state.failures = 9;
    const starting = messenger.start({ retry: true });
    await untilIdle();
    await Promise.all([messenger.close(), expect(starting).rejects.toMatchObject({ code: 'CLOSED' })]);
    expect(state.tries).toBe(1);
  });

  it.each(['before', 'while it connects', 'while it waits', 'in onRetry'])(
    'gives up when it is told to, %s, leaves no connection behind, and may be called again',
    async (when) => {
      const { messenger, clock, state } = await setUp();
      state.failures = when === 'while it waits' || when === 'in onRetry' ? 1 : 0;
      let release = () => {};
      if (when === 'while it connects') {
        state.held = new Promise((resolve) => {
          release = resolve;
        });
      }
      const control = new AbortController();
      if (when === 'before') control.abort();
      const starting = messenger.start({
        retry: true,
        signal: control.signal,
        onRetry: () => (when === 'in onRetry' ? control.abort() : undefined),
      });
      const given = expect(starting).rejects.toMatchObject({ code: 'ABORTED' });
      await untilIdle();
      control.abort();
      // Some transports take no notice of the signal.
      release();
      state.held = undefined;
      await given;
      const { tries } = state;
      clock.advance(60_000);
      await untilIdle();
      expect(state).toMatchObject({ tries, open: 0 });
      await messenger.start();
      expect(state.open).toBe(1);
      await messenger.close();
    },
  );

  it('closes the connection when a later step of it fails, and when our bundle cannot be stored', async () => {
    const { messenger, state } = await setUp();
    state.subscribeFails = true;
    await expect(messenger.start()).rejects.toMatchObject({ code: 'TRANSPORT_UNAVAILABLE' });
    expect(state.open).toBe(0);
    state.subscribeFails = false;
    state.commitFails = true;
    await expect(messenger.start()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    state.commitFails = false;
    expect(state.open).toBe(0);
    await messenger.start();
    expect(state.open).toBe(1);
    await messenger.close();
  });

  it('works with a full outbox, which the connection empties', async () => {
    const network = createMemoryNetwork({ clock: manualClock(START) });
    const messenger = await createMessenger({
      identity: crypto.secp256k1.generateKeyPair(),
      store: createMemoryStore(),
      transport: network.transport(),
      crypto,
      clock: manualClock(START),
      limits: { maxOutboxBytes: 600 },
    });
    const { id } = await messenger.send({ kind: 'public', name: 'cats' }, bytesOf('a'.repeat(200)));
    await expect(messenger.send({ kind: 'public', name: 'cats' }, bytesOf('b'))).rejects.toMatchObject({
      code: 'LIMIT_EXCEEDED',
    });
    await messenger.start();
    await messenger.flushed();
    expect([...(await messenger.outbox.pending())]).not.toContain(id);
    await messenger.close();
  });
});
