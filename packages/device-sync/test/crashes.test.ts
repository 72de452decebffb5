import { encodeHex } from '@sotto/core';
import { createMemoryStore } from '@sotto/store-adapters/memory';
import { manualClock } from '@sotto/testing/clock';
import { repetitions } from '@sotto/testing/long';
import { createMemoryNetwork, type MemoryNetwork } from '@sotto/whisper-transport/memory';
import { describe, expect, it } from 'vitest';
import { type Device, direct, newDevice, newIdentity, pair, quiet, stateOf } from './devices.js';

class Killed extends Error {}

/** Runs something on a device whose process ends at a commit, and starts it again. @returns whether it came that far */
async function killedAt(
  commit: number,
  network: MemoryNetwork,
  device: Device,
  others: readonly Device[],
  run: () => Promise<void>,
): Promise<boolean> {
  let commits = 0;
  device.beforeCommit = () => {
    // Nothing is stored from then on.
    if (++commits >= commit) throw new Killed();
  };
  await run().catch(() => undefined);
  await quiet(network, device, ...others).catch(() => undefined);
  await device.stop().catch(() => undefined);
  device.beforeCommit = undefined;
  await device.open();
  await quiet(network, device, ...others);
  await device.sync?.compare();
  await quiet(network, device, ...others);
  return commits >= commit;
}

async function two() {
  const network = createMemoryNetwork({ clock: manualClock() });
  const identity = newIdentity();
  const phone = await newDevice(network, 'alice-1', identity, { store: createMemoryStore() });
  const laptop = await newDevice(network, 'alice-2', identity, { store: createMemoryStore() });
  const bob = newIdentity();
  await pair(network, phone, laptop);
  await phone.conversations.addContact(bob.publicKey, 'Bob');
  await quiet(network, phone, laptop);
  return { network, phone, laptop, bob };
}

describe('a device that is killed', () => {
  it('at any commit while something is changed there', async () => {
    const every = repetitions(3, 1);
    for (let commit = 1, isThere = true; isThere; commit += every) {
      const { network, phone, laptop, bob } = await two();
      isThere = await killedAt(commit, network, phone, [laptop], async () => {
        await phone.conversations.setDraft(direct({ identity: bob }), 'Dear B');
        await phone.conversations.addContact(bob.publicKey, 'Robert');
        await phone.conversations.block(bob.publicKey);
        await phone.conversations.open({ kind: 'public', name: 'sailing' });
        await phone.sync?.flush();
      });
      expect(stateOf(laptop)).toEqual(stateOf(phone));
      if (!isThere) {
        expect(stateOf(laptop)).toMatchObject({ blocked: [encodeHex(bob.publicKey)], chats: ['sailing'] });
      }
      for (const device of [phone, laptop]) await device.stop();
    }
  });

  it('at any commit while something comes from another device', async () => {
    const every = repetitions(3, 1);
    for (let commit = 1, isThere = true; isThere; commit += every) {
      const { network, phone, laptop, bob } = await two();
      isThere = await killedAt(commit, network, laptop, [phone], async () => {
        await phone.conversations.addContact(bob.publicKey, 'Robert');
        await phone.conversations.setVerified(bob.publicKey, true);
        await phone.conversations.open({ kind: 'public', name: 'sailing' });
        // It may be dead from here on.
        await quiet(network, phone, laptop).catch(() => undefined);
        await phone.conversations.block(bob.publicKey);
        await quiet(network, phone, laptop);
      });
      const state = stateOf(phone);
      expect(state).toMatchObject({
        blocked: [encodeHex(bob.publicKey)],
        chats: ['sailing'],
        contacts: [],
      });
      expect(stateOf(laptop)).toEqual(state);
      for (const device of [phone, laptop]) await device.stop();
    }
  });
});
