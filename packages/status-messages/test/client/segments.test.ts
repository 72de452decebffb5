import { type Clock, type ConnectOptions, SottoError, type Store } from '@sotto/core';
import { createMessenger, type Messenger } from '@sotto/messenger';
import { createMemoryStore } from '@sotto/store-adapters/memory';
import { createMemoryNetwork, type MemoryNetwork } from '@sotto/whisper-transport/memory';
import { describe, expect, it } from 'vitest';
import { createSegmentingTransport, type SegmentingTransportOptions } from '../../src/client/index.js';
import { decodeSegment, type SegmentLimits, segmentMessage } from '../../src/index.js';
import { crypto } from './status-peer.js';

type Wrap = (payload: Uint8Array) => boolean;

/** A messenger whose segments have 1000 bytes; `passes` decides what its connection receives. */
async function open(
  network: MemoryNetwork,
  {
    store = createMemoryStore(),
    identity = crypto.secp256k1.generateKeyPair(),
    passes = () => true,
    limits,
    postQuantum = false,
  }: {
    postQuantum?: boolean;
    store?: Store;
    identity?: ReturnType<typeof crypto.secp256k1.generateKeyPair>;
    passes?: Wrap;
    limits?: Partial<SegmentLimits>;
  } = {},
) {
  const inner = network.transport();
  const transport: SegmentingTransportOptions['transport'] = {
    capabilities: inner.capabilities,
    connect: (options) =>
      inner.connect({
        ...options,
        onMessage: async (message) => {
          if (passes(message.payload)) await options.onMessage(message);
        },
      }),
  };
  const view: Store = {
    get: (key) => store.get(key),
    list: (prefix, options) => store.list(prefix, options),
    commit: (writes, options) => store.commit(writes, options),
    close: async () => {},
  };
  const segmenting = createSegmentingTransport({
    transport,
    store: view,
    crypto,
    segmentSize: 1_000,
    limits,
  });
  const messenger = await createMessenger({
    identity,
    store: view,
    transport: segmenting,
    crypto,
    postQuantum,
  });
  const received: Uint8Array[] = [];
  messenger.on('message', async (message) => {
    received.push(message.payload);
    await message.acknowledge();
  });
  await messenger.start();
  return { identity, store, messenger, received };
}

const large = (length: number) => Uint8Array.from({ length }, (_, i) => i % 251);
const isSegment: Wrap = (payload) => decodeSegment(payload) !== undefined;

async function stored(store: Store): Promise<number> {
  let count = 0;
  for await (const _ of store.list('app/status/segment/')) count++;
  return count;
}

async function quiet(network: MemoryNetwork, ...messengers: readonly Messenger[]): Promise<void> {
  for (let round = 0; round < 3; round++) {
    for (const messenger of messengers) await messenger.flushed();
    await network.idle();
  }
}

describe('a segmenting transport', () => {
  it('cuts large messages and puts them together; small ones go as they are', async () => {
    const network = createMemoryNetwork();
    let segments = 0;
    const alice = await open(network);
    const bob = await open(network, {
      passes: (payload) => {
        if (isSegment(payload)) segments++;
        return true;
      },
    });
    await alice.messenger.contacts.add(await bob.messenger.contacts.ownCode());
    await quiet(network, alice.messenger, bob.messenger);
    for (const length of [10, 20_000]) await alice.messenger.send(bob.identity.publicKey, large(length));
    await quiet(network, alice.messenger, bob.messenger);
    expect(bob.received).toEqual([large(10), large(20_000)]);
    expect(segments).toBeGreaterThan(20);
    expect(await stored(bob.store)).toBe(0);
  });

  it('of sealed messages bear one pseudonym, and are put together', async () => {
    const network = createMemoryNetwork();
    const payloads: Uint8Array[] = [];
    const alice = await open(network, { postQuantum: true });
    const bob = await open(network, {
      postQuantum: true,
      passes: (payload) => {
        payloads.push(payload);
        return true;
      },
    });
    await alice.messenger.contacts.add(await bob.messenger.contacts.ownCode());
    await quiet(network, alice.messenger, bob.messenger);
    await alice.messenger.send(bob.identity.publicKey, large(10));
    await quiet(network, alice.messenger, bob.messenger);
    await bob.messenger.send(alice.identity.publicKey, large(11));
    await quiet(network, alice.messenger, bob.messenger);
    payloads.length = 0;
    for (const length of [12, 20_000]) await alice.messenger.send(bob.identity.publicKey, large(length));
    await quiet(network, alice.messenger, bob.messenger);
    expect(bob.received).toEqual([large(10), large(12), large(20_000)]);
    const [small] = payloads.filter((payload) => !isSegment(payload));
    expect(small?.subarray(0, 2)).toEqual(Uint8Array.of(0, 1));
    expect(payloads.filter(isSegment).length).toBeGreaterThan(20);
  });

  it('restores what was lost from parity, and goes on after a restart', async () => {
    const network = createMemoryNetwork();
    const alice = await open(network);
    const waiting: Uint8Array[] = [];
    let count = 0;
    const first = await open(network, {
      // Every ninth is lost; of the others only the first ten come before the restart.
      passes: (payload) => {
        if (!isSegment(payload)) return true;
        count++;
        if (count % 9 === 0) return false;
        if (count <= 10) return true;
        waiting.push(payload);
        return false;
      },
    });
    await alice.messenger.contacts.add(await first.messenger.contacts.ownCode());
    await quiet(network, alice.messenger, first.messenger);
    await alice.messenger.send(first.identity.publicKey, large(20_000));
    await quiet(network, alice.messenger, first.messenger);
    expect(first.received).toEqual([]);
    expect(await stored(first.store)).toBe(9);
    await first.messenger.close();

    const again = await open(network, { store: first.store, identity: first.identity });
    const connection = await network
      .transport()
      .connect({ identity: alice.identity, onMessage: async () => {} });
    for (const payload of waiting)
      await connection.send({ kind: 'partitioned', recipient: first.identity.publicKey }, payload);
    await quiet(network, alice.messenger, again.messenger);
    expect(again.received).toEqual([large(20_000)]);
    expect(await stored(first.store)).toBe(0);
  });

  it('delivers again what the messenger could not store', async () => {
    const network = createMemoryNetwork();
    let fails = true;
    const inner = network.transport();
    const delivered: number[] = [];
    const transport = createSegmentingTransport({
      transport: inner,
      store: createMemoryStore(),
      crypto,
      segmentSize: 1_000,
    });
    const [alice, bob] = [crypto.secp256k1.generateKeyPair(), crypto.secp256k1.generateKeyPair()];
    const connection = await transport.connect({
      identity: bob,
      onMessage: async ({ payload }) => {
        if (fails) {
          fails = false;
          throw new SottoError('STORE_UNAVAILABLE', 'The disk is full.', { reason: 'test' });
        }
        delivered.push(payload.length);
      },
    });
    const channel = { kind: 'partitioned', recipient: bob.publicKey } as const;
    await connection.subscribe([channel]);
    const sender = await transport.connect({ identity: alice, onMessage: async () => {} });
    await sender.send(channel, large(2_500));
    await network.idle();
    expect(fails).toBe(false);
    expect(delivered).toEqual([2_500]);
  });

  it('keeps no more than its limits', async () => {
    const network = createMemoryNetwork();
    const alice = await open(network);
    let count = 0;
    const bob = await open(network, {
      limits: { maxBytes: 5_000 },
      passes: (payload) => !isSegment(payload) || ++count % 3 === 0,
    });
    await alice.messenger.contacts.add(await bob.messenger.contacts.ownCode());
    await quiet(network, alice.messenger, bob.messenger);
    for (let i = 0; i < 4; i++) await alice.messenger.send(bob.identity.publicKey, large(10_000 + i));
    await quiet(network, alice.messenger, bob.messenger);
    expect(bob.received).toEqual([]);
    expect(await stored(bob.store)).toBeLessThanOrEqual(5);
  });

  describe('after a restart', () => {
    const DAY = 24 * 60 * 60 * 1000;

    /** A receiver over a transport that delivers what the test gives it. */
    async function receiver(store: Store, now: () => number) {
      let hashed = 0;
      const counting = {
        ...crypto,
        keccak256: (...parts: readonly Uint8Array[]) => {
          hashed += parts.reduce((sum, { length }) => sum + length, 0);
          return crypto.keccak256(...parts);
        },
      };
      let deliver: ConnectOptions['onMessage'] = async () => {};
      const clock: Clock = { now, after: () => () => {} };
      const received: Uint8Array[] = [];
      const transport = createSegmentingTransport({
        transport: {
          capabilities: { maxPayloadBytes: 1_000_000, history: false },
          async connect({ onMessage }: ConnectOptions) {
            deliver = onMessage;
            return { send: async () => {}, subscribe: async () => {}, close: async () => {} };
          },
        } as unknown as SegmentingTransportOptions['transport'],
        store,
        crypto: counting,
        clock,
      });
      const identity = crypto.secp256k1.generateKeyPair();
      await transport.connect({
        identity,
        onMessage: async ({ payload }) => void received.push(payload),
      });
      const give = (sender: Uint8Array, payload: Uint8Array) =>
        deliver({ sender, payload, channel: { kind: 'public', name: 'x' }, sentAt: now() } as never);
      return { give, received, hashed: () => hashed };
    }

    it('segments are put together only when another one arrives', async () => {
      const store = createMemoryStore();
      const sender = crypto.secp256k1.generateKeyPair().publicKey;
      const pieces = segmentMessage(crypto, large(20_000), 1_000);
      const first = await receiver(store, () => 1_000);
      for (const piece of pieces.slice(0, 19)) await first.give(sender, piece);
      const again = await receiver(store, () => 2_000);
      expect(again.hashed()).toBe(0);
      await again.give(sender, pieces[19] as Uint8Array);
      expect(again.received).toEqual([large(20_000)]);
      expect(await stored(store)).toBe(0);
    });

    it('those of messages older than a day are deleted unread', async () => {
      const store = createMemoryStore();
      let now = 1_000;
      const first = await receiver(store, () => now);
      const senders = Array.from({ length: 3 }, () => crypto.secp256k1.generateKeyPair().publicKey);
      for (const sender of senders) {
        const [one, two] = segmentMessage(crypto, large(20_000), 1_000);
        await first.give(sender, one as Uint8Array);
        now += DAY / 3;
        await first.give(sender, two as Uint8Array);
      }
      expect(await stored(store)).toBe(6);
      const again = await receiver(store, () => now + DAY / 3);
      expect(await stored(store)).toBe(2);
      expect(again.hashed()).toBe(0);
      // What an earlier run kept is given up in this one as everything else is.
      now += DAY;
      await again.give(
        senders[0] as Uint8Array,
        segmentMessage(crypto, large(9_000), 1_000)[0] as Uint8Array,
      );
      expect(await stored(store)).toBe(1);
    });

    it('the limits on what is kept still hold, in the store too', async () => {
      const store = createMemoryStore();
      const first = await receiver(store, () => 1_000);
      for (let n = 0; n < 1_500; n++) {
        const [one] = segmentMessage(crypto, large(3_000 + n), 1_000);
        await first.give(crypto.secp256k1.generateKeyPair().publicKey, one as Uint8Array);
      }
      expect(await stored(store)).toBe(1_024);
      await receiver(store, () => 2_000);
      expect(await stored(store)).toBe(1_024);
    });
  });
});
