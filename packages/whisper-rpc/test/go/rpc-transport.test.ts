import { createInbox } from '@sotto/compliance/inbox';
import { type Channel, encodeHex, type KeyPair, type SharedKey, type TransportConnection } from '@sotto/core';
import { defaultProvider } from '@sotto/crypto';
import { Geth } from '@sotto/testing/geth';
import type {} from '@sotto/testing/geth/setup';
import { createRpcTransport, type RpcTransportOptions } from '@sotto/whisper-rpc';
import { partitionedName, topicOf } from '@sotto/whisper-transport/whisper';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { tapped } from './tap.js';

const crypto = defaultProvider();
const { secp256k1 } = crypto;
const program = inject('geth');
const bytesOf = (text: string) => new TextEncoder().encode(text);

describe.skipIf(program === undefined).each(['ws', 'http'] as const)('a go-ethereum node by %s', (scheme) => {
  let geth: Geth;
  const open: TransportConnection[] = [];

  beforeAll(async () => {
    geth = await Geth.start(program as string);
  });
  afterEach(async () => {
    await Promise.all(open.splice(0).map((connection) => connection.close()));
  });
  afterAll(() => geth?.close());

  async function join(identity: KeyPair, options: Partial<RpcTransportOptions> = {}) {
    const box = createInbox(identity);
    const url = geth.url(scheme);
    // Patient: Go may be compiling something on the same machine.
    const transport = createRpcTransport({
      url,
      crypto,
      pollInterval: 100,
      backOff: { most: 500 },
      offlineTimeout: 60_000,
      ...options,
    });
    const connection = await transport.connect(box.party);
    open.push(connection);
    return { ...box, identity, connection };
  }

  /** The channels on which somebody is written to by a contact. */
  function channelsOf({ publicKey }: KeyPair, peer: KeyPair): Channel[] {
    const [a, b] = [publicKey, peer.publicKey].map(encodeHex).sort();
    return [
      { kind: 'public', name: 'a-public-chat' },
      { kind: 'partitioned', recipient: publicKey },
      { kind: 'discovery', recipient: publicKey },
      { kind: 'negotiated', secret: crypto.sha256(bytesOf(`${a}${b}`)) as SharedKey },
    ];
  }

  async function couple() {
    const [a, b] = [secp256k1.generateKeyPair(), secp256k1.generateKeyPair()];
    const [alice, bob] = [await join(a), await join(b)];
    await alice.connection.subscribe(channelsOf(a, b));
    await bob.connection.subscribe(channelsOf(b, a));
    return { alice, bob, toAlice: channelsOf(a, b), toBob: channelsOf(b, a) };
  }

  it('carries each kind of channel both ways, with the sender', async () => {
    const { alice, bob, toAlice, toBob } = await couple();
    for (const channel of toBob) await alice.connection.send(channel, bytesOf(`to Bob: ${channel.kind}`));
    for (const channel of toAlice) await bob.connection.send(channel, bytesOf(`to Alice: ${channel.kind}`));
    await Promise.all([alice.count(4), bob.count(4)]);
    const kinds = ['discovery', 'negotiated', 'partitioned', 'public'];
    for (const [receiver, sender, name] of [
      [bob, alice, 'Bob'],
      [alice, bob, 'Alice'],
    ] as const) {
      // Nobody gets what he sent himself.
      expect(receiver.texts().sort()).toEqual(kinds.map((kind) => `to ${name}: ${kind}`));
      for (const { sender: from, channel, payload, fromHistory } of receiver.messages) {
        expect(encodeHex(from)).toBe(encodeHex(sender.identity.publicKey));
        expect(new TextDecoder().decode(payload)).toBe(`to ${name}: ${channel.kind}`);
        expect(fromHistory).toBe(false);
      }
    }
  });

  it('carries large and empty messages', async () => {
    const { alice, bob, toBob } = await couple();
    const large = new Uint8Array(100_000).fill(0x5a);
    await alice.connection.send(toBob[1] as Channel, large);
    await alice.connection.send(toBob[0] as Channel, new Uint8Array(0));
    await bob.count(2);
    expect(bob.messages.map(({ payload }) => encodeHex(payload)).sort()).toEqual(['', encodeHex(large)]);
  });

  it('drops unsigned messages', async () => {
    const { alice, bob, toBob } = await couple();
    const pubKey = `0x${encodeHex(secp256k1.uncompressPublicKey(bob.identity.publicKey))}`;
    const topic = `0x${encodeHex(topicOf(crypto, partitionedName(bob.identity.publicKey)))}`;
    await geth.call('shh_post', { pubKey, topic, payload: '0xaa', ttl: 15, powTarget: 0.002, powTime: 5 });
    await alice.connection.send(toBob[1] as Channel, bytesOf('signed'));
    await bob.count(1);
    expect(bob.texts()).toEqual(['signed']);
  });

  it('drops a message that is sent twice', async () => {
    const { alice, bob, toBob } = await couple();
    await alice.connection.send(toBob[1] as Channel, bytesOf('again'));
    await alice.connection.send(toBob[1] as Channel, bytesOf('again'));
    await alice.connection.send(toBob[1] as Channel, bytesOf('last'));
    await bob.count(2);
    // A node returns the messages between two polls in any order.
    expect(bob.texts().sort()).toEqual(['again', 'last']);
  });

  it('a node that restarts and forgets keys and filters: they are installed again', async () => {
    const { alice, bob, toAlice, toBob } = await couple();
    await alice.connection.send(toBob[0] as Channel, bytesOf('before'));
    await bob.count(1);
    await geth.kill();
    await Promise.all([alice.status('reconnecting'), bob.status('reconnecting')]);
    // A node that disconnects during a send: the send is tried again with the same message.
    const { signal } = new AbortController();
    const given = alice.connection.send(toBob[3] as Channel, bytesOf('during'), { signal });
    await geth.start();
    await Promise.all([alice.status('connected'), bob.status('connected'), given]);
    for (const channel of toBob) await alice.connection.send(channel, bytesOf(`after: ${channel.kind}`));
    for (const channel of toAlice) await bob.connection.send(channel, bytesOf(`to Alice: ${channel.kind}`));
    // What was sent while Bob had no filter there may have passed him by; the network keeps nothing for him.
    await alice.count(4);
    const expected = ['before', ...toBob.map(({ kind }) => `after: ${kind}`)];
    await expect.poll(() => bob.texts(), { timeout: 30_000 }).toEqual(expect.arrayContaining(expected));
    expect(new Set(bob.texts()).size).toBe(bob.texts().length);
  });

  it('aborts a send while the node is offline when its caller does', async () => {
    const { alice, toBob } = await couple();
    await geth.kill();
    await alice.status('reconnecting');
    const controller = new AbortController();
    const given = alice.connection.send(toBob[0] as Channel, bytesOf('never'), { signal: controller.signal });
    controller.abort();
    await expect(given).rejects.toMatchObject({ code: 'ABORTED' });
    const waiting = alice.connection.send(toBob[0] as Channel, bytesOf('never'));
    const closed = alice.connection.close();
    await expect(waiting).rejects.toMatchObject({ code: 'CLOSED' });
    await closed;
    await geth.start();
  });

  it('leaves no key on the node after close', async () => {
    const identity = secp256k1.generateKeyPair();
    const wire = tapped();
    const alice = await join(identity, wire.options);
    await alice.connection.subscribe(channelsOf(identity, secp256k1.generateKeyPair()));
    await alice.connection.send({ kind: 'public', name: 'written-to-only' }, bytesOf('hello'));
    const keyPairs = wire.results('shh_addPrivateKey');
    const symmetric = wire.results('shh_addSymKey');
    const filters = wire.results(scheme === 'ws' ? 'shh_subscribe' : 'shh_newMessageFilter');
    expect([keyPairs.length, symmetric.length, filters.length]).toEqual([1, 3, 4]);
    for (const id of keyPairs) expect(await geth.call('shh_hasKeyPair', id)).toBe(true);
    for (const id of symmetric) expect(await geth.call('shh_hasSymKey', id)).toBe(true);
    await alice.connection.close();
    for (const id of keyPairs) expect(await geth.call('shh_hasKeyPair', id)).toBe(false);
    for (const id of symmetric) expect(await geth.call('shh_hasSymKey', id)).toBe(false);
    for (const id of filters) {
      await expect(geth.call('shh_getFilterMessages', id)).rejects.toThrow('filter not found');
    }
  });

  it('two of one identity: the one goes on when the other has closed', async () => {
    const { alice, bob, toBob } = await couple();
    const second = await join(alice.identity);
    await second.connection.close();
    await alice.connection.send(toBob[0] as Channel, bytesOf('still here'));
    await bob.count(1);
    expect(bob.texts()).toEqual(['still here']);
  });
});
