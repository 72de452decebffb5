import { type Channel, type ChannelKeyCache, encodeHex, type Store, silentLogger } from '@sotto/core';
import { encodeRecord, recordKey, TransactionManager } from '@sotto/device/internal';
import { createMemoryStore } from '@sotto/store-adapters/memory';
import { repetitions } from '@sotto/testing/long';
import { createSealedTransport, type Pbkdf2 } from '@sotto/whisper-transport';
import { createMemoryNetwork, type MemoryNetwork } from '@sotto/whisper-transport/memory';
import { describe, expect, it } from 'vitest';
import { StoredChannelKeys } from '../src/connection/channel-keys.js';
import { createMessenger } from '../src/index.js';
import { contactTable, negotiatedTable } from '../src/storage/tables.js';
import { crypto, keptStore, keptView } from './world.js';

const CONVERSATIONS = repetitions(1_000, 3_000);

/** Starts a messenger on a store, and closes it; how many keys its transport derived meanwhile. */
async function derivedBy(
  store: Store,
  identity: ReturnType<typeof crypto.secp256k1.generateKeyPair>,
  network: MemoryNetwork,
  meanwhile: (messenger: Awaited<ReturnType<typeof createMessenger>>) => Promise<unknown> = async () => {},
): Promise<number> {
  let derived = 0;
  // Anything that tells names apart; what counts is how often it is asked for.
  const pbkdf2: Pbkdf2 = async ({ password }) => {
    derived++;
    return crypto.sha256(password);
  };
  const transport = createSealedTransport(network.carrier(), { crypto, pbkdf2 });
  const messenger = await createMessenger({ identity, store: keptView(store), transport, crypto });
  await messenger.start();
  await meanwhile(messenger);
  await messenger.close();
  return derived;
}

async function storedIds(store: Store): Promise<string[]> {
  const ids: string[] = [];
  for await (const { key } of store.list('channel-key/')) ids.push(key);
  return ids;
}

describe('keys of channels', () => {
  it(`a start with ${CONVERSATIONS} conversations derives none that was derived before`, async () => {
    const { store } = keptStore();
    const identity = crypto.secp256k1.generateKeyPair();
    const network = createMemoryNetwork();
    await derivedBy(store, identity, network);
    const puts = Array.from({ length: CONVERSATIONS }, () => {
      const key = recordKey(negotiatedTable, [encodeHex(crypto.secp256k1.generateKeyPair().publicKey)]);
      const value = encodeRecord(crypto, negotiatedTable, key, new Uint8Array(0));
      return { type: 'put', key, value } as const;
    });
    for (let i = 0; i < puts.length; i += 500) await store.commit(puts.slice(i, i + 500));
    // A contact code and a negotiated topic each; our own contact code is there from the first start.
    expect(await derivedBy(store, identity, network)).toBe(2 * CONVERSATIONS);
    expect(await derivedBy(store, identity, network)).toBe(0);
    expect(await derivedBy(store, identity, network)).toBe(0);
  }, 120_000);

  it('are forgotten with the channel, while the messenger runs and when it was removed in between', async () => {
    const { store } = keptStore();
    const identity = crypto.secp256k1.generateKeyPair();
    const network = createMemoryNetwork();
    await derivedBy(store, identity, network, async (messenger) => {
      await messenger.chats.join('one');
      await messenger.chats.join('two');
    });
    // Two chats, and our own contact code.
    expect((await storedIds(store)).length).toBe(3);
    const derived = await derivedBy(store, identity, network, async (messenger) => {
      await messenger.chats.leave('one');
      await messenger.flushed();
    });
    expect(derived).toBe(0);
    expect((await storedIds(store)).length).toBe(2);
    const contact = crypto.secp256k1.generateKeyPair().publicKey;
    await derivedBy(store, identity, network, (messenger) => messenger.contacts.add(contact));
    // Its contact code, and the topic negotiated with it.
    expect((await storedIds(store)).length).toBe(4);
    const records = [contactTable, negotiatedTable].map((table) => recordKey(table, [encodeHex(contact)]));
    await store.commit(records.map((key) => ({ type: 'delete', key })));
    // It might have been one that is only written to: after two starts without it that is clear.
    const left: number[] = [];
    for (let i = 0; i < 3; i++) {
      await derivedBy(store, identity, network);
      left.push((await storedIds(store)).length);
    }
    expect(left).toEqual([4, 4, 2]);
  });

  const openCache = (store: Store, most?: number): ChannelKeyCache =>
    new StoredChannelKeys(new TransactionManager(store, crypto), silentLogger, most);
  const key = (n: number) => new Uint8Array(32).fill(n);

  it('no more are kept than the cap says, and what is kept stays', async () => {
    const store = createMemoryStore();
    const cache = openCache(store, 2);
    for (const n of [1, 2, 3]) await cache.put(`id-${n}`, key(n));
    const found = await openCache(store, 2).get(['id-1', 'id-2', 'id-3']);
    expect([...found]).toEqual([
      ['id-1', key(1)],
      ['id-2', key(2)],
    ]);
    await cache.retain(new Set(['id-1', 'id-2']));
    await cache.retain(new Set(['id-2']));
    await cache.put('id-3', key(3));
    expect([...(await cache.get(['id-1', 'id-2', 'id-3'])).keys()]).toEqual(['id-2', 'id-3']);
  });

  it('a damaged one is derived again, and a store that fails costs the work and no more', async () => {
    const { store } = keptStore();
    const identity = crypto.secp256k1.generateKeyPair();
    const network = createMemoryNetwork();
    expect(await derivedBy(store, identity, network)).toBe(1);
    const [damaged = ''] = await storedIds(store);
    await store.commit([{ type: 'put', key: damaged, value: Uint8Array.of(1, 2, 3) }]);
    expect(await derivedBy(store, identity, network)).toBe(1);
    expect(await derivedBy(store, identity, network)).toBe(0);
    const closed = createMemoryStore();
    await closed.close();
    const cache = openCache(closed);
    await cache.put('id', key(1));
    await cache.retain(new Set());
    expect((await cache.get(['id'])).size).toBe(0);
  });

  it('a transport without a cache derives, and the same channel asked for twice at once is derived once', async () => {
    let derived = 0;
    const pbkdf2: Pbkdf2 = async ({ password }) => {
      derived++;
      return crypto.sha256(password);
    };
    const transport = createSealedTransport(createMemoryNetwork().carrier(), { crypto, pbkdf2 });
    const connection = await transport.connect({
      identity: crypto.secp256k1.generateKeyPair(),
      onMessage: async () => {},
    });
    const channel: Channel = { kind: 'public', name: 'chat' };
    await Promise.all([connection.subscribe([channel]), connection.send(channel, key(1))]);
    await connection.close();
    expect(derived).toBe(1);
  });
});
