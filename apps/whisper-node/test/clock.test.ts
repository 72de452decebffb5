import { createInbox } from '@sotto/compliance/inbox';
import { type Channel, type Clock, type ClockSkew, systemClock } from '@sotto/core';
import { defaultProvider } from '@sotto/crypto';
import { createSealedTransport } from '@sotto/whisper-transport';
import { createRelayCarrier } from '@sotto/whisper-transport/relay';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type NodeProcess, startNode } from './node-process.js';

const crypto = defaultProvider();
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

let node: NodeProcess;
beforeAll(async () => {
  node = await startNode();
});
afterAll(() => node?.close());

async function join(off: number, channel: Channel) {
  const clock: Clock = { ...systemClock, now: () => Date.now() + off };
  const box = createInbox(crypto.secp256k1.generateKeyPair());
  const skews: ClockSkew[] = [];
  const transport = createSealedTransport(createRelayCarrier({ url: node.relay, clock }), { crypto, clock });
  const connection = await transport.connect({ ...box.party, onClock: (skew) => skews.push(skew) });
  await connection.subscribe([channel]);
  return { ...box, connection, skews, now: () => clock.now() };
}

it.each([14_000, -14_000, 10 * MINUTE, -10 * MINUTE, 3 * HOUR, -3 * HOUR])(
  'a clock that is %i ms off: what is sent is taken, what others send comes, live and from history',
  async (off) => {
    const channel: Channel = { kind: 'public', name: `off-by-${off}` };
    const [wrong, right] = [await join(off, channel), await join(0, channel)];
    await wrong.connection.send(channel, new TextEncoder().encode('from the wrong time'));
    await right.count(1);
    await right.connection.send(channel, new TextEncoder().encode('from the right one'));
    await wrong.count(1);
    expect([right.texts(), wrong.texts()]).toEqual([['from the wrong time'], ['from the right one']]);
    expect(right.skews).toEqual([{ skewMs: 0, source: 'node', corrected: true }]);
    expect(wrong.skews).toMatchObject([{ source: 'node', corrected: true }]);
    expect(Math.abs((wrong.skews[0]?.skewMs ?? 0) - off)).toBeLessThan(10_000);
    await wrong.connection.close();
    // By its own clock it asks for the last minute.
    const again = await join(off, channel);
    await again.connection.history?.({ channels: [channel], from: again.now() - MINUTE, to: again.now() });
    expect(again.texts().toSorted()).toEqual(['from the right one', 'from the wrong time']);
    await again.connection.close();
    await right.connection.close();
  },
);
