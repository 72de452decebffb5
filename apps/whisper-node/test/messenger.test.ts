import { type Carrier, encodeHex, type SharedKey, type TransportMessage } from '@sotto/core';
import { defaultProvider } from '@sotto/crypto';
import { createDevp2pCarrier } from '@sotto/whisper-devp2p';
import { createSealedTransport } from '@sotto/whisper-transport';
import { createRelayCarrier } from '@sotto/whisper-transport/relay';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type NodeProcess, startNode } from './node-process.js';
import { createPerson } from './person.js';

const crypto = defaultProvider();
const bytesOf = (text: string) => new TextEncoder().encode(text);

function counting(carrier: Carrier, published: { count: number }): Carrier {
  return {
    capabilities: carrier.capabilities,
    async open(handler, options) {
      const connection = await carrier.open(handler, options);
      const { publish } = connection;
      return Object.assign(connection, {
        async publish(...args: Parameters<typeof publish>) {
          await publish.apply(connection, args);
          published.count++;
        },
      });
    },
  };
}

const PASSWORD = 'status-offline-inbox';

const ways = [
  ['its relay', (node: NodeProcess) => createRelayCarrier({ url: node.relay })],
  [
    'devp2p, with its mailserver',
    (node: NodeProcess) =>
      createDevp2pCarrier({ peers: [node.enode], mailserver: { enode: node.enode, password: PASSWORD } }),
  ],
] as const;

describe.each(ways)('two messengers through our node by %s', (_, carrierTo) => {
  let node: NodeProcess;
  const closers: (() => unknown)[] = [];

  beforeAll(async () => {
    node = await startNode([], { WHISPER_NODE_MAIL_PASSWORD: PASSWORD });
  });
  afterEach(async () => {
    for (const close of closers.splice(0)) await close();
  });
  afterAll(() => node?.close());

  /** Envelopes that were published through the carriers of this test. */
  const published = { count: 0 };

  async function person() {
    const one = await createPerson(createSealedTransport(counting(carrierTo(node), published)));
    closers.push(() => one.messenger.close());
    return one;
  }

  it('talk, both there', async () => {
    const [alice, bob] = [await person(), await person()];
    await Promise.all([alice.messenger.start(), bob.messenger.start()]);
    const contact = await alice.messenger.contacts.add(await bob.messenger.contacts.ownCode());
    await alice.messenger.send(contact.identity, bytesOf('Psst, Bob.'));
    await bob.count(1);
    await bob.messenger.send(alice.identity.publicKey, bytesOf('Yes, Alice?'));
    await alice.count(1);
    expect([bob.texts(), alice.texts()]).toEqual([['Psst, Bob.'], ['Yes, Alice?']]);
  });

  it('seal what they write once both were heard: the key of their topic shows no identity', async () => {
    const [alice, bob] = [await person(), await person()];
    await Promise.all([alice.messenger.start(), bob.messenger.start()]);
    const seen: TransportMessage[] = [];
    const spy = await createSealedTransport(carrierTo(node)).connect({
      identity: crypto.secp256k1.generateKeyPair(),
      onMessage: async (message) => void seen.push(message),
    });
    closers.push(() => spy.close());
    const secret = crypto.secp256k1.ecdh(alice.identity.privateKey, bob.identity.publicKey) as SharedKey;
    await spy.subscribe([{ kind: 'negotiated', secret }]);
    const contact = await alice.messenger.contacts.add(await bob.messenger.contacts.ownCode());
    await alice.messenger.send(contact.identity, bytesOf('1'));
    await bob.count(1);
    await bob.messenger.send(alice.identity.publicKey, bytesOf('2'));
    await alice.count(1);
    await alice.messenger.send(contact.identity, bytesOf('3'));
    await bob.count(2);
    const senders = () => seen.map(({ sender }) => encodeHex(sender));
    await expect.poll(() => new Set(senders()).size).toBe(2);
    for (const { identity } of [alice, bob]) expect(senders()).not.toContain(encodeHex(identity.publicKey));
    expect(seen.every(({ payload }) => payload[0] === 0 && payload[1] === 1)).toBe(true);
  });

  it('one offline all the while: starts later and gets everything once, in any order', async () => {
    const [alice, bob] = [await person(), await person()];
    const archived = () => node.metric('whisper_node_archive_envelopes');
    const [archivedBefore, publishedBefore] = [await archived(), published.count];
    await alice.messenger.start();
    const contact = await alice.messenger.contacts.add(await bob.messenger.contacts.ownCode());
    const texts = Array.from({ length: 10 }, (_, i) => `while you were away ${i}`);
    for (const text of texts) await alice.messenger.send(contact.identity, bytesOf(text));
    await alice.messenger.flushed();
    await alice.messenger.close();
    // A peer acknowledges nothing: what is on its way to it has to arrive before it is killed.
    await expect.poll(archived).toBe(archivedBefore + published.count - publishedBefore);
    // Not even the node is the same process any more.
    await node.kill();
    await node.start();
    await bob.messenger.start();
    await bob.count(10);
    const carol = await person();
    await carol.messenger.start();
    const toBob = await carol.messenger.contacts.add(await bob.messenger.contacts.ownCode());
    await carol.messenger.send(toBob.identity, bytesOf('the last'));
    await bob.count(11);
    expect(bob.texts().sort()).toEqual(['the last', ...texts].sort());
  });
});
