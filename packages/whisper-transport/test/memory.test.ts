import {
  type Channel,
  type Clock,
  encodeUtf8,
  type KeyPair,
  type SharedKey,
  type TransportConnection,
  type TransportMessage,
  type TransportStatus,
} from '@sotto/core';
import { defaultProvider } from '@sotto/crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createMemoryNetwork, type MemoryNetwork } from '../src/memory.js';

const crypto = defaultProvider();
const [alice, bob, carol] = [1, 2, 3].map(() => crypto.secp256k1.generateKeyPair()) as [
  KeyPair,
  KeyPair,
  KeyPair,
];

const text = (message: TransportMessage) => new TextDecoder().decode(message.payload);
const to = ({ publicKey }: KeyPair): Channel => ({ kind: 'partitioned', recipient: publicKey });
const chat: Channel = { kind: 'public', name: 'chat' };

interface Party {
  readonly connection: TransportConnection;
  readonly received: TransportMessage[];
  readonly statuses: TransportStatus[];
  texts(): string[];
}

async function join(
  network: MemoryNetwork,
  identity: KeyPair,
  channels: readonly Channel[] = [chat, to(identity)],
  onMessage: (message: TransportMessage) => void | Promise<void> = () => {},
): Promise<Party> {
  const received: TransportMessage[] = [];
  const statuses: TransportStatus[] = [];
  const connection = await network.transport().connect({
    identity,
    onMessage: async (message) => {
      await onMessage(message);
      received.push(message);
    },
    onStatus: (status) => statuses.push(status),
  });
  await connection.subscribe(channels);
  return { connection, received, statuses, texts: () => received.map(text) };
}

/** A clock that moves to its next timer when told to. */
function steppedClock(): Clock & { step(): boolean } {
  let now = 1_000;
  let timers: { at: number; run: () => void }[] = [];
  return {
    now: () => now,
    after(milliseconds, run) {
      const timer = { at: now + milliseconds, run };
      timers.push(timer);
      return () => {
        timers = timers.filter((other) => other !== timer);
      };
    },
    step() {
      const next = timers.toSorted((a, b) => a.at - b.at)[0];
      if (next === undefined) return false;
      timers = timers.filter((other) => other !== next);
      now = next.at;
      next.run();
      return true;
    },
  };
}

describe('channels', () => {
  it('a public channel reaches all who listen by its name, the sender too', async () => {
    const network = createMemoryNetwork();
    const a = await join(network, alice);
    const b = await join(network, bob);
    const c = await join(network, carol, [{ kind: 'public', name: 'elsewhere' }]);
    await a.connection.send(chat, encodeUtf8('hello'));
    await network.idle();
    expect([a.texts(), b.texts(), c.texts()]).toEqual([['hello'], ['hello'], []]);
    expect(b.received[0]).toMatchObject({ sender: alice.publicKey, channel: chat, fromHistory: false });
  });

  it.each(['partitioned', 'discovery'] as const)('a %s channel reaches its recipient', async (kind) => {
    const network = createMemoryNetwork();
    const a = await join(network, alice);
    const b = await join(network, bob, [{ kind, recipient: bob.publicKey }]);
    const c = await join(network, carol, [{ kind, recipient: carol.publicKey }]);
    await a.connection.send({ kind, recipient: bob.publicKey }, encodeUtf8('for bob'));
    await network.idle();
    expect([a.texts(), b.texts(), c.texts()]).toEqual([[], ['for bob'], []]);
  });

  it('no one subscribes, or requests history, in place of a recipient', async () => {
    const network = createMemoryNetwork();
    const { connection } = await join(network, carol);
    await expect(connection.subscribe([to(bob)])).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await expect(
      connection.history?.({ channels: [to(bob)], from: 0, to: Number.MAX_SAFE_INTEGER }),
    ).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });

  it('a negotiated channel reaches those who know its secret', async () => {
    const network = createMemoryNetwork();
    const secret = (fill: number) => ({
      kind: 'negotiated' as const,
      secret: new Uint8Array(32).fill(fill) as SharedKey,
    });
    const a = await join(network, alice);
    const b = await join(network, bob, [secret(1)]);
    const c = await join(network, carol, [secret(2)]);
    await a.connection.send(secret(1), encodeUtf8('between us'));
    await network.idle();
    expect([b.texts(), c.texts()]).toEqual([['between us'], []]);
  });

  it('listen replaces the list before', async () => {
    const network = createMemoryNetwork();
    const a = await join(network, alice);
    const b = await join(network, bob);
    await b.connection.subscribe([to(bob)]);
    await a.connection.send(chat, encodeUtf8('not any more'));
    await network.idle();
    expect(b.texts()).toEqual([]);
  });
});

describe('delivery', () => {
  it('delivers fresh bytes to each receiver, whatever the sender does with theirs', async () => {
    const network = createMemoryNetwork({ conditions: { duplication: 1 } });
    const a = await join(network, alice, []);
    const b = await join(network, bob);
    const payload = encodeUtf8('mine');
    await a.connection.send(chat, payload);
    payload.fill(0);
    await network.idle();
    expect(b.texts()).toEqual(['mine', 'mine']);
    b.received[0]?.payload.fill(0);
    b.received[0]?.sender.fill(0);
    expect(b.texts()[1]).toBe('mine');
    expect(b.received[1]?.sender).toEqual(alice.publicKey);
  });

  it('delivers in order, once, when conditions are fair', async () => {
    const network = createMemoryNetwork();
    const a = await join(network, alice);
    const b = await join(network, bob);
    const words = Array.from({ length: 50 }, (_, i) => `${i}`);
    for (const word of words) await a.connection.send(to(bob), encodeUtf8(word));
    await network.idle();
    expect(b.texts()).toEqual(words);
  });

  it('idle waits for a slow receiver', async () => {
    const network = createMemoryNetwork();
    let release = () => {};
    const slow = new Promise<void>((resolve) => {
      release = resolve;
    });
    const a = await join(network, alice, []);
    const b = await join(network, bob, [chat], () => slow);
    await a.connection.send(chat, encodeUtf8('x'));
    const order: string[] = [];
    const idle = network.idle().then(() => order.push('idle'));
    for (let turn = 0; turn < 50; turn++) await Promise.resolve();
    order.push('released');
    release();
    await idle;
    expect(order).toEqual(['released', 'idle']);
    expect(b.texts()).toEqual(['x']);
  });

  it('redelivers a rejected message, a bounded number of times', async () => {
    const network = createMemoryNetwork({ maxTries: 3 });
    const tries = new Map<string, number>();
    const a = await join(network, alice, []);
    const b = await join(network, bob, [chat], (message) => {
      const count = (tries.get(text(message)) ?? 0) + 1;
      tries.set(text(message), count);
      if (text(message) === 'never' || count < 3) throw new Error('not now');
    });
    await a.connection.send(chat, encodeUtf8('at last'));
    await a.connection.send(chat, encodeUtf8('never'));
    await network.idle();
    expect(b.texts()).toEqual(['at last']);
    expect(Object.fromEntries(tries)).toEqual({ 'at last': 3, never: 3 });
  });

  it('refuses what is too large, aborted or after close', async () => {
    const network = createMemoryNetwork({ maxPayloadBytes: 3 });
    const a = await join(network, alice);
    const signal = AbortSignal.abort();
    await expect(a.connection.send(chat, encodeUtf8('long'))).rejects.toMatchObject({
      code: 'LIMIT_EXCEEDED',
      details: { limit: 3, actual: 4 },
    });
    await expect(a.connection.send(chat, encodeUtf8('x'), { signal })).rejects.toMatchObject({
      code: 'ABORTED',
    });
    await expect(
      network.transport().connect({ identity: bob, onMessage: async () => {}, signal }),
    ).rejects.toMatchObject({ code: 'ABORTED' });
    await expect(a.connection.history?.({ channels: [chat], from: 0, to: 1, signal })).rejects.toMatchObject({
      code: 'ABORTED',
    });
    await a.connection.close();
    await a.connection.close();
    expect(a.statuses).toEqual(['closed']);
    await expect(a.connection.send(chat, encodeUtf8('x'))).rejects.toMatchObject({ code: 'CLOSED' });
    await expect(a.connection.subscribe([])).rejects.toMatchObject({ code: 'CLOSED' });
    await expect(a.connection.history?.({ channels: [], from: 0, to: 1 })).rejects.toMatchObject({
      code: 'CLOSED',
    });
    await network.idle();
    expect(a.texts()).toEqual([]);
  });
});

describe('conditions', () => {
  it('are the same for the same seed and calls', async () => {
    const run = async (seed: number) => {
      const conditions = { loss: 0.3, duplication: 0.3, reordering: 0.5 };
      const network = createMemoryNetwork({ seed, conditions });
      const a = await join(network, alice, []);
      const b = await join(network, bob);
      await Promise.all(Array.from({ length: 40 }, (_, i) => a.connection.send(chat, encodeUtf8(`${i}`))));
      await network.idle();
      return b.texts();
    };
    const first = await run(7);
    expect(await run(7)).toEqual(first);
    expect(await run(8)).not.toEqual(first);
    expect(first).not.toEqual(first.toSorted((x, y) => Number(x) - Number(y)));
    expect(new Set(first).size).toBeLessThan(40);
    expect(new Set(first).size).toBeLessThan(first.length);
  });

  it('without loss everything arrives, whatever the order', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          seed: fc.integer(),
          duplication: fc.double({ min: 0, max: 1, noNaN: true }),
          reordering: fc.double({ min: 0, max: 1, noNaN: true }),
          count: fc.nat(30),
        }),
        async ({ seed, duplication, reordering, count }) => {
          const network = createMemoryNetwork({ seed, conditions: { duplication, reordering } });
          const a = await join(network, alice, []);
          const b = await join(network, bob);
          const words = Array.from({ length: count }, (_, i) => `${i}`);
          await Promise.all(words.map((word) => a.connection.send(chat, encodeUtf8(word))));
          await network.idle();
          expect(new Set(b.texts())).toEqual(new Set(words));
        },
      ),
    );
  });

  it('can be changed: what is lost is lost to history too', async () => {
    const network = createMemoryNetwork({ conditions: { loss: 1 } });
    const a = await join(network, alice, []);
    const b = await join(network, bob);
    await a.connection.send(chat, encodeUtf8('lost'));
    network.setConditions({ loss: 0 });
    await a.connection.send(chat, encodeUtf8('found'));
    await network.idle();
    expect(b.texts()).toEqual(['found']);
    const late = await join(network, bob);
    await late.connection.history?.({ channels: [chat], from: 0, to: Number.MAX_SAFE_INTEGER });
    expect(late.texts()).toEqual(['found']);
  });

  it('latency is on the injected clock', async () => {
    const clock = steppedClock();
    const network = createMemoryNetwork({ seed: 3, clock, conditions: { latency: { min: 5, max: 500 } } });
    const a = await join(network, alice, []);
    const b = await join(network, bob);
    for (let i = 0; i < 10; i++) await a.connection.send(chat, encodeUtf8(`${i}`));
    const idle = network.idle();
    while (clock.step());
    await idle;
    expect(b.texts().toSorted()).toEqual(['0', '1', '2', '3', '4', '5', '6', '7', '8', '9']);
    expect(b.texts()).not.toEqual(b.texts().toSorted());
    expect(b.received.every(({ sentAt }) => sentAt === 1_000)).toBe(true);
    expect(clock.now()).toBeGreaterThan(1_005);
    expect(clock.now()).toBeLessThanOrEqual(1_500);
  });

  it.each([
    { loss: -0.1 },
    { duplication: 1.1 },
    { reordering: Number.NaN },
    { latency: { min: 5, max: 4 } },
    { latency: { min: 0, max: Number.POSITIVE_INFINITY } },
  ])('%o are refused', (conditions) => {
    expect(() => createMemoryNetwork({ conditions })).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT' }),
    );
  });

  it('a seed is an integer', () => {
    expect(() => createMemoryNetwork({ seed: 0.5 })).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT' }),
    );
  });
});

describe('partitions', () => {
  it('what is sent across waits for the end of it', async () => {
    const network = createMemoryNetwork();
    const [a, b, c] = await Promise.all([alice, bob, carol].map((identity) => join(network, identity)));
    network.partition([alice.publicKey], [bob.publicKey]);
    await a?.connection.send(chat, encodeUtf8('from alice'));
    await c?.connection.send(chat, encodeUtf8('from carol'));
    await network.idle();
    expect([a?.texts(), b?.texts(), c?.texts()]).toEqual([['from alice'], [], ['from carol']]);
    const everything = { channels: [chat], from: 0, to: Number.MAX_SAFE_INTEGER };
    await b?.connection.history?.(everything);
    expect(b?.texts()).toEqual([]);
    network.heal();
    await network.idle();
    expect([a?.texts().length, b?.texts().length, c?.texts().length]).toEqual([2, 2, 2]);
  });

  it('a party that is disconnected can neither send nor receive, and is notified', async () => {
    const network = createMemoryNetwork();
    const a = await join(network, alice);
    const b = await join(network, bob);
    network.disconnect(bob.publicKey);
    network.disconnect(bob.publicKey);
    await a.connection.send(to(bob), encodeUtf8('later'));
    await expect(b.connection.send(to(alice), encodeUtf8('x'))).rejects.toMatchObject({
      code: 'TRANSPORT_UNAVAILABLE',
    });
    await expect(join(network, bob)).rejects.toMatchObject({ code: 'TRANSPORT_UNAVAILABLE' });
    await network.idle();
    expect(b.texts()).toEqual([]);
    network.reconnect(bob.publicKey);
    network.reconnect(bob.publicKey);
    await network.idle();
    expect(b.texts()).toEqual(['later']);
    expect(b.statuses).toEqual(['reconnecting', 'connected']);
    expect(a.statuses).toEqual([]);
  });

  it('what waits for a connection that closes is left to history', async () => {
    const network = createMemoryNetwork();
    const a = await join(network, alice);
    const b = await join(network, bob);
    network.disconnect(bob.publicKey);
    await a.connection.send(to(bob), encodeUtf8('later'));
    await network.idle();
    await b.connection.close();
    network.reconnect(bob.publicKey);
    const again = await join(network, bob);
    await network.idle();
    expect([b.texts(), again.texts()]).toEqual([[], []]);
    await again.connection.history?.({ channels: [to(bob)], from: 0, to: Number.MAX_SAFE_INTEGER });
    expect(again.texts()).toEqual(['later']);
  });
});

describe('history', () => {
  const everything = { from: 0, to: Number.MAX_SAFE_INTEGER };

  it('returns to latecomers what was sent, on the requested channels and in the requested time', async () => {
    const clock = steppedClock();
    const network = createMemoryNetwork({ clock });
    const a = await join(network, alice);
    for (const word of ['one', 'two', 'three']) {
      await a.connection.send(to(bob), encodeUtf8(word));
      await a.connection.send(to(carol), encodeUtf8('not for bob'));
      clock.after(10, () => {});
      clock.step();
    }
    const b = await join(network, bob);
    await network.idle();
    expect(b.texts()).toEqual([]);
    await b.connection.history?.({ channels: [to(bob)], from: 1_010, to: 1_020 });
    expect(b.texts()).toEqual(['two', 'three']);
    expect(b.received.map(({ fromHistory, sentAt }) => [fromHistory, sentAt])).toEqual([
      [true, 1_010],
      [true, 1_020],
    ]);
    await b.connection.history?.({ channels: [chat], ...everything });
    expect(b.received.length).toBe(2);
  });

  it('keeps a bounded number of messages', async () => {
    const network = createMemoryNetwork({ historySize: 2 });
    const a = await join(network, alice, []);
    for (const word of ['one', 'two', 'three']) await a.connection.send(chat, encodeUtf8(word));
    const b = await join(network, bob);
    await b.connection.history?.({ channels: [chat], ...everything });
    expect(b.texts()).toEqual(['two', 'three']);
  });

  it('arrives in another order when the network reorders', async () => {
    const network = createMemoryNetwork({ seed: 1, conditions: { reordering: 1 } });
    const a = await join(network, alice, []);
    const words = Array.from({ length: 10 }, (_, i) => `${i}`);
    for (const word of words) await a.connection.send(chat, encodeUtf8(word));
    const b = await join(network, bob);
    await b.connection.history?.({ channels: [chat], ...everything });
    expect(b.texts()).not.toEqual(words);
    expect(b.texts().toSorted()).toEqual(words);
  });

  it('rejects when a message was not accepted', async () => {
    const network = createMemoryNetwork();
    const a = await join(network, alice, []);
    await a.connection.send(chat, encodeUtf8('x'));
    const b = await join(network, bob, [chat], () => {
      throw new Error('not now');
    });
    await expect(b.connection.history?.({ channels: [chat], ...everything })).rejects.toMatchObject({
      code: 'TRANSPORT_UNAVAILABLE',
    });
  });
});
