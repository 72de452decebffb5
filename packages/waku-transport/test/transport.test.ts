import { type Channel, compareBytes, encodeUtf8, type KeyPair, type TransportMessage } from '@sotto/core';
import { defaultProvider } from '@sotto/crypto';
import { SEGMENT_SIZE, segmentMessage } from '@sotto/status-messages';
import { manualClock } from '@sotto/testing/clock';
import { describe, expect, it } from 'vitest';
import { createWakuTransport, type WakuTransportOptions } from '../src/index.js';
import { ScriptedWaku } from './scripted-waku.js';

const crypto = defaultProvider();
const CHAT: Channel = { kind: 'public', name: 'segments' };

async function connect(
  waku: ScriptedWaku,
  options: WakuTransportOptions = {},
  onMessage: (message: TransportMessage) => Promise<void> = async () => {},
  identity: KeyPair = crypto.secp256k1.generateKeyPair(),
) {
  const arrived: TransportMessage[] = [];
  const connection = await createWakuTransport(waku.lightNode(), options).connect({
    identity,
    async onMessage(message) {
      await onMessage(message);
      arrived.push(message);
    },
  });
  await connection.subscribe([CHAT]);
  return { identity, connection, arrived };
}

/** Different at each place, so that a wrong order shows. */
const large = (length: number) => Uint8Array.from({ length }, (_, i) => (i * 7 + (i >> 8)) & 0xff);

describe('times', () => {
  it('reports the time that the message has', async () => {
    const waku = new ScriptedWaku();
    const [alice, bob] = [
      await connect(waku, { clock: manualClock(1_600_000_000_000) }),
      await connect(waku, { clock: manualClock(1_700_000_000_000) }),
    ];
    await alice.connection.send(CHAT, encodeUtf8('hello'));
    await expect.poll(() => bob.arrived).toHaveLength(1);
    expect(bob.arrived[0]).toMatchObject({ sentAt: 1_600_000_000_000, fromHistory: false });
    await Promise.all([alice, bob].map(({ connection }) => connection.close()));
  });
});

describe('segments', () => {
  it('carry payloads beyond 786,432 bytes; one of this size still travels whole', async () => {
    const waku = new ScriptedWaku();
    const [alice, bob] = [await connect(waku), await connect(waku)];
    await alice.connection.send(CHAT, large(SEGMENT_SIZE));
    expect(waku.stored).toHaveLength(1);
    await alice.connection.send(CHAT, large(SEGMENT_SIZE + 1));
    expect(waku.stored).toHaveLength(3);
    await expect.poll(() => bob.arrived, { timeout: 10_000 }).toHaveLength(2);
    expect(bob.arrived.map(({ payload }) => payload.length)).toEqual([SEGMENT_SIZE, SEGMENT_SIZE + 1]);
    expect(compareBytes(bob.arrived[1]?.payload as Uint8Array, large(SEGMENT_SIZE + 1))).toBe(0);
    expect(compareBytes(bob.arrived[1]?.sender as Uint8Array, alice.identity.publicKey)).toBe(0);
    await Promise.all([alice, bob].map(({ connection }) => connection.close()));
  });

  it('are small enough for a network with smaller messages', async () => {
    const waku = new ScriptedWaku();
    const options = { maxMessageBytes: 150 * 1024 };
    const [alice, bob] = [await connect(waku, options), await connect(waku, options)];
    await alice.connection.send(CHAT, large(400_000));
    expect(waku.stored).toHaveLength(3);
    expect(Math.max(...waku.stored.map(({ message }) => message.payload.length))).toBeLessThan(150 * 1024);
    await expect.poll(() => bob.arrived, { timeout: 10_000 }).toHaveLength(1);
    await Promise.all([alice, bob].map(({ connection }) => connection.close()));
  });

  it('put together by sender: those of two are never one message', async () => {
    const waku = new ScriptedWaku();
    const plain = { segments: false } as const;
    const [alice, mallory, bob] = [
      await connect(waku, plain),
      await connect(waku, plain),
      await connect(waku),
    ];
    const [first, second] = segmentMessage(crypto, large(2_000), 1_000) as [Uint8Array, Uint8Array];
    await alice.connection.send(CHAT, first);
    await mallory.connection.send(CHAT, second);
    await alice.connection.send(CHAT, encodeUtf8('marker'));
    await expect.poll(() => bob.arrived).toHaveLength(1);
    await alice.connection.send(CHAT, second);
    await expect.poll(() => bob.arrived).toHaveLength(2);
    expect(bob.arrived[1]?.payload).toHaveLength(2_000);
    await Promise.all([alice, mallory, bob].map(({ connection }) => connection.close()));
  });

  it('that are damaged are dropped, and disturb nothing', async () => {
    const waku = new ScriptedWaku();
    const [alice, bob] = [await connect(waku, { segments: false }), await connect(waku)];
    const [first, second] = segmentMessage(crypto, large(2_000), 1_000) as [Uint8Array, Uint8Array];
    const altered = Uint8Array.from(second);
    altered[altered.length - 1] = 1 ^ (altered.at(-1) as number);
    for (const payload of [first, altered, encodeUtf8('marker')]) await alice.connection.send(CHAT, payload);
    await expect.poll(() => bob.arrived).toHaveLength(1);
    expect(bob.arrived[0]?.payload).toEqual(encodeUtf8('marker'));
    await Promise.all([alice, bob].map(({ connection }) => connection.close()));
  });

  it('whose message the receiver rejects are delivered again', async () => {
    const waku = new ScriptedWaku();
    let attempts = 0;
    const [alice, bob] = [
      await connect(waku),
      await connect(waku, {}, async () => {
        if (++attempts === 1) throw new Error('the store is busy');
      }),
    ];
    await alice.connection.send(CHAT, large(SEGMENT_SIZE + 1));
    await expect.poll(() => bob.arrived, { timeout: 10_000 }).toHaveLength(1);
    expect([attempts, bob.arrived[0]?.payload.length]).toEqual([2, SEGMENT_SIZE + 1]);
    await Promise.all([alice, bob].map(({ connection }) => connection.close()));
  });

  it('come from history, once', async () => {
    const waku = new ScriptedWaku();
    const alice = await connect(waku);
    await alice.connection.send(CHAT, large(SEGMENT_SIZE + 1));
    const bob = await connect(waku);
    const request = { channels: [CHAT], from: Date.now() - 60_000, to: Date.now() + 60_000 };
    await bob.connection.history?.(request);
    await bob.connection.history?.(request);
    expect(bob.arrived.map(({ payload, fromHistory }) => [payload.length, fromHistory])).toEqual([
      [SEGMENT_SIZE + 1, true],
    ]);
    await Promise.all([alice, bob].map(({ connection }) => connection.close()));
  });

  it('are not made of more than the limit', async () => {
    const waku = new ScriptedWaku();
    const alice = await connect(waku, { segments: { maxMessageBytes: 2_000_000 } });
    const sending = alice.connection.send(CHAT, large(2_000_001));
    await expect(sending).rejects.toMatchObject({
      code: 'LIMIT_EXCEEDED',
      details: { limit: 2_000_000, actual: 2_000_001 },
    });
    expect(waku.stored).toEqual([]);
    await alice.connection.close();
  });
});
