import type { KeyPair, PublicKey } from '@sotto/core';
import { manualClock } from '@sotto/testing/clock';
import { describe, expect, it } from 'vitest';
import { DEFAULT_DEVICE_LIMITS } from '../src/index.js';
import { type MessengerDevice, openMessengerDevice } from '../src/internal.js';
import { crypto, HOUR, keptStore, START } from './world.js';

const someone = (): KeyPair => crypto.secp256k1.generateKeyPair();

async function newDevice(limits = {}) {
  const clock = manualClock(START);
  const identity = someone();
  const device = await openMessengerDevice({ identity, store: keptStore().store, crypto, clock, limits });
  return { device, clock, identity };
}

const count = (device: MessengerDevice, from: PublicKey, bytes = 10) =>
  device.transaction((tx) => device.countRequest(tx, from, bytes));
const requestsOf = (device: MessengerDevice) => device.read((tx) => device.requests(tx));

describe('who writes first', () => {
  it('is a request until accepted: listed oldest first, with the number of messages', async () => {
    const { device, clock } = await newDevice();
    const [alice, bob] = [someone().publicKey, someone().publicKey];
    expect(await count(device, alice)).toEqual({ isNew: true });
    clock.advance(1000);
    expect(await count(device, bob)).toEqual({ isNew: true });
    expect(await count(device, alice)).toEqual({ isNew: false });
    expect(await requestsOf(device)).toEqual([
      { identity: alice, requestedAt: START, messages: 2 },
      { identity: bob, requestedAt: START + 1000, messages: 1 },
    ]);
    expect(await device.read((tx) => device.request(tx, bob))).toMatchObject({ messages: 1 });
    await device.transaction((tx) => device.accept(tx, alice));
    expect(await device.read((tx) => device.isAccepted(tx, alice))).toBe(true);
    expect(await device.read((tx) => device.request(tx, alice))).toBeUndefined();
    expect(await count(device, alice)).toEqual({ isNew: false });
    expect((await requestsOf(device)).map(({ identity }) => identity)).toEqual([bob]);
  });

  it('is refused beyond so many messages, and beyond so many bytes', async () => {
    const { device } = await newDevice({ maxRequestMessages: 2, maxRequestBytes: 100 });
    const [alice, bob] = [someone().publicKey, someone().publicKey];
    await count(device, alice);
    await count(device, alice);
    await expect(count(device, alice)).rejects.toMatchObject({
      code: 'LIMIT_EXCEEDED',
      details: { what: 'messages of a request', limit: 2, actual: 3 },
    });
    await expect(count(device, bob, 101)).rejects.toMatchObject({
      code: 'LIMIT_EXCEEDED',
      details: { what: 'bytes of a request', limit: 100, actual: 101 },
    });
    expect((await requestsOf(device)).map(({ messages }) => messages)).toEqual([2]);
  });

  it('is forgotten when the user wants so, and verified only when the user says so', async () => {
    const { device } = await newDevice();
    const alice = someone().publicKey;
    await count(device, alice);
    expect(await device.read((tx) => device.isVerified(tx, alice))).toBe(false);
    await device.transaction((tx) => device.setVerified(tx, alice, true));
    expect(await device.read((tx) => device.isVerified(tx, alice))).toBe(true);
    await device.transaction((tx) => device.forgetStranger(tx, alice));
    expect(await device.read((tx) => device.isVerified(tx, alice))).toBe(false);
    expect(await requestsOf(device)).toEqual([]);
  });

  it('is not forgotten with what is known of someone whom we wrote to', async () => {
    const { device } = await newDevice();
    const [friend, stranger] = [someone().publicKey, someone().publicKey];
    await device.transaction((tx) => device.encryptDirect(tx, friend, new Uint8Array([1])));
    for (const who of [friend, stranger]) {
      await device.transaction((tx) => device.setVerified(tx, who, true));
      await device.transaction((tx) => device.forgetStranger(tx, who));
    }
    expect(await device.read((tx) => device.isVerified(tx, friend))).toBe(true);
    expect(await device.read((tx) => device.isVerified(tx, stranger))).toBe(false);
  });

  it('is listed by when it was made, known or not, and not at all where no message was counted', async () => {
    const { device, clock } = await newDevice();
    const [friend, one, two] = [someone().publicKey, someone().publicKey, someone().publicKey];
    await device.transaction((tx) => device.encryptDirect(tx, friend, new Uint8Array([1])));
    for (const who of [one, friend, two]) {
      await count(device, who);
      clock.advance(1000);
    }
    expect((await requestsOf(device)).map(({ identity }) => identity)).toEqual([one, friend, two]);
    // Answered, and nothing more.
    await device.transaction((tx) => device.countAnswer(tx, someone().publicKey));
    expect(await requestsOf(device)).toHaveLength(3);
  });

  it('of those whom we know from a group are so many, the latest ones', async () => {
    const { device } = await newDevice({ maxRequests: 2 });
    const members = [someone(), someone(), someone()].map(({ publicKey }) => publicKey);
    for (const member of members) {
      // As the first message to someone makes it.
      await device.transaction((tx) => device.encryptDirect(tx, member, new Uint8Array([1])));
      expect(await device.read((tx) => device.isKnown(tx, member))).toBe(true);
      expect(await count(device, member)).toEqual({ isNew: true });
      expect(await count(device, member)).toEqual({ isNew: false });
    }
    expect((await requestsOf(device)).map(({ identity }) => identity)).toEqual(members.slice(1));
    // Its messages stay all the same.
    expect(await device.read((tx) => device.request(tx, members[0] as PublicKey))).toMatchObject({
      messages: 2,
    });
    const stranger = someone().publicKey;
    expect(await device.read((tx) => device.isKnown(tx, stranger))).toBe(false);
    await count(device, stranger);
    expect((await requestsOf(device)).map(({ identity }) => identity)).toHaveLength(3);
  });

  it('is never oneself', async () => {
    const { device, identity } = await newDevice();
    expect(await count(device, identity.publicKey)).toEqual({ isNew: false });
    expect(await requestsOf(device)).toEqual([]);
  });
});

describe('automatic answers', () => {
  const answer = (device: MessengerDevice, to: PublicKey) =>
    device.transaction((tx) => device.countAnswer(tx, to));

  it('go to one identity once in a while', async () => {
    const { device, clock } = await newDevice();
    const alice = someone().publicKey;
    expect(await answer(device, alice)).toBe(true);
    expect(await answer(device, alice)).toBe(false);
    clock.advance(DEFAULT_DEVICE_LIMITS.answerIntervalMs + 1);
    expect(await answer(device, alice)).toBe(true);
    await count(device, someone().publicKey);
    expect(await device.read((tx) => device.answeredStrangers(tx))).toEqual([alice]);
  });

  it('go to so many strangers in an hour, and to accepted identities beyond that', async () => {
    const { device, clock } = await newDevice({ strangerAnswersPerHour: 2 });
    const strangers = [someone(), someone(), someone()].map(({ publicKey }) => publicKey);
    const answered: boolean[] = [];
    for (const stranger of strangers) answered.push(await answer(device, stranger));
    expect(answered).toEqual([true, true, false]);
    const friend = someone().publicKey;
    await device.transaction((tx) => device.accept(tx, friend));
    expect(await answer(device, friend)).toBe(true);
    clock.advance(HOUR + 1);
    expect(await answer(device, strangers[2] as PublicKey)).toBe(true);
  });
});
