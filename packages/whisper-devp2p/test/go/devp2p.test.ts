import { createInbox } from '@sotto/compliance/inbox';
import { encodeHex, type KeyPair, type TransportConnection } from '@sotto/core';
import { defaultProvider } from '@sotto/crypto';
import { Geth, GethParty } from '@sotto/testing/geth';
import type {} from '@sotto/testing/geth/setup';
import { createSealedTransport } from '@sotto/whisper-transport';
import {
  bloomOfTopics,
  channelSymmetricKey,
  encodeEnvelope,
  encodePlain,
  partitionedName,
  sealData,
  topicOf,
} from '@sotto/whisper-transport/whisper';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { createDevp2pCarrier, parseEnode } from '../../src/index.js';
import { envelope } from '../envelopes.js';
import { type TestHost, testHost } from '../hosts.js';

const crypto = defaultProvider();
const { secp256k1 } = crypto;
const program = inject('geth');
const bytesOf = (text: string) => new TextEncoder().encode(text);
const CHAT = { kind: 'public', name: 'devp2p-chat' } as const;

describe.skipIf(program === undefined)('a go-ethereum node as a devp2p peer', () => {
  let geth: Geth;
  let enode: string;
  const open: TransportConnection[] = [];

  beforeAll(async () => {
    geth = await Geth.start(program as string, { peers: true });
    enode = await geth.enode();
  });
  afterEach(async () => {
    await Promise.all(open.splice(0).map((connection) => connection.close()));
  });
  afterAll(() => geth?.close());

  async function join(identity: KeyPair = secp256k1.generateKeyPair()) {
    const box = createInbox(identity);
    const carrier = createDevp2pCarrier({
      peers: [enode],
      crypto,
      offlineTimeout: 20_000,
      backOff: { most: 500 },
    });
    const transport = createSealedTransport(carrier, { crypto });
    const connection = await transport.connect(box.party);
    open.push(connection);
    return { ...box, identity, connection, carrier };
  }

  it('symmetric messages both ways', async () => {
    const alice = await join();
    const theirs = await GethParty.create(geth, crypto);
    const filter = await theirs.listen(CHAT.name, channelSymmetricKey(crypto, CHAT.name));
    await alice.connection.subscribe([CHAT]);
    await alice.connection.send(CHAT, bytesOf('from sotto'));
    const [got] = await theirs.receive(filter, 1);
    expect(got).toEqual({ payload: 'from sotto', signer: encodeHex(alice.identity.publicKey) });

    await theirs.post(CHAT.name, channelSymmetricKey(crypto, CHAT.name), 'from geth');
    await alice.count(1);
    const [message] = alice.messages;
    expect(new TextDecoder().decode(message?.payload)).toBe('from geth');
    expect(encodeHex(message?.sender ?? new Uint8Array())).toBe(theirs.id);
  });

  it('asymmetric messages both ways', async () => {
    const alice = await join();
    const theirs = await GethParty.create(geth, crypto);
    const peer = secp256k1.parsePublicKey(theirs.publicKey);
    const filter = await theirs.listenAsRecipient(partitionedName(peer));
    await alice.connection.send({ kind: 'partitioned', recipient: peer }, bytesOf('for geth alone'));
    const [got] = await theirs.receive(filter, 1);
    expect(got).toEqual({ payload: 'for geth alone', signer: encodeHex(alice.identity.publicKey) });

    const recipient = alice.identity.publicKey;
    await alice.connection.subscribe([{ kind: 'partitioned', recipient }]);
    await theirs.postTo(partitionedName(recipient), recipient, 'for sotto alone');
    await alice.count(1);
    expect(new TextDecoder().decode(alice.messages[0]?.payload)).toBe('for sotto alone');
    expect(alice.messages[0]?.channel.kind).toBe('partitioned');
  });

  it('a topic that is listened to only later brings what is still alive', async () => {
    const alice = await join();
    const theirs = await GethParty.create(geth, crypto);
    const name = 'listened-to-later';
    await theirs.post(name, channelSymmetricKey(crypto, name), 'early');
    await alice.connection.subscribe([{ kind: 'public', name }]);
    await alice.count(1);
  });

  it('the node restarts: the connection mends itself', async () => {
    const chat = { kind: 'public', name: 'through-a-restart' } as const;
    const alice = await join();
    const bob = await join();
    await bob.connection.subscribe([chat]);
    await alice.connection.send(chat, bytesOf('before'));
    await bob.count(1);
    const back = Promise.all([alice, bob].map((party) => party.status('connected')));
    await geth.kill();
    await geth.start();
    await back;
    await alice.connection.send(chat, bytesOf('after'));
    await bob.count(2);
    const texts = bob.messages.map(({ payload }) => new TextDecoder().decode(payload));
    expect(texts).toEqual(['before', 'after']);
  });
});

describe.skipIf(program === undefined)('neighbours of go-ethereum nodes', () => {
  const nodes: Geth[] = [];
  const start = async (options: { readonly minimumPow?: number } = {}) => {
    const geth = await Geth.start(program as string, { peers: true, ...options });
    nodes.push(geth);
    return geth;
  };
  afterEach(async () => {
    await Promise.all(nodes.splice(0).map((geth) => geth.close()));
  });

  it('geth, our full host, geth: messages across, in both directions, and called from either side', async () => {
    const [a, b] = await Promise.all([start(), start()]);
    const host = await testHost({ peers: [await a.enode()] });
    await host.connected(1);
    // The other one calls us.
    await b.call('admin_addPeer', host.enode);
    await host.connected(2);
    expect(host.peers.map(({ inbound }) => inbound).sort()).toEqual([false, true]);

    const key = channelSymmetricKey(crypto, CHAT.name);
    const [alice, bob] = [await GethParty.create(a, crypto), await GethParty.create(b, crypto)];
    const [ofAlice, ofBob] = [await alice.listen(CHAT.name, key), await bob.listen(CHAT.name, key)];
    await alice.post(CHAT.name, key, 'one');
    expect(await bob.receive(ofBob, 1)).toEqual([{ payload: 'one', signer: alice.id }]);
    await bob.post(CHAT.name, key, 'two');
    const heard = await alice.receive(ofAlice, 2);
    expect(heard.map(({ payload }) => payload).sort()).toEqual(['one', 'two']);
    expect(host.gone).toEqual([]);
  });

  it('its proof of work is respected, and ours by it', async () => {
    const geth = await start({ minimumPow: 0.05 });
    const host = await testHost({ peers: [await geth.enode()] });
    await host.connected(1);
    expect(host.peers[0]?.minimumPow).toBe(0.05);
    const watcher = await watch(geth);
    // It would hang up on the one; it takes the other.
    const [cheap, dear] = [envelope({ pow: 0.002, below: 0.05 }), envelope({ pow: 0.1 })];
    await expect(host.publish(cheap)).resolves.toBe(false);
    await expect(host.publish(dear)).resolves.toBe(true);
    await watcher.has(dear);
    expect(watcher.holds(cheap)).toBe(false);
    expect(host.gone).toEqual([]);

    // Now we ask for more than it does, and then it does not send what is worth less.
    host.setMinimumPow(1);
    const another = await testHost({ peers: [await geth.enode()] });
    await another.connected(1);
    const [less, more] = [envelope({ pow: 0.1, below: 1 }), envelope({ pow: 1 })];
    await another.publish(less);
    await another.publish(more);
    await host.has(more);
    expect(host.holds(less)).toBe(false);
    expect(host.counters.refused).toBe(0);
  });

  it('it asks for more work than we do by ourselves: a client does it', async () => {
    const geth = await start({ minimumPow: 0.2 });
    const carrier = createDevp2pCarrier({ peers: [await geth.enode()], crypto, offlineTimeout: 20_000 });
    const transport = createSealedTransport(carrier, { crypto });
    const connection = await transport.connect(createInbox(secp256k1.generateKeyPair()).party);
    const watcher = await watch(geth);
    expect(carrier.capabilities.minimumPow).toBe(0.2);
    await connection.send(CHAT, bytesOf('dear'));
    await watcher.count(1);
    expect(watcher.taken[0]?.pow).toBeGreaterThanOrEqual(0.2);
    await connection.close();
  });

  it('our topics are respected by it, and their changes', async () => {
    const geth = await start();
    const [wanted, other] = [topicOf(crypto, 'wanted'), topicOf(crypto, 'another')];
    const host = await testHost({
      peers: [await geth.enode()],
      mode: 'light',
      bloom: bloomOfTopics([wanted]),
    });
    await host.connected(1);
    const sender = await testHost({ peers: [await geth.enode()] });
    await sender.connected(1);
    const [foreign, mine] = [envelope({ topic: other }), envelope({ topic: wanted })];
    await sender.publish(foreign);
    await sender.publish(mine);
    await host.has(mine);
    expect(host.holds(foreign)).toBe(false);
    expect(host.counters.refused).toBe(0);
    host.setBloom(bloomOfTopics([wanted, other]));
    await host.has(foreign);
  });

  it('p2p messages reach it, although their code has two bytes', async () => {
    const geth = await start();
    const host = await testHost({ peers: [await geth.enode()], mode: 'light' });
    await host.connected(1);
    const key = channelSymmetricKey(crypto, CHAT.name);
    const theirs = await GethParty.create(geth, crypto);
    const filter = await theirs.listen(CHAT.name, key, { allowP2P: true });
    await geth.call('shh_markTrustedPeer', host.enode);
    // An envelope of long ago, which would be refused on the ordinary way, as a mailbox keeps them.
    const kept = sealedLongAgo(key, 'kept for long');
    const { id } = parseEnode(crypto, await geth.enode());
    await host.sendP2pMessages(id, [kept]);
    expect(await theirs.receive(filter, 1)).toMatchObject([{ payload: 'kept for long' }]);
    expect(host.gone).toEqual([]);
  });

  /** An envelope of the year 2001, without work. */
  function sealedLongAgo(key: Uint8Array, text: string): Uint8Array {
    const plain = encodePlain(crypto, bytesOf(text), secp256k1.generateKeyPair());
    const data = sealData(crypto, { kind: 'symmetric', key }, plain);
    return encodeEnvelope({ expiry: 1e9, ttl: 15, topic: topicOf(crypto, CHAT.name), data, nonce: 0n });
  }

  /** A neighbour of a node that sees all that it hands on. */
  async function watch(geth: Geth): Promise<TestHost> {
    const watcher = await testHost({ peers: [await geth.enode()] });
    await watcher.connected(1);
    return watcher;
  }
});
