import { decodeHex, encodeHex, type PublicKey, silentLogger } from '@sotto/core';
import { openMessengerDevice } from '@sotto/device/internal';
import {
  decodeMessage,
  encodeSenderKey,
  encrypt,
  OwnChain,
  senderKeyOf,
  startOwnChain,
} from '@sotto/sender-keys';
import { createMemoryStore } from '@sotto/store-adapters/memory';
import { expect, it } from 'vitest';
import { MemberChains } from '../src/groups/member-chains.js';
import { skippedSenderKeyTable } from '../src/groups/tables.js';
import { Events } from '../src/runtime/events.js';
import { Runtime } from '../src/runtime/runtime.js';
import { settingsOf } from './settings.js';
import { manualClock } from './support.js';
import { crypto, START } from './world.js';

const [GROUP, OTHER] = ['0a', '0b'].map((byte) => byte.repeat(32)) as [string, string];

const bound = (to: object, value: unknown) => (typeof value === 'function' ? value.bind(to) : value);

async function bed() {
  const clock = manualClock(START);
  const identity = crypto.secp256k1.generateKeyPair();
  const inner = createMemoryStore();
  let looks = 0;
  const list: typeof inner.list = (prefix, options) => {
    if (prefix.startsWith(skippedSenderKeyTable.name)) looks++;
    return inner.list(prefix, options);
  };
  const store = new Proxy(inner, {
    get: (target, name) => (name === 'list' ? list : bound(target, Reflect.get(target, name))),
  });
  const device = await openMessengerDevice({ identity, store, crypto, clock });
  const events = new Events(silentLogger);
  const settings = settingsOf(identity, clock);
  const chains = new MemberChains({ device, events, runtime: new Runtime(device, events, clock), settings });
  /** A chain that was given from its first message on, and its message of some number, which is the first to arrive. */
  const skip = async (groupId: string, count: number) => {
    const sender = crypto.secp256k1.generateKeyPair().publicKey;
    const chain = startOwnChain(crypto);
    const from = { sender, senderInstallation: 'd', protection: 'pq' as const, sentAt: START };
    const key = encodeSenderKey(senderKeyOf(crypto, chain));
    await device.transaction((tx) => chains.accept(tx, groupId, from, key));
    const read = (index: number) => {
      const { chainKey } = senderKeyOf(crypto, new OwnChain({ ...chain, index: index + 1 }), index);
      const context = { groupId: decodeHex(groupId), sender, installationId: 'd' };
      const { encoded } = encrypt(crypto, new OwnChain({ ...chain, index, chainKey }), context, sender);
      return device.transaction((tx) => chains.open(tx, groupId, sender, decodeMessage(encoded), 'id'));
    };
    await read(count);
    return { sender: sender as PublicKey, read };
  };
  /** Chains that a device gives one after another; what `read` makes of the first message under one of them. */
  const given = async (count: number) => {
    const sender = crypto.secp256k1.generateKeyPair().publicKey as PublicKey;
    const from = { sender, senderInstallation: 'd', protection: 'pq' as const, sentAt: START };
    const begun = Array.from({ length: count }, () => startOwnChain(crypto));
    for (const chain of begun) {
      const key = encodeSenderKey(senderKeyOf(crypto, chain));
      await device.transaction((tx) => chains.accept(tx, GROUP, from, key));
    }
    const has = (index: number) =>
      device.read((tx) => chains.has(tx, GROUP, sender, (begun[index] as OwnChain).chain));
    const read = (index: number) => {
      const context = { groupId: decodeHex(GROUP), sender, installationId: 'd' };
      const { encoded } = encrypt(crypto, begun[index] as OwnChain, context, sender);
      return device.transaction((tx) => chains.open(tx, GROUP, sender, decodeMessage(encoded), 'id'));
    };
    return { has, read };
  };
  const forget = (groupId: string) => device.transaction((tx) => chains.forget(tx, groupId));
  const kept = async (...of: readonly string[]) =>
    (await device.read((tx) => tx.keys(skippedSenderKeyTable, of))).length;
  return { skip, given, kept, forget, looks: () => looks };
}

it('of all chains together, message keys are kept within a bound; those of whoever has most go', async () => {
  const { skip, kept } = await bed();
  const honest = await skip(GROUP, 20);
  const elsewhere = await skip(OTHER, 300);
  for (let i = 0; i < 31; i++) await skip(GROUP, 512);
  expect(await kept()).toBe(31 * 512 + 20 + 300);
  // An eighth of all go at once.
  await skip(GROUP, 512);
  expect(await kept()).toBe(14_336);
  for (let i = 0; i < 4; i++) await skip(GROUP, 512);
  expect(await kept()).toBe(16_384);
  expect(await kept(GROUP, encodeHex(honest.sender))).toBe(20);
  expect(await kept(OTHER)).toBe(300);
  for (const { read, sender } of [honest, elsewhere]) {
    expect((await read(0))?.plaintext).toEqual(sender);
    await expect(read(0)).rejects.toMatchObject({ code: 'DUPLICATE_MESSAGE' });
  }
});

it('a message that leaves out others costs a look at all keys only now and then, also at the bound', async () => {
  const { skip, looks, kept } = await bed();
  for (let i = 0; i < 32; i++) await skip(GROUP, 512);
  expect(await kept()).toBe(16_384);
  const { read } = await skip(GROUP, 1);
  const before = looks();
  for (let number = 3; number <= 401; number += 2) await read(number);
  expect(await kept()).toBe(14_336 + 200);
  // Those of the test itself.
  expect(looks()).toBe(before + 1);
});

it('a message whose key went so is one of a key that is no longer there', async () => {
  const { skip } = await bed();
  const first = await skip(GROUP, 512);
  for (let i = 0; i < 35; i++) await skip(GROUP, 511);
  await expect(first.read(0)).rejects.toMatchObject({ code: 'RATCHET_KEY_MISSING' });
});

it('whoever was away while a chain was replaced 63 times reads what comes under the first one then', async () => {
  const { given } = await bed();
  const { read, has } = await given(64);
  expect(await read(0)).toMatchObject({ senderInstallation: 'd', protection: 'pq' });
  const more = await given(65);
  expect([await more.has(0), await more.has(1), await has(0)]).toEqual([false, true, true]);
});

it('chains and keys of a group that is forgotten are gone, and only those', async () => {
  const { skip, forget, kept } = await bed();
  await skip(GROUP, 3);
  const stays = await skip(OTHER, 5);
  await forget(GROUP);
  expect([await kept(GROUP), await kept(OTHER)]).toEqual([0, 5]);
  expect((await stays.read(6))?.plaintext).toEqual(stays.sender);
  expect((await stays.read(0))?.plaintext).toEqual(stays.sender);
});
