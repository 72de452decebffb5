import { encodeHex, systemClock } from '@sotto/core';
import { manualClock, rest } from '@sotto/testing/clock';
import { bloomOfTopics } from '@sotto/whisper-transport/whisper';
import { describe, expect, it } from 'vitest';
import { createDevp2pCarrier, type Devp2pCarrierOptions } from '../src/index.js';
import { crypto, envelope, lazyEnvelope, TOPIC } from './envelopes.js';
import { testHost, urlOf, waiter } from './hosts.js';

const NOBODY = `enode://${encodeHex(crypto.secp256k1.uncompressPublicKey(crypto.secp256k1.generateKeyPair().publicKey)).slice(2)}@127.0.0.1:1`;

describe('a devp2p peer as a carrier', () => {
  async function opened(options: Devp2pCarrierOptions) {
    const { changed, until } = waiter();
    const came: string[] = [];
    const statuses: string[] = [];
    const carrier = createDevp2pCarrier({ crypto, backOff: { first: 20, most: 100 }, ...options });
    const connection = await carrier.open({
      onEnvelope: (_topic, bytes) => {
        came.push(encodeHex(bytes));
        changed();
      },
      onStatus: (status) => {
        statuses.push(status);
        changed();
      },
    });
    return { carrier, connection, came, statuses, until };
  }

  it('nothing answers: TRANSPORT_UNAVAILABLE when offlineTimeout is over, ABORTED when the caller aborts', async () => {
    const clock = manualClock();
    const carrier = createDevp2pCarrier({ peers: [NOBODY], crypto, clock, offlineTimeout: 3_000 });
    const opening = expect(carrier.open({ onEnvelope() {} })).rejects.toMatchObject({
      code: 'TRANSPORT_UNAVAILABLE',
    });
    await rest();
    await clock.advanceAndRest(3_000);
    await opening;
    const signal = AbortSignal.abort();
    await expect(carrier.open({ onEnvelope() {} }, { signal })).rejects.toMatchObject({ code: 'ABORTED' });
  });

  it('an invalid enode URL is refused immediately', () => {
    expect(() => createDevp2pCarrier({ peers: ['http://127.0.0.1'], crypto })).toThrow(
      expect.objectContaining({ code: 'INVALID_TEXT' }),
    );
  });

  it('asks peers only for its topics, and for those subscribed to later', async () => {
    const node = await testHost();
    const { connection } = await opened({ peers: [urlOf(node)] });
    await node.connected(1);
    expect(node.peers[0]).toMatchObject({ lightNode: true, bloom: new Uint8Array(64) });
    await connection.subscribe([TOPIC]);
    const marker = envelope();
    await connection.publish(TOPIC, marker);
    await node.has(marker);
    expect(node.peers[0]?.bloom).toEqual(bloomOfTopics([TOPIC]));
    await connection.close();
  });

  it('connections opened together share one host, and receive from each other', async () => {
    const node = await testHost();
    const options = { crypto, peers: [urlOf(node)] };
    const carrier = createDevp2pCarrier(options);
    const { changed, until } = waiter();
    const came: string[] = [];
    const handler = (name: string) => ({
      onEnvelope: (_topic: Uint8Array, bytes: Uint8Array) => {
        came.push(`${name} ${encodeHex(bytes.slice(-4))}`);
        changed();
      },
    });
    const [one, two] = await Promise.all([carrier.open(handler('one')), carrier.open(handler('two'))]);
    expect(node.peers).toHaveLength(1);
    await one.subscribe([TOPIC]);
    const bytes = envelope();
    await two.publish(TOPIC, bytes);
    await until(() => came.length === 1);
    // Two listens only now: it gets what is alive, its own included.
    await two.subscribe([TOPIC]);
    const name = encodeHex(bytes.slice(-4));
    expect(came).toEqual([`one ${name}`, `two ${name}`]);
    await one.close();
    expect(node.peers).toHaveLength(1);
    await two.close();
    await node.connected(0);
  });

  it('a node that disconnects during a send: the send continues with the next, and the status is reported', async () => {
    const nodeKey = crypto.randomBytes(32);
    const first = await testHost({ nodeKey });
    const port = Number(new URL(urlOf(first)).port);
    const { connection, statuses, until } = await opened({ peers: [urlOf(first)], offlineTimeout: 60_000 });
    await first.close();
    await until(() => statuses.includes('reconnecting'));
    const bytes = envelope();
    const sending = connection.publish(TOPIC, bytes);
    const again = await testHost({ nodeKey, listen: { port } });
    await sending;
    await again.has(bytes);
    expect(statuses).toEqual(['reconnecting', 'connected']);
    await connection.close();
    await connection.close();
    expect(statuses).toEqual(['reconnecting', 'connected', 'closed']);
    await expect(connection.publish(TOPIC, bytes)).rejects.toMatchObject({ code: 'CLOSED' });
    await expect(connection.subscribe([])).rejects.toMatchObject({ code: 'CLOSED' });
  });

  it('a peer that asks for more work, and then for less', async () => {
    const node = await testHost();
    node.setMinimumPow(0.5);
    const { carrier, connection } = await opened({ peers: [urlOf(node)], maximumPow: 1 });
    expect(carrier.capabilities.minimumPow).toBe(0.5);
    const cheap = envelope({ pow: 0.002, below: 0.5 });
    const sending = connection.publish(TOPIC, cheap, { signal: new AbortController().signal });
    const dear = envelope({ pow: 0.5 });
    await connection.publish(TOPIC, dear);
    await node.has(dear);
    expect(node.holds(cheap)).toBe(false);
    node.setMinimumPow(0.001);
    await sending;
    await node.has(cheap);
    expect(carrier.capabilities.minimumPow).toBe(0.002);
    // Ever more: it does not work for that.
    node.setMinimumPow(100);
    const { carrier: other, connection: another } = await opened({ peers: [urlOf(node)] });
    expect(other.capabilities.minimumPow).toBe(0.002);
    await Promise.all([connection.close(), another.close()]);
  });

  it('what peers would refuse, or can not take', async () => {
    const node = await testHost();
    const { connection } = await opened({ peers: [urlOf(node)] });
    await expect(connection.publish(TOPIC, lazyEnvelope())).rejects.toMatchObject({
      code: 'TRANSPORT_REFUSED',
    });
    await expect(connection.publish(TOPIC, new Uint8Array(2 ** 20))).rejects.toMatchObject({
      code: 'LIMIT_EXCEEDED',
    });
    await connection.close();
  });
});

describe('a devp2p peer whose clock is off', () => {
  it.each([10 * 60_000, -10 * 60_000])(
    'by %i ms: goes by the envelopes of the peers that it calls, and tells the time',
    async (off) => {
      const node = await testHost({ mode: 'full' });
      const clock = { ...systemClock, now: () => Date.now() + off };
      const { changed, until } = waiter();
      const came: string[] = [];
      const readings: number[] = [];
      const carrier = createDevp2pCarrier({
        crypto,
        clock,
        peers: [urlOf(node)],
        backOff: { first: 20, most: 100 },
      });
      const connection = await carrier.open({
        onEnvelope: (_, bytes) => {
          came.push(encodeHex(bytes));
          changed();
        },
        onClock: ({ now }) => {
          readings.push(now);
          changed();
        },
      });
      await connection.subscribe([TOPIC]);
      await node.connected(1);
      // Of one or two nothing is believed; they are passed over, and nobody is blamed.
      for (let i = 0; i < 8; i++) await node.publish(envelope());
      await until(() => readings.length > 0);
      expect(Math.abs((readings[0] as number) - Date.now())).toBeLessThan(60_000);
      const later = envelope();
      await node.publish(later);
      await until(() => came.includes(encodeHex(later)));
      const ours = envelope();
      await connection.publish(TOPIC, ours);
      await node.has(ours);
      await connection.close();
    },
  );
});
