import { encodeHex, silentLogger } from '@sotto/core';
import { openMessengerDevice } from '@sotto/device/internal';
import { createMemoryNetwork } from '@sotto/whisper-transport/memory';
import { describe, expect, it } from 'vitest';
import { CatchUp } from '../src/connection/catch-up.js';
import { Subscriptions } from '../src/connection/subscriptions.js';
import { FanOut } from '../src/groups/fan-out.js';
import { groupPartsLoader } from '../src/groups/load-group-parts.js';
import { DeliveryTracker } from '../src/outbound/delivery-tracker.js';
import { Outbox } from '../src/outbound/outbox.js';
import { Sender } from '../src/outbound/sender.js';
import { Events } from '../src/runtime/events.js';
import { Runtime } from '../src/runtime/runtime.js';
import { newParty, type Party, quiet } from './party.js';
import { settingsOf } from './settings.js';
import { manualClock } from './support.js';
import { bytesOf, crypto, START } from './world.js';

async function circle(...names: string[]) {
  const network = createMemoryNetwork({ clock: manualClock(START), seed: 3 });
  const parties: Party[] = [];
  for (const name of names) parties.push(await newParty(network, name));
  await quiet(network, ...parties);
  return { network, parties };
}

const keysOf = (...parties: Party[]) => parties.map(({ identity }) => identity.publicKey);
const namesOf = async (party: Party, groupId: string) => {
  const { members, name, admins } = await party.messenger.groups.get(groupId);
  return { name, members: members.map(encodeHex).toSorted(), admins: admins.map(encodeHex).toSorted() };
};
const hexOf = (...parties: Party[]) =>
  keysOf(...parties)
    .map(encodeHex)
    .toSorted();

describe('private groups', () => {
  it('create, talk, rename, add, remove, leave', async () => {
    const { network, parties } = await circle('alice', 'bob', 'carol', 'dave');
    const [alice, bob, carol, dave] = parties as [Party, Party, Party, Party];
    const { group, result } = await alice.messenger.groups.create('friends', keysOf(bob, carol));
    const id = group.id;
    expect(result.members).toHaveLength(2);
    await quiet(network, ...parties);
    for (const party of [alice, bob, carol]) {
      expect(await namesOf(party, id)).toEqual({
        name: 'friends',
        members: hexOf(alice, bob, carol),
        admins: hexOf(alice),
      });
    }
    const progress: number[] = [];
    await bob.messenger.send({ kind: 'group', groupId: id }, bytesOf('hi'), {
      onProgress: (done) => progress.push(done),
    });
    await quiet(network, ...parties);
    expect(progress.at(-1)).toBe(3);
    expect(alice.texts).toEqual([expect.stringMatching(/^group bob (pq|dh): hi$/)]);
    expect(carol.texts).toEqual([expect.stringMatching(/^group bob (pq|dh): hi$/)]);
    expect(alice.messages[0]).toMatchObject({
      conversation: { kind: 'group', groupId: id },
      membershipHash: (await bob.messenger.groups.get(id)).membershipHash,
      late: false,
    });
    await expect(bob.messenger.groups.rename(id, 'enemies')).rejects.toMatchObject({ code: 'NOT_PERMITTED' });
    await alice.messenger.groups.promote(id, keysOf(bob));
    await quiet(network, ...parties);
    await bob.messenger.groups.rename(id, 'old friends');
    await bob.messenger.groups.add(id, keysOf(dave));
    await quiet(network, ...parties);
    for (const party of parties) {
      expect(await namesOf(party, id)).toEqual({
        name: 'old friends',
        members: hexOf(alice, bob, carol, dave),
        admins: hexOf(alice, bob),
      });
    }
    await dave.messenger.send({ kind: 'group', groupId: id }, bytesOf('thanks'));
    await quiet(network, ...parties);
    expect(carol.texts.at(-1)).toMatch(/^group dave d[rh]: thanks$/);
    await alice.messenger.groups.remove(id, keysOf(carol));
    await quiet(network, ...parties);
    expect((await carol.messenger.groups.get(id)).joined).toBe(false);
    await expect(
      carol.messenger.send({ kind: 'group', groupId: id }, bytesOf('let me in')),
    ).rejects.toMatchObject({
      code: 'NOT_PERMITTED',
    });
    await alice.messenger.groups.demote(id, keysOf(bob));
    await bob.messenger.groups.leave(id);
    await quiet(network, ...parties);
    expect((await namesOf(alice, id)).members).toEqual(hexOf(alice, dave));
    expect(await namesOf(dave, id)).toEqual(await namesOf(alice, id));
    expect((await alice.messenger.groups.list()).map(({ name }) => name)).toEqual(['old friends']);
  });

  it('changes and messages in any order of arrival come to the same', async () => {
    const { network, parties } = await circle('alice', 'bob', 'carol', 'dave');
    const [alice, bob, carol, dave] = parties as [Party, Party, Party, Party];
    network.setConditions({ reordering: 0.7, duplication: 0.3 });
    const { group } = await alice.messenger.groups.create('g', keysOf(bob, carol));
    await alice.messenger.groups.promote(group.id, keysOf(bob, carol));
    await quiet(network, ...parties);
    // At the same time, and against each other.
    await Promise.all([
      alice.messenger.groups.rename(group.id, 'a'),
      bob.messenger.groups.rename(group.id, 'b'),
      carol.messenger.groups.add(group.id, keysOf(dave)),
      bob.messenger.send({ kind: 'group', groupId: group.id }, bytesOf('from bob')),
    ]);
    await quiet(network, ...parties);
    const seen = await Promise.all(parties.map((party) => namesOf(party, group.id)));
    for (const view of seen) expect(view).toEqual(seen[0]);
    expect(seen[0]?.members).toEqual(hexOf(...parties));
    expect(carol.texts).toEqual([expect.stringMatching(/^group bob (pq|d[rh]): from bob$/)]);
  });

  it('a fan-out that was cut off goes on after a restart', async () => {
    const { network, parties } = await circle('alice', 'bob', 'carol');
    const [alice, bob, carol] = parties as [Party, Party, Party];
    const { group } = await alice.messenger.groups.create('g', keysOf(bob, carol));
    await quiet(network, ...parties);
    // As a crash leaves it between the transaction that stores the message and the one that encrypts it.
    await alice.messenger.close();
    const device = await openMessengerDevice({
      identity: alice.identity,
      store: {
        ...alice.store,
        get: (k) => alice.store.get(k),
        list: (p) => alice.store.list(p),
        commit: (w) => alice.store.commit(w),
        close: async () => {},
      },
      crypto,
      clock: alice.clock,
    });
    const settings = settingsOf(alice.identity, alice.clock, {}, network.transport());
    const events = new Events(silentLogger);
    const runtime = new Runtime(device, events, alice.clock);
    runtime.close();
    const context = { device, events, runtime, settings };
    const tracker = new DeliveryTracker(events);
    const subscriptions = new Subscriptions(context);
    const outbox = new Outbox(context, tracker);
    const sender = new Sender(context, outbox, subscriptions);
    const catchUp = new CatchUp(context, subscriptions);
    const loadGroupParts = groupPartsLoader(context, () => ({
      fanOut,
      sender,
      outbox,
      subscriptions,
      catchUp,
    }));
    const fanOut: FanOut = new FanOut(context, loadGroupParts, sender, tracker);
    const { groups } = await loadGroupParts();
    await device.transaction((tx) => groups.send(tx, group.id, bytesOf('cut off')));
    await runtime.settled();
    await alice.restart();
    await quiet(network, ...parties);
    for (const party of [bob, carol])
      expect(party.texts).toEqual([expect.stringMatching(/group alice d[rh]: cut off/)]);
    await alice.restart();
    await quiet(network, ...parties);
    for (const party of [bob, carol]) expect(party.texts).toHaveLength(1);
  });

  it('our other devices follow, and get what we say', async () => {
    const { network, parties } = await circle('alice-1', 'bob');
    const [alice, bob] = parties as [Party, Party];
    const laptop = await newParty(network, 'alice-2', { identity: alice.identity });
    await laptop.messenger.devices.announce();
    await alice.messenger.devices.announce();
    await quiet(network, alice, bob, laptop);
    await alice.messenger.devices.enable('alice-2');
    await laptop.messenger.devices.enable('alice-1');
    const { group } = await alice.messenger.groups.create('g', keysOf(bob));
    await alice.messenger.send({ kind: 'group', groupId: group.id }, bytesOf('hello'));
    await quiet(network, alice, bob, laptop);
    expect(laptop.texts).toEqual(['group copy alice-1 pq: hello']);
    await laptop.messenger.send({ kind: 'group', groupId: group.id }, bytesOf('from the laptop'));
    await quiet(network, alice, bob, laptop);
    expect(bob.texts.at(-1)).toMatch(/^group alice-2 d[rh]: from the laptop$/);
    expect(alice.texts.at(-1)).toMatch(/^group copy alice-2 pq: from the laptop$/);
  });

  it('refuses names, members and groups that cannot be', async () => {
    const { parties } = await circle('alice', 'bob');
    const [alice, bob] = parties as [Party, Party];
    await expect(alice.messenger.groups.create('x'.repeat(257), [])).rejects.toMatchObject({
      code: 'LIMIT_EXCEEDED',
    });
    await expect(alice.messenger.groups.create('g', [new Uint8Array(33)])).rejects.toMatchObject({
      code: 'INVALID_PUBLIC_KEY',
    });
    await expect(alice.messenger.groups.get('00'.repeat(32))).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(
      alice.messenger.send({ kind: 'group', groupId: '00'.repeat(32) }, bytesOf('x')),
    ).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
    const { group } = await alice.messenger.groups.create('g', keysOf(bob, bob, alice));
    expect(group.members).toHaveLength(2);
  });
});
