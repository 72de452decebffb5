import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { RLP } from '@ethereumjs/rlp';
import { concatBytes } from '@sotto/core';
import { manualClock } from '@sotto/testing/clock';
import { joinList } from '@sotto/whisper-transport/internal';
import { EnvelopePool, encodeEnvelope } from '@sotto/whisper-transport/whisper';
import { describe, expect, it } from 'vitest';
import { enodeId } from '../src/host/enode.js';
import { encodeBareMailRequest } from '../src/mailserver.js';
import { decodePacket, type EncodedPacket, type WhisperPacket } from '../src/packets/packet.js';
import { compress } from '../src/rlpx/snappy.js';
import { crypto, envelope, lazyEnvelope, TOPIC } from './envelopes.js';
import { type TestHost, testHost, urlOf } from './hosts.js';
import { rawPeer, STATUS } from './raw-peer.js';

const envelopes = (...list: Uint8Array[]): WhisperPacket => ({ kind: 'envelopes', envelopes: list });

/** The host goes on: somebody else gets an envelope through it. */
async function goesOn(host: TestHost): Promise<void> {
  const honest = await rawPeer(urlOf(host));
  const bytes = envelope();
  honest.send(STATUS, envelopes(bytes));
  await host.has(bytes);
}

describe('hostile peers: disconnected and banned, and the host goes on', () => {
  const cases: [string, (EncodedPacket | WhisperPacket)[]][] = [
    ['an envelope before the status', [envelopes(envelope())]],
    ['a code that nobody knows before the status', [{ code: 77, body: new Uint8Array(1) }]],
    ['a status that is no RLP', [{ code: 0, body: Uint8Array.of(0xf8) }]],
    ['a status of another version', [{ code: 0, body: RLP.encode([7]) }]],
    ['a second status', [STATUS, STATUS]],
    ['envelopes that are no RLP', [STATUS, { code: 1, body: Uint8Array.of(0xc2, 0xc3, 1) }]],
    ['a bloom filter of one byte', [STATUS, { code: 3, body: RLP.encode(Uint8Array.of(200)) }]],
    [
      'proof of work that is no number',
      [STATUS, { code: 2, body: RLP.encode(new Uint8Array(8).fill(0xff)) }],
    ],
    ['a request that is no envelope', [STATUS, { code: 126, body: RLP.encode([1, 2, 3]) }]],
    [
      'an envelope over 1 MiB, before it is looked at',
      [STATUS, { code: 1, body: joinList([joinList([RLP.encode(new Uint8Array(2 ** 20))])]) }],
    ],
    ['a packet that is too large, uncompressed', [STATUS, { code: 1, body: new Uint8Array(11 * 2 ** 20) }]],
    [
      'a packet of incompressible bytes that is too large',
      [STATUS, { code: 1, body: randomBytes(11 * 2 ** 20) }],
    ],
  ];
  it.each(cases)('%s', async (_name, packets) => {
    const host = await testHost();
    const peer = await rawPeer(urlOf(host));
    peer.send(...packets);
    expect(await peer.ended()).toMatch(/SUBPROTOCOL_ERROR|no reason/);
    expect(host.counters.bans).toBe(1);
    expect(host.pool.size).toBe(0);
    await goesOn(host);
  });

  it.each([
    ['too little work', lazyEnvelope],
    ['more than 10 s in the future', () => envelope({ now: Date.now() + 20_000 })],
    ['expired for longer than it may be on its way', () => envelope({ now: Date.now() - 60_000 })],
    ['expiry before TTL', () => envelope({ expiry: 10, ttl: 15 })],
    ['no envelope at all', () => RLP.encode([1, 2, 3])],
    [
      'with a topic of three bytes',
      () => encodeEnvelope({ expiry: 2e9, ttl: 1, topic: TOPIC.slice(1), data: TOPIC, nonce: 1n }),
    ],
  ])('envelopes refused, %s: some are put up with', async (_name, make) => {
    const host = await testHost({ ban: { refusedPerMinute: 3 } });
    const nodeKey = crypto.secp256k1.generateKeyPair();
    const peer = await rawPeer(urlOf(host), nodeKey);
    const good = envelope();
    peer.send(STATUS, envelopes(make(), make()), envelopes(make(), good));
    await host.has(good);
    peer.send(envelopes(make(), make()));
    await peer.ended();
    expect(host.counters).toMatchObject({ bans: 1, received: 1 });
    // Nor is it let in again.
    const again = await rawPeer(urlOf(host), nodeKey);
    expect(await again.ended()).toBe('USELESS_PEER');
    await goesOn(host);
  });

  it('TTL 0 (infinite work), a TTL above the ceiling, and what expired a moment ago: dropped, and no peer is blamed', async () => {
    const host = await testHost({ ban: { refusedPerMinute: 1 } });
    const peer = await rawPeer(urlOf(host));
    const now = Math.floor(Date.now() / 1000);
    const good = envelope();
    const endless = encodeEnvelope({ expiry: now + 5, ttl: 0, topic: TOPIC, data: TOPIC, nonce: 0n });
    const long = envelope({ ttl: 301, pow: 0.002 });
    const late = envelope({ now: Date.now() - 20_000 });
    peer.send(STATUS, envelopes(endless, endless, long, long, late, late, good));
    await host.has(good);
    expect(host.counters).toMatchObject({ refused: 6, received: 1, bans: 0 });
  });

  it('an end to the ban', async () => {
    const clock = manualClock(Date.now());
    const host = await testHost({ clock, ban: { duration: 60_000 } });
    const nodeKey = crypto.secp256k1.generateKeyPair();
    const peer = await rawPeer(urlOf(host), nodeKey);
    peer.send(STATUS, STATUS);
    await peer.ended();
    expect(await (await rawPeer(urlOf(host), nodeKey)).ended()).toBe('USELESS_PEER');
    await clock.advanceAndRest(60_001);
    const again = await rawPeer(urlOf(host), nodeKey);
    again.send(STATUS);
    await host.connected(1);
  });

  it('a trusted peer is disconnected, not banned', async () => {
    const nodeKey = crypto.secp256k1.generateKeyPair();
    const host = await testHost();
    host.trustPeer(enodeId(crypto, nodeKey.publicKey));
    const peer = await rawPeer(urlOf(host), nodeKey);
    peer.send(STATUS, STATUS);
    await peer.ended();
    expect(host.counters.bans).toBe(0);
    const again = await rawPeer(urlOf(host), nodeKey);
    again.send(STATUS);
    await host.connected(1);
  });

  it('too little work for a while after we ask for more: dropped, and no peer is blamed', async () => {
    const clock = manualClock(Date.now());
    const host = await testHost({ clock, ban: { refusedPerMinute: 0 } });
    const peer = await rawPeer(urlOf(host));
    peer.send(STATUS);
    await host.connected(1);
    host.setMinimumPow(1);
    // The status, and then the change.
    await peer.count(2);
    const good = envelope({ pow: 1 });
    peer.send(envelopes(envelope({ pow: 0.002, below: 1 }), good));
    await host.has(good);
    await clock.advanceAndRest(10_001);
    peer.send(envelopes(lazyEnvelope()));
    await peer.ended();
    expect(host.counters.bans).toBe(1);
  });
});

describe('hostile connections', () => {
  it('bytes that are not a handshake, and silence: ended, and no other peer is disturbed', async () => {
    const clock = manualClock(Date.now());
    const host = await testHost({ clock });
    const { port } = new URL(urlOf(host));
    const noise = connect(Number(port), '127.0.0.1');
    const silence = connect(Number(port), '127.0.0.1');
    for (const socket of [noise, silence]) socket.on('error', () => {});
    await Promise.all([once(noise, 'connect'), once(silence, 'connect')]);
    const ended = [once(noise, 'close'), once(silence, 'close')];
    noise.resume().write(crypto.randomBytes(1000));
    silence.resume();
    await goesOn(host);
    // Whoever has not said who he is by then.
    await clock.advanceAndRest(10_001);
    await Promise.all(ended);
  });

  it('a hello that claims another id than the handshake proves', async () => {
    const host = await testHost();
    const victim = enodeId(crypto, crypto.secp256k1.generateKeyPair().publicKey);
    host.trustPeer(victim);
    const liar = await rawPeer(urlOf(host), crypto.secp256k1.generateKeyPair(), victim);
    liar.send(STATUS);
    await liar.ended();
    expect(host.peers).toEqual([]);
    await goesOn(host);
  });

  it('a second hello', async () => {
    const host = await testHost();
    const peer = await rawPeer(urlOf(host));
    peer.send(STATUS);
    const hello = compress(RLP.encode([5, 'raw', [['shh', 6]], 0, new Uint8Array(64)]));
    peer.session.sendMessage(concatBytes(Uint8Array.of(0x80), hello));
    await peer.ended();
    expect(host.counters.bans).toBe(1);
  });

  it('pings and pongs that are lists within lists', async () => {
    const host = await testHost();
    const peer = await rawPeer(urlOf(host));
    peer.send(STATUS);
    for (const code of [2, 3]) {
      peer.session.sendMessage(concatBytes(Uint8Array.of(code), new Uint8Array(2000).fill(0xc1)));
    }
    await goesOn(host);
    peer.session.sendMessage(concatBytes(Uint8Array.of(3), new Uint8Array(2049)));
    await peer.ended();
  });

  it('pings without end, whose answers are never read', async () => {
    const host = await testHost();
    const peer = await rawPeer(urlOf(host));
    peer.send(STATUS);
    await host.connected(1);
    peer.session.pause();
    for (let i = 0; i < 1_000; i++) peer.session.sendMessage(Uint8Array.of(2, 1, 0, 0xc0));
    await host.lost(1);
    expect(host.counters.bans).toBe(1);
    peer.session.resume();
    expect(await peer.ended()).toMatch(/SUBPROTOCOL_ERROR|no reason/);
    await goesOn(host);
  });

  it('codes of no protocol that we share, and codes that are none', async () => {
    for (const message of [Uint8Array.of(0x81, 0x90), Uint8Array.of(0x81, 0x05), Uint8Array.of(0xc0)]) {
      const host = await testHost();
      const peer = await rawPeer(urlOf(host));
      peer.send(STATUS);
      peer.session.sendMessage(message);
      await peer.ended();
      expect(host.counters.bans).toBe(1);
    }
  });
});

describe('floods', () => {
  it('a peer that is too fast is read from more slowly; nothing is lost, and others are not kept waiting', async () => {
    const clock = manualClock(Date.now());
    const host = await testHost({ clock, receive: { envelopesPerSecond: 10 } });
    const fast = await rawPeer(urlOf(host));
    fast.send(STATUS);
    // More than one read of a socket holds.
    const sent = Array.from({ length: 60 }, () => envelope({ pow: 0.002, data: crypto.randomBytes(8_000) }));
    for (const bytes of sent) fast.send(envelopes(bytes));
    await goesOn(host);
    expect(host.taken.length).toBeLessThan(61);
    const all = Promise.all(sent.map((bytes) => host.has(bytes)));
    let done = false;
    void all.then(() => {
      done = true;
    });
    for (let i = 0; !done && i < 200; i++) await clock.advanceAndRest(500);
    await all;
    expect(host.gone).toEqual([]);
  });

  it('requests whose answers are never read: the peer is let go', async () => {
    const host = await testHost({
      receive: { envelopesPerSecond: 1e6, bytesPerSecond: 1e9 },
      onBareRequest: (peer) => host.sendRequestComplete(peer.id, randomBytes(1_000)),
    });
    const peer = await rawPeer(urlOf(host));
    peer.send(STATUS);
    await host.connected(1);
    peer.session.pause();
    const body = encodeBareMailRequest({
      ...{ id: new Uint8Array(32), lower: 0, upper: 1, limit: 1, batch: true },
      ...{ bloom: new Uint8Array(64), cursor: new Uint8Array(0) },
    });
    for (let i = 0; i < 20_000 && host.gone.length === 0; i++) {
      peer.send({ kind: 'bareRequest', body });
      if (i % 100 === 0) await peer.session.flushed();
    }
    await host.lost(1);
    await goesOn(host);
  });

  it('requirements that always change: the more there is to offer again, the less often it is', async () => {
    const clock = manualClock(Date.now());
    let changes = 0;
    const pool = new EnvelopePool({ clock, policy: { minimumPow: 0 } });
    const host = await testHost({ clock, pool, onPeerChange: () => changes++ });
    const fickle = await rawPeer(urlOf(host));
    fickle.send({ kind: 'status', status: { minimumPow: 1_000, bloom: undefined, lightNode: false } });
    await host.connected(1);
    const expiry = Math.floor(clock.now() / 1000) + 100;
    for (let i = 0; i < 40_000; i++) {
      const data = new Uint8Array(64);
      new DataView(data.buffer).setUint32(0, i);
      pool.add(encodeEnvelope({ expiry, ttl: 100, topic: TOPIC, data, nonce: 0n }));
    }
    let pow = 1_000;
    for (let i = 0; i < 20; i++) {
      fickle.send({ kind: 'powRequirement', minimumPow: pow++ });
      // It is there once it is seen by a question that comes after it.
      await expect.poll(() => host.peers[0]?.minimumPow).toBe(pow - 1);
      await clock.advanceAndRest(500);
    }
    // The first after half a second, and then every two.
    expect(changes).toBeLessThanOrEqual(6);
    expect(changes).toBeGreaterThanOrEqual(4);
    pool.close();
  });

  it('more than can be sent to a peer: the oldest goes, and is counted', async () => {
    const host = await testHost({ send: { gather: 1, queuedEnvelopes: 20 } });
    const peer = await rawPeer(urlOf(host));
    peer.send(STATUS);
    await host.connected(1);
    const sent = Array.from({ length: 50 }, () => envelope({ pow: 0.002 }));
    for (const bytes of sent) host.pool.add(bytes, 'here');
    expect(host.counters.dropped).toBe(30);
    // The status, and then one packet.
    await peer.count(2);
    expect(decodePacket(peer.received[1] as EncodedPacket)).toEqual({
      kind: 'envelopes',
      envelopes: sent.slice(30),
    });
  });
});
