import { encodeHex, isSottoError } from '@sotto/core';
import { bloomOfTopics } from '@sotto/whisper-transport/whisper';
import { describe, expect, it } from 'vitest';
import { enodeId } from '../src/host/enode.js';
import { createWhisperHost, type DirectEnvelope, type WhisperPeer } from '../src/index.js';
import { crypto, envelope, lazyEnvelope, TOPIC } from './envelopes.js';
import { testHost, urlOf, waiter } from './hosts.js';

const OTHER_TOPIC = Uint8Array.of(200, 100, 50, 0);

describe('hosts among each other', () => {
  it('a full one forwards what arrives, once and not back', async () => {
    const middle = await testHost();
    const alice = await testHost({ mode: 'light', peers: [urlOf(middle)] });
    const bob = await testHost({ mode: 'light', peers: [urlOf(middle)] });
    await middle.connected(2);
    const first = envelope();
    await expect(alice.publish(first)).resolves.toBe(true);
    await bob.has(first);
    const answer = envelope();
    await expect(bob.publish(answer)).resolves.toBe(true);
    await alice.has(answer);
    expect(alice.counters).toMatchObject({ received: 1, repeated: 0, sent: 1 });
    expect(bob.counters).toMatchObject({ received: 1, repeated: 0, sent: 1 });
    expect(middle.counters).toMatchObject({ received: 2, repeated: 0, sent: 2 });
  });

  it('in a ring of three each gets an envelope once or twice, and then there is peace', async () => {
    const a = await testHost();
    const b = await testHost({ peers: [urlOf(a)] });
    const c = await testHost({ peers: [urlOf(a), urlOf(b)] });
    await Promise.all([a.connected(2), b.connected(2), c.connected(2)]);
    const sent = Array.from({ length: 20 }, () => envelope());
    for (const bytes of sent) await a.publish(bytes);
    await Promise.all(sent.flatMap((bytes) => [b.has(bytes), c.has(bytes)]));
    expect([a, b, c].map(({ taken }) => taken.length)).toEqual([20, 20, 20]);
    const marker = envelope();
    await b.publish(marker);
    await Promise.all([a.has(marker), c.has(marker)]);
    // Of each envelope at most one copy goes from b to c or back.
    expect(b.counters.repeated + c.counters.repeated).toBeLessThanOrEqual(2 * 21);
    expect(a.counters.received).toBe(1);
  });

  it('a light one hands on nothing but its own', async () => {
    const middle = await testHost({ mode: 'light' });
    const alice = await testHost({ peers: [urlOf(middle)] });
    const bob = await testHost({ peers: [urlOf(middle)] });
    await middle.connected(2);
    const [foreign, own] = [envelope(), envelope()];
    await alice.publish(foreign);
    await middle.has(foreign);
    await middle.publish(own);
    await bob.has(own);
    expect(bob.holds(foreign)).toBe(false);
    // Nor to those who come later.
    const late = await testHost({ peers: [urlOf(middle)] });
    await late.has(own);
    expect(late.holds(foreign)).toBe(false);
    expect(bob.peers.map(({ lightNode }) => lightNode)).toEqual([true]);
  });

  it('latecomers receive what is still alive', async () => {
    const a = await testHost();
    const bytes = envelope();
    await expect(a.publish(bytes)).resolves.toBe(false);
    const b = await testHost({ peers: [urlOf(a)] });
    await b.has(bytes);
  });

  it('respects the proof of work that a peer asks for, and its changes', async () => {
    const a = await testHost();
    const b = await testHost({ peers: [urlOf(a)] });
    b.setMinimumPow(0.05);
    await a.connected(1);
    const c = await testHost({ peers: [urlOf(a)] });
    await a.connected(2);
    const marker = envelope();
    await b.publish(envelope({ pow: 0.06 }));
    await c.publish(marker);
    await a.has(marker);
    // What b announced came before what it published.
    const [cheap, dear] = [envelope({ pow: 0.003, below: 0.05 }), envelope({ pow: 0.05 })];
    await a.publish(cheap);
    await a.publish(dear);
    await b.has(dear);
    expect(b.holds(cheap)).toBe(false);
    expect(a.peers.map(({ minimumPow }) => minimumPow).sort()).toEqual([0.002, 0.05]);
    // Asking for less brings what was held back.
    b.setMinimumPow(0.002);
    await b.has(cheap);
  });

  it('respects the topics that a peer asks for, and their changes', async () => {
    const a = await testHost();
    const b = await testHost({ peers: [urlOf(a)], mode: 'light', bloom: bloomOfTopics([TOPIC]) });
    await a.connected(1);
    const [foreign, wanted] = [envelope({ topic: OTHER_TOPIC }), envelope()];
    await a.publish(foreign);
    await a.publish(wanted);
    await b.has(wanted);
    expect(b.holds(foreign)).toBe(false);
    b.setBloom(bloomOfTopics([TOPIC, OTHER_TOPIC]));
    await b.has(foreign);
    b.setBloom(undefined);
    const anything = envelope({ topic: Uint8Array.of(9, 9, 9, 9) });
    await a.publish(anything);
    await b.has(anything);
  });

  it('says nothing to the neighbours of what the pool refuses', async () => {
    const a = await testHost();
    await expect(a.publish(lazyEnvelope())).rejects.toMatchObject({ code: 'MALFORMED_MESSAGE' });
    await expect(a.publish(new Uint8Array(0))).rejects.toMatchObject({ code: 'MALFORMED_MESSAGE' });
    expect(a.pool.size).toBe(0);
  });

  it('p2p requests, messages and their end go to one peer, and are believed from trusted ones only', async () => {
    const { changed, until } = waiter();
    const heard: string[] = [];
    const note = (what: string, { id }: WhisperPeer, text: string) => {
      heard.push(`${what} ${id.slice(0, 4)} ${text}`);
      changed();
    };
    const hex = (messages: readonly DirectEnvelope[]) =>
      messages.map(({ bytes }) => encodeHex(crypto.keccak256(bytes)).slice(0, 8)).join();
    const mailbox = await testHost({
      onP2pRequest: (peer, request) => note('request', peer, hex([request])),
    });
    const client = await testHost({
      mode: 'light',
      trustedPeers: [urlOf(mailbox)],
      onP2pMessages: (peer, messages) => note('messages', peer, hex(messages)),
      onRequestComplete: (peer, payload) => note('complete', peer, encodeHex(payload)),
    });
    const stranger = await testHost({
      peers: [urlOf(mailbox)],
      onP2pMessages: (peer, messages) => note('messages', peer, hex(messages)),
      onRequestComplete: (peer, payload) => note('complete', peer, encodeHex(payload)),
    });
    await mailbox.connected(2);
    const [request, expired] = [envelope(), envelope({ now: 1e12 })];
    const name = (bytes: Uint8Array) => encodeHex(crypto.keccak256(bytes)).slice(0, 8);
    await client.sendP2pRequest(mailbox.id, request);
    await until(() => heard.length === 1);
    await mailbox.sendP2pMessages(stranger.id, [expired]);
    await mailbox.sendRequestComplete(stranger.id, new Uint8Array(4));
    await mailbox.sendP2pMessages(client.id, [expired, request]);
    await mailbox.sendRequestComplete(client.id, Uint8Array.of(1, 2, 3));
    await until(() => heard.length === 4);
    const from = mailbox.id.slice(0, 4);
    expect(heard).toEqual([
      `request ${client.id.slice(0, 4)} ${name(request)}`,
      `messages ${from} ${name(expired)}`,
      `messages ${from} ${name(request)}`,
      `complete ${from} 010203`,
    ]);
    // They are not handed on, nor kept.
    expect([mailbox, client, stranger].map(({ pool }) => pool.size)).toEqual([0, 0, 0]);
    // From now on, from this one, too.
    stranger.trustPeer(mailbox.id);
    await mailbox.sendP2pMessages(stranger.id, [expired]);
    await until(() => heard.length === 5);
    await expect(client.sendP2pRequest('00', request)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('connections', () => {
  it('a peer that goes is called until it is back', async () => {
    const nodeKey = crypto.randomBytes(32);
    const first = await testHost({ nodeKey });
    const port = Number(new URL(urlOf(first)).port);
    const b = await testHost({ peers: [urlOf(first)] });
    await b.connected(1);
    await first.close();
    await b.lost(1);
    const again = await testHost({ nodeKey, listen: { port } });
    await b.connected(1);
    const bytes = envelope();
    await again.publish(bytes);
    await b.has(bytes);
  });

  it('is called by a peer that it calls: one connection', async () => {
    const [a, b] = [await testHost(), await testHost()];
    a.addPeer(urlOf(b));
    b.addPeer(urlOf(a));
    await Promise.all([a.connected(1), b.connected(1)]);
    const bytes = envelope();
    // Whichever connection went, this one holds.
    await a.publish(bytes);
    await b.has(bytes);
    expect([a.peers.length, b.peers.length]).toEqual([1, 1]);
  });

  it('accepts no more inbound peers than configured, apart from known ones', async () => {
    const a = await testHost({ maxPeers: 1 });
    const b = await testHost({ peers: [urlOf(a)] });
    await a.connected(1);
    const c = await testHost();
    c.addPeer(urlOf(a));
    const d = await testHost();
    a.trustPeer(d.id);
    d.addPeer(urlOf(a));
    await d.connected(1);
    expect(a.peers.map(({ id }) => id).sort()).toEqual([b.id, d.id].sort());
    expect(c.peers).toEqual([]);
    await b.close();
    await c.connected(1);
  });

  it('does not connect to itself', async () => {
    const a = await testHost();
    a.addPeer(urlOf(a));
    const b = await testHost({ peers: [urlOf(a)] });
    await b.connected(1);
    expect(a.peers.map(({ id }) => id)).toEqual([b.id]);
  });

  it('another key at the address called: not connected', async () => {
    const [a, b] = [await testHost(), await testHost()];
    const { publicKey } = crypto.secp256k1.generateKeyPair();
    const wrong = urlOf(a).replace(a.id, enodeId(crypto, publicKey));
    const c = await testHost({ peers: [wrong, urlOf(b)] });
    await c.connected(1);
    expect(c.peers.map(({ id }) => id)).toEqual([b.id]);
    expect(a.peers).toEqual([]);
  });

  it('a port that is in use: TRANSPORT_UNAVAILABLE', async () => {
    const a = await testHost();
    const port = Number(new URL(urlOf(a)).port);
    await expect(createWhisperHost({ crypto, listen: { port } })).rejects.toMatchObject({
      code: 'TRANSPORT_UNAVAILABLE',
    });
  });

  it('closes twice, and then does nothing more', async () => {
    const a = await testHost();
    await a.close();
    await a.close();
    expect(() => a.addPeer('enode://')).toThrow(expect.objectContaining({ code: 'CLOSED' }));
    await expect(a.publish(envelope())).rejects.toSatisfy((error) => isSottoError(error, 'CLOSED'));
    expect(a.enode).toBeUndefined();
  });

  it('options that make no sense are refused', async () => {
    for (const options of [
      { nodeKey: new Uint8Array(31) },
      { peers: ['enode://00@127.0.0.1:1'] },
      { receive: { bytesPerSecond: 0 } },
      { maxPeers: Number.NaN },
    ]) {
      await expect(createWhisperHost({ crypto, ...options })).rejects.toSatisfy((error) =>
        isSottoError(error),
      );
    }
  });
});

it('callers of one address have only so many places, and those that are called have theirs', async () => {
  const a = await testHost({ maxPeers: 10, maxPeersPerAddress: 2 });
  const callers = await Promise.all([1, 2].map(() => testHost({ peers: [a.enode as string] })));
  await a.connected(2);
  const third = await testHost({ peers: [a.enode as string], backOff: { first: 1, most: 1 } });
  const invited = await testHost();
  a.addPeer(invited.enode as string);
  await a.connected(3);
  expect(third.peers).toEqual([]);
  await callers[0]?.close();
  await third.connected(1);
});
