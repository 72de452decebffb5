import { decodeHex, encodeHex, type PublicKey, silentLogger, type TransportMessage } from '@sotto/core';
import { openMessengerDevice } from '@sotto/device/internal';
import { decodeMessage, encrypt, type OwnChain, startOwnChain } from '@sotto/sender-keys';
import { createMemoryStore } from '@sotto/store-adapters/memory';
import { expect, it } from 'vitest';
import { WaitingMessages } from '../src/groups/waiting-messages.js';
import { Events } from '../src/runtime/events.js';
import { Runtime } from '../src/runtime/runtime.js';
import { settingsOf } from './settings.js';
import { manualClock } from './support.js';
import { crypto, DAY, type Node, newNode, START } from './world.js';

const GROUPS = ['0a', '0b'].map((byte) => byte.repeat(32)) as [string, string];
const PEOPLE = [1, 2, 3].map(
  (byte) => crypto.secp256k1.keyPairFromPrivateKey(new Uint8Array(32).fill(byte)).publicKey,
) as [PublicKey, PublicKey, PublicKey];

async function bed() {
  const clock = manualClock(START);
  const identity = crypto.secp256k1.generateKeyPair();
  const device = await openMessengerDevice({ identity, store: createMemoryStore(), crypto, clock });
  const events = new Events(silentLogger);
  const runtime = new Runtime(device, events, clock);
  const settings = settingsOf(identity, clock);
  const waiting = new WaitingMessages({ device, events, runtime, settings });
  const outsiders = new Set<string>();
  let made = 0;
  const add = async (sender: PublicKey, bytes: number, groupId = GROUPS[0], index = made) => {
    const payload = new Uint8Array(bytes);
    new DataView(payload.buffer).setUint32(0, made++);
    const message: TransportMessage = {
      sender,
      payload,
      channel: { kind: 'public', name: 'g' },
      sentAt: START,
      fromHistory: false,
    };
    const chain = new Uint8Array(33).fill(2);
    const named = { chain, index, sealed: payload, signature: new Uint8Array(65) };
    const log = { groupId, isMember: (name: string) => !outsiders.has(name) };
    await device.transaction((tx) => waiting.add(tx, log, named, message));
    return message;
  };
  /** A message under a chain of a person's device, made for one group and received on the channel of one. */
  const addSigned = async (person: Node, chain: OwnChain, madeFor: string, groupId = GROUPS[0]) => {
    const { publicKey: sender } = person.identity;
    const context = { groupId: decodeHex(madeFor), sender, installationId: 'phone' };
    const { encoded: payload } = encrypt(crypto, chain, context, new Uint8Array(1));
    const message = { sender, payload, channel: { kind: 'public', name: 'g' } as const, sentAt: START };
    const log = { groupId, isMember: () => true };
    await device.transaction((tx) =>
      waiting.add(tx, log, decodeMessage(payload), { ...message, fromHistory: false }),
    );
    return message;
  };
  const left = async () => {
    const counts = new Map<string, number>();
    for (const { record } of await device.read((tx) => waiting.list(tx))) {
      const name = `${PEOPLE.findIndex((one) => encodeHex(one) === encodeHex(record.sender))}`;
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
    return Object.fromEntries(counts);
  };
  return { clock, device, waiting, add, addSigned, left, outsiders };
}

const forget = ({ device, waiting }: Awaited<ReturnType<typeof bed>>, groupId?: string) =>
  device.transaction((tx) => waiting.forget(tx, groupId));

it('the oldest of one sender go, and no one else’s', async () => {
  const { device, waiting, add, left } = await bed();
  await add(PEOPLE[1], 100);
  for (let i = 0; i < 70; i++) await add(PEOPLE[0], 100);
  expect(await left()).toEqual({ 0: 64, 1: 1 });
  const kept = await device.read((tx) => waiting.list(tx));
  const numbers = kept.map(({ record }) =>
    new DataView(record.payload.buffer, record.payload.byteOffset).getUint32(0),
  );
  expect(numbers).toEqual([0, ...Array.from({ length: 64 }, (_, i) => 7 + i)]);
});

it('when all together are too many bytes, those of whoever has most go', async () => {
  const { add, left } = await bed();
  await add(PEOPLE[1], 1000);
  await add(PEOPLE[2], 400_000);
  for (let i = 0; i < 10; i++) await add(PEOPLE[0], 200_000);
  expect(await left()).toEqual({ 0: 3, 1: 1, 2: 1 });
  await add(PEOPLE[1], 1024 * 1024 + 1);
  expect(await left()).toEqual({ 0: 3, 1: 1, 2: 1 });
});

it('when all together are too many, those of whoever has most go', async () => {
  const { add, left } = await bed();
  const others = Array.from({ length: 4 }, () => crypto.secp256k1.generateKeyPair().publicKey);
  for (const other of others) for (let i = 0; i < 63; i++) await add(other, 40);
  for (const person of PEOPLE) await add(person, 10);
  await add(PEOPLE[0], 10);
  await add(PEOPLE[0], 10);
  const counts = await left();
  expect({ ...counts, [-1]: 0 }).toEqual({ 0: 3, 1: 1, 2: 1, [-1]: 0 });
  expect(counts[-1]).toBe(251);
});

it('the same message waits once', async () => {
  const { device, waiting, add, left } = await bed();
  const message = await add(PEOPLE[0], 100);
  const named = {
    chain: new Uint8Array(33),
    index: 0,
    sealed: message.payload,
    signature: new Uint8Array(65),
  };
  await device.transaction((tx) =>
    waiting.add(tx, { groupId: GROUPS[0], isMember: () => true }, named, message),
  );
  expect(await left()).toEqual({ 0: 1 });
});

it('the same message waits in each group to whose channel it came', async () => {
  const { device, waiting, addSigned } = await bed();
  const alice = await newNode('phone');
  const chain = startOwnChain(crypto);
  const { payload, ...rest } = await addSigned(alice, chain, GROUPS[0], GROUPS[1]);
  await device.transaction((tx) =>
    waiting.add(tx, { groupId: GROUPS[0], isMember: () => true }, decodeMessage(payload), {
      ...rest,
      payload,
      fromHistory: false,
    }),
  );
  const kept = await device.read((tx) => waiting.list(tx));
  expect(kept.map(({ record }) => encodeHex(record.groupId)).toSorted()).toEqual(GROUPS);
});

it('what was moved here from another group leaves room for what was sent here', async () => {
  const { device, waiting, addSigned } = await bed();
  const alice = await newNode('phone');
  const bundle = await alice.device.transaction((tx) => alice.device.bundle(tx));
  await device.transaction((tx) => device.processBundle(tx, bundle));
  const chain = startOwnChain(crypto);
  const { payload } = await addSigned(alice, chain, GROUPS[0]);
  for (let i = 0; i < 70; i++) await addSigned(alice, chain, GROUPS[1]);
  const kept = async () => (await device.read((tx) => waiting.list(tx))).map(({ record }) => record);
  expect((await kept()).filter(({ signed }) => signed).map((one) => one.payload)).toEqual([payload]);
  expect(await kept()).toHaveLength(1 + 64);
  for (let i = 0; i < 70; i++) await addSigned(alice, chain, GROUPS[0]);
  expect((await kept()).filter(({ signed }) => signed)).toHaveLength(64);
  expect(await kept()).toHaveLength(64 + 64);
});

it('those that came while our clock was ahead are the oldest, not the latest', async () => {
  const { clock, device, waiting, add } = await bed();
  clock.advance(400 * DAY);
  for (let i = 0; i < 64; i++) await add(PEOPLE[0], 100);
  clock.advance(-399 * DAY);
  const latest = [await add(PEOPLE[0], 100), await add(PEOPLE[0], 100)];
  const kept = await device.read((tx) => waiting.list(tx));
  expect(kept).toHaveLength(64);
  expect(kept.slice(-2).map(({ record }) => record.payload)).toEqual(latest.map(({ payload }) => payload));
});

it('they come in the order in which they arrived, and those of one moment by their numbers', async () => {
  const { clock, device, waiting, add } = await bed();
  for (const index of [2, 1]) await add(PEOPLE[0], 100, GROUPS[0], index);
  clock.advance(1);
  await add(PEOPLE[0], 100, GROUPS[0], 0);
  const kept = await device.read((tx) => waiting.list(tx));
  expect(kept.map(({ number }) => Number(number.split('-')[1]))).toEqual([1, 2, 0]);
});

it('they come in the order in which they arrived, also while our clock is set back', async () => {
  const { clock, device, waiting, add } = await bed();
  for (const [number, move] of [0, 10, 10, -15, 1].entries()) {
    clock.advance(move);
    await add(PEOPLE[0], 100, GROUPS[0], number);
  }
  const kept = await device.read((tx) => waiting.list(tx));
  expect(kept.map(({ number }) => Number(number.split('-')[1]))).toEqual([0, 1, 2, 3, 4]);
});

it('when there is no room, one of a sender who has their share takes the place of their own', async () => {
  const { add, left } = await bed();
  for (let i = 0; i < 64; i++) {
    for (const sender of PEOPLE) await add(sender, 100);
    await add(PEOPLE[0], 100, GROUPS[1]);
  }
  expect(await left()).toEqual({ 0: 128, 1: 64, 2: 64 });
  await add(PEOPLE[0], 100);
  expect(await left()).toEqual({ 0: 128, 1: 64, 2: 64 });
});

it('they are deleted after a week, and with their group', async () => {
  const world = await bed();
  await world.add(PEOPLE[0], 100, GROUPS[0]);
  world.clock.advance(6 * DAY);
  await world.add(PEOPLE[1], 100, GROUPS[1]);
  await world.add(PEOPLE[2], 100, GROUPS[0]);
  await forget(world);
  expect(await world.left()).toEqual({ 0: 1, 1: 1, 2: 1 });
  world.clock.advance(DAY);
  expect(await world.left()).toEqual({ 1: 1, 2: 1 });
  await forget(world);
  await forget(world, GROUPS[0]);
  expect(await world.left()).toEqual({ 1: 1 });
});

it('those of one group leave room for those of others, whoever writes them', async () => {
  const { add, left } = await bed();
  await add(PEOPLE[0], 20_000, GROUPS[1]);
  for (let i = 0; i < 300; i++) {
    await add(crypto.secp256k1.generateKeyPair().publicKey, i % 2 === 0 ? 40 : 4_000);
  }
  expect((await left())[0]).toBe(1);
});

it('they are kept when our clock was ahead as they arrived', async () => {
  const world = await bed();
  world.clock.advance(400 * DAY);
  await world.add(PEOPLE[0], 100);
  world.clock.advance(-399 * DAY);
  await forget(world);
  expect(await world.left()).toEqual({ 0: 1 });
});

it('all who are not members have what one sender has', async () => {
  const { add, left, outsiders } = await bed();
  await add(PEOPLE[0], 30_000);
  for (let i = 0; i < 100; i++) {
    const { publicKey } = crypto.secp256k1.generateKeyPair();
    outsiders.add(encodeHex(publicKey));
    await add(publicKey, 15_000);
  }
  expect(await left()).toEqual({ 0: 1, [-1]: 64 });
});
