import { createMemoryNetwork } from '@sotto/whisper-transport/memory';
import { describe, expect, it } from 'vitest';
import { sizesOf } from './adversary.js';
import { newParty, type Party, quiet } from './party.js';
import { manualClock } from './support.js';
import { bytesOf, crypto, START } from './world.js';

const keysOf = (...parties: readonly Party[]) => parties.map(({ identity }) => identity.publicKey);

/** People who have accepted each other, all of them on sender keys. */
async function circle(...names: readonly string[]) {
  const clock = manualClock(START);
  const network = createMemoryNetwork({ clock, seed: 3 });
  const parties: Party[] = [];
  for (const name of names) {
    parties.push(await newParty(network, name, { clock, limits: { senderKeysFrom: 2 } }));
  }
  for (const one of parties) {
    for (const other of parties) {
      if (one !== other) await one.messenger.contacts.add(await other.messenger.contacts.ownCode());
    }
  }
  const settle = () => quiet(network, ...parties);
  await settle();
  return { clock, network, parties, settle };
}

describe('what a member may do', () => {
  it('leave, and nothing else unless they lead the group; afterwards nothing at all', async () => {
    const { parties, settle } = await circle('alice', 'bob', 'carol');
    const [alice, bob, carol] = parties as [Party, Party, Party];
    const { group } = await alice.messenger.groups.create('g', keysOf(bob, carol));
    await settle();
    const { groups } = bob.messenger;
    const refusal = { code: 'NOT_PERMITTED' };
    for (const attempt of [
      () => groups.rename(group.id, 'h'),
      () => groups.add(group.id, [crypto.secp256k1.generateKeyPair().publicKey]),
      () => groups.remove(group.id, keysOf(carol)),
      () => groups.promote(group.id, keysOf(bob)),
      () => groups.demote(group.id, keysOf(alice)),
    ]) {
      await expect(attempt()).rejects.toMatchObject(refusal);
    }
    await groups.leave(group.id);
    await settle();
    for (const attempt of [
      () => groups.leave(group.id),
      () => groups.rename(group.id, 'h'),
      () => bob.messenger.send({ kind: 'group', groupId: group.id }, bytesOf('one more')),
    ]) {
      await expect(attempt()).rejects.toMatchObject(refusal);
    }
    expect(await carol.messenger.groups.get(group.id)).toMatchObject({ name: 'g', members: { length: 2 } });
    expect(alice.events.groupChangeLost).toEqual([]);
  });

  it('who leaves keeps nothing to write with, and hears no more of the group', async () => {
    const { parties, settle } = await circle('alice', 'bob', 'carol');
    const [alice, bob, carol] = parties as [Party, Party, Party];
    const { group } = await alice.messenger.groups.create('g', keysOf(bob, carol));
    await settle();
    const say = async (party: Party, text: string) => {
      await party.messenger.send({ kind: 'group', groupId: group.id }, bytesOf(text));
      await settle();
    };
    await say(bob, 'hello');
    expect((await sizesOf(bob))['own-chain']?.count).toBe(1);
    await bob.messenger.groups.leave(group.id);
    await settle();
    const left = await sizesOf(bob);
    expect([left['own-chain'], left['chain-recipients']]).toEqual([undefined, undefined]);
    await say(alice, 'without bob');
    expect(bob.texts).toEqual([]);
    expect(bob.events.decryptionFailed).toEqual([]);
    expect((await sizesOf(bob))['waiting']).toBeUndefined();
    expect(carol.texts).toHaveLength(2);
  });

  it('a group that a stranger added us to, and removed us from, is gone when we leave it, and not before', async () => {
    const clock = manualClock(START);
    const network = createMemoryNetwork({ clock, seed: 3 });
    const [stranger, bob] = [
      await newParty(network, 'stranger', { clock }),
      await newParty(network, 'bob', { clock }),
    ];
    const { group } = await stranger.messenger.groups.create('spam', keysOf(bob));
    await quiet(network, stranger, bob);
    await stranger.messenger.groups.remove(group.id, keysOf(bob));
    await quiet(network, stranger, bob);
    expect(await bob.messenger.groups.get(group.id)).toMatchObject({ joined: false });
    await expect(bob.messenger.groups.rename(group.id, 'h')).rejects.toMatchObject({ code: 'NOT_PERMITTED' });
    expect(await bob.messenger.groups.list()).toHaveLength(1);
    await bob.messenger.groups.leave(group.id);
    await quiet(network, stranger, bob);
    expect(await bob.messenger.groups.list()).toEqual([]);
    const left = await sizesOf(bob);
    expect([left['group'], left['change'], left['member-sync']]).toEqual([undefined, undefined, undefined]);
  });

  it('a group has a thousand members at most', async () => {
    const { parties } = await circle('alice');
    const [alice] = parties as [Party];
    const { groups } = alice.messenger;
    const keys = Array.from({ length: 1000 }, () => crypto.secp256k1.generateKeyPair().publicKey);
    const tooMany = (actual: number) => ({
      code: 'LIMIT_EXCEEDED',
      details: { what: 'members of a group', limit: 1000, actual },
    });
    await expect(groups.create('g', keys)).rejects.toMatchObject(tooMany(1001));
    expect(await groups.list()).toEqual([]);
    const { group } = await groups.create('g', keys.slice(0, 2));
    await expect(groups.add(group.id, keys)).rejects.toMatchObject(tooMany(1001));
    expect(await groups.get(group.id)).toMatchObject({ members: { length: 3 } });
  });
});
