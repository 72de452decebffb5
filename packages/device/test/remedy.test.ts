import type { PublicKey } from '@sotto/core';
import { NO_INSTALLATION } from '@sotto/core';
import { type DirectMessage, encodeProtocolMessage } from '@sotto/protocol-codec';
import { settableClock } from '@sotto/testing/clock';
import { bundleTimestamp, signBundle } from '@sotto/x3dh';
import { describe, expect, it } from 'vitest';
import { openMessengerDevice } from '../src/internal.js';
import { findDevice, getPeer, newPeerDevice, putPeer, withDevice } from '../src/peers.js';
import type { PeerDevice } from '../src/storage/records.js';
import { sessionTable } from '../src/storage/tables.js';
import { crypto, DAY, keptStore, MINUTE, meet, type Node, newNode, START, write } from './world.js';

const identity = crypto.secp256k1.generateKeyPair();
const alice = crypto.secp256k1.generateKeyPair();
const someKey = crypto.secp256k1.generateKeyPair().publicKey;

/** Our device, since a year, with other devices of ours. */
async function newDevice({ siblings = [] as readonly string[], createdAt = START - 365 * DAY } = {}) {
  const clock = settableClock(createdAt);
  const { view } = keptStore();
  const store = view();
  const open = () => openMessengerDevice({ identity, installationId: 'bob-1', store, crypto, clock });
  const device = await open();
  clock.set(START);
  await device.transaction(async (tx) => {
    const devices = siblings.map((id) => newPeerDevice(id, true));
    putPeer(tx, identity.publicKey, { ...(await getPeer(tx, identity.publicKey)), devices });
  });
  return device;
}

const inSession = (id: Uint8Array = someKey): DirectMessage => ({
  drHeader: { key: someKey, n: 0, pn: 0, id },
  payload: new Uint8Array(48),
});
const outsideOfSessions: DirectMessage = { dhHeader: { key: someKey }, payload: new Uint8Array(28) };

/** A message of Alice's device, signed at a time or, as by old releases, not. */
function message(entries: Record<string, DirectMessage>, signedAt: number | 'never' = START): Uint8Array {
  const signedPreKeys = new Map([
    ['alice-1', { signedPreKey: alice.publicKey, version: 1, protocolVersion: 1 }],
  ]);
  const timestamp = signedAt === 'never' ? 0n : bundleTimestamp(signedAt);
  return encodeProtocolMessage({
    installationId: 'alice-1',
    bundles: [signBundle(crypto, alice, { signedPreKeys, timestamp })],
    directMessages: new Map(Object.entries(entries)),
    publicMessage: undefined,
  });
}

type MessengerDevice = Awaited<ReturnType<typeof newDevice>>;
const remedy = (device: MessengerDevice, bytes: Uint8Array, from: PublicKey = alice.publicKey) =>
  device.read((tx) => device.remedyFor(tx, from, bytes));

const NOTHING = { answer: false, renewPreKey: false, report: false };
const REPORT = { ...NOTHING, report: true };
const ANSWER = { ...NOTHING, answer: true };
const ANSWER_AND_REPORT = { ...ANSWER, report: true };

describe('what to do about a message that can not be read', () => {
  it('for another device than ours, or in a session that is not known: answered and reported', async () => {
    const device = await newDevice();
    expect(await remedy(device, message({ other: inSession() }))).toEqual(ANSWER_AND_REPORT);
    expect(await remedy(device, message({ 'bob-1': inSession() }))).toEqual(ANSWER_AND_REPORT);
    const undated = message({ other: inSession() }, 'never');
    expect(await remedy(device, undated)).toEqual(ANSWER_AND_REPORT);
  });

  it('of our own identity, outside of sessions, or for any device: nothing', async () => {
    const device = await newDevice();
    const bytes = message({ other: inSession() });
    expect(await remedy(device, bytes, identity.publicKey)).toEqual(NOTHING);
    expect(await remedy(device, message({ 'bob-1': outsideOfSessions }))).toEqual(NOTHING);
    expect(await remedy(device, message({ [NO_INSTALLATION]: outsideOfSessions }))).toEqual(NOTHING);
  });

  it.each([
    ['30 days old', -30 * DAY, ANSWER_AND_REPORT],
    ['older than 30 days', -30 * DAY - 1, NOTHING],
    ['as far ahead as clocks may be', 10 * MINUTE, ANSWER_AND_REPORT],
    ['further ahead', 10 * MINUTE + 1, NOTHING],
  ])('signed %s', async (_, ago, expected) => {
    const device = await newDevice();
    expect(await remedy(device, message({ other: inSession() }, START + ago))).toEqual(expected);
  });

  it('that went to as many of our devices as a message goes to: only reported', async () => {
    const siblings = ['bob-2', 'bob-3', 'bob-4'];
    const device = await newDevice({ siblings });
    const to = (...ids: string[]) => message(Object.fromEntries(ids.map((id) => [id, inSession()])));
    expect(await remedy(device, to(...siblings))).toEqual(REPORT);
    expect(await remedy(device, to('bob-2', 'bob-3', 'unknown'))).toEqual(ANSWER_AND_REPORT);
    expect(await remedy(device, to('bob-1', ...siblings))).toEqual(ANSWER_AND_REPORT);
  });

  it('from before this device was there: answered, and not reported', async () => {
    const at = (minutesBefore: number, to: string) =>
      message({ [to]: inSession() }, START - minutesBefore * MINUTE);
    const device = await newDevice({ siblings: ['bob-2'], createdAt: START });
    // With room for a clock that is behind.
    expect(await remedy(device, at(10, 'bob-1'))).toEqual(ANSWER_AND_REPORT);
    expect(await remedy(device, at(11, 'bob-1'))).toEqual(ANSWER);
    expect(await remedy(device, at(10, 'unknown'))).toEqual(ANSWER_AND_REPORT);
    // Without it, where another device of ours has it.
    expect(await remedy(device, at(0, 'bob-2'))).toEqual(ANSWER_AND_REPORT);
    expect(await remedy(device, at(1, 'bob-2'))).toEqual(ANSWER);
  });

  it('when this device was made by a clock that was ahead: reported whatever its time', async () => {
    const ahead = await newDevice({ createdAt: START + 10 * MINUTE + 1 });
    expect(await remedy(ahead, message({ 'bob-1': inSession() }, START - DAY))).toEqual(ANSWER_AND_REPORT);
    const little = await newDevice({ createdAt: START + 10 * MINUTE });
    expect(await remedy(little, message({ 'bob-1': inSession() }, START - DAY))).toEqual(ANSWER);
  });
});

describe('what to do about a message of a device with which there are sessions', () => {
  /** Bob, and Alice's device with a session that began with Bob's prekey. */
  async function known() {
    const [sender, bob] = [
      await newNode('alice-1', { identity: alice }),
      await newNode('bob-1', { identity }),
    ];
    await meet(sender, bob);
    const { message: first } = await write(sender, identity.publicKey, 'hello');
    await bob.device.transaction((tx) => bob.device.decrypt(tx, alice.publicKey, first));
    const { publicKey: preKey } = await bob.device.read((tx) => bob.device.currentPreKey(tx));
    return { bob, preKey };
  }
  const changeDevice = (bob: Node, change: (device: PeerDevice) => PeerDevice) =>
    bob.device.transaction(async (tx) => {
      const peer = await getPeer(tx, alice.publicKey);
      putPeer(tx, alice.publicKey, withDevice(peer, change(findDevice(peer, 'alice-1')!)));
    });
  const loseSession = (bob: Node) =>
    bob.device.transaction(async (tx) => {
      for (const segments of await tx.keys(sessionTable)) tx.delete(sessionTable, ...segments);
    });
  const ask = (bob: Node, entries: Record<string, DirectMessage>) =>
    remedy(bob.device as MessengerDevice, message(entries));

  it('one of which works: for another device nothing, and for ours only reported', async () => {
    const { bob } = await known();
    expect(await ask(bob, { other: inSession() })).toEqual(NOTHING);
    expect(await ask(bob, { 'bob-1': inSession() })).toEqual(REPORT);
  });

  it('whose state is gone: answered with a new prekey, where it is the session of the message', async () => {
    const { bob, preKey } = await known();
    await loseSession(bob);
    expect(await ask(bob, { 'bob-1': inSession(preKey) })).toEqual({
      ...ANSWER_AND_REPORT,
      renewPreKey: true,
    });
    expect(await ask(bob, { 'bob-1': inSession() })).toEqual(ANSWER_AND_REPORT);
    expect(await ask(bob, { other: inSession(preKey) })).toEqual(ANSWER_AND_REPORT);
  });

  it.each<[string, (device: PeerDevice) => PeerDevice]>([
    [
      'that are known to be lost',
      (device) => ({ ...device, sessions: device.sessions.map((one) => ({ ...one, lost: true })) }),
    ],
    [
      'of a store from before it was restored',
      (device) => ({ ...device, sessions: device.sessions.map((one) => ({ ...one, epoch: 7 })) }),
    ],
  ])('%s: as without sessions', async (_, change) => {
    const { bob, preKey } = await known();
    await changeDevice(bob, change);
    expect(await ask(bob, { other: inSession() })).toEqual(ANSWER_AND_REPORT);
    expect(await ask(bob, { 'bob-1': inSession(preKey) })).toEqual(ANSWER_AND_REPORT);
  });
});
