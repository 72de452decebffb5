import { decodeHex, encodeHex, type KeyPair } from '@sotto/core';
import { createMemoryNetwork } from '@sotto/whisper-transport/memory';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { GroupChange } from '../src/generated/sotto/messenger/v1/payload.js';
import { deepest, parseChange, signChange, type VerifiedChange } from '../src/groups/change.js';
import { buildGroup, membersAt } from '../src/groups/membership.js';
import { newParty, type Party, quiet } from './party.js';
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
  const { members, name, admins } = await party.messenger.group(groupId);
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
    const { group, result } = await alice.messenger.createGroup('friends', keysOf(bob, carol));
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
    await bob.messenger.sendToGroup(id, bytesOf('hi'), { onProgress: (done) => progress.push(done) });
    await quiet(network, ...parties);
    expect(progress.at(-1)).toBe(3);
    expect(alice.texts).toEqual([expect.stringMatching(/^group bob d[rh]: hi$/)]);
    expect(carol.texts).toEqual([expect.stringMatching(/^group bob d[rh]: hi$/)]);
    expect(alice.messages[0]).toMatchObject({
      conversation: { kind: 'group', groupId: id },
      membership: (await bob.messenger.group(id)).membership,
    });
    await expect(bob.messenger.renameGroup(id, 'enemies')).rejects.toMatchObject({ code: 'NOT_PERMITTED' });
    await alice.messenger.promoteMembers(id, keysOf(bob));
    await quiet(network, ...parties);
    await bob.messenger.renameGroup(id, 'old friends');
    await bob.messenger.addMembers(id, keysOf(dave));
    await quiet(network, ...parties);
    for (const party of parties) {
      expect(await namesOf(party, id)).toEqual({
        name: 'old friends',
        members: hexOf(alice, bob, carol, dave),
        admins: hexOf(alice, bob),
      });
    }
    await dave.messenger.sendToGroup(id, bytesOf('thanks'));
    await quiet(network, ...parties);
    expect(carol.texts.at(-1)).toMatch(/^group dave d[rh]: thanks$/);
    await alice.messenger.removeMembers(id, keysOf(carol));
    await quiet(network, ...parties);
    expect((await carol.messenger.group(id)).joined).toBe(false);
    await expect(carol.messenger.sendToGroup(id, bytesOf('let me in'))).rejects.toMatchObject({
      code: 'NOT_PERMITTED',
    });
    await alice.messenger.demoteMembers(id, keysOf(bob));
    await bob.messenger.leaveGroup(id);
    await quiet(network, ...parties);
    expect((await namesOf(alice, id)).members).toEqual(hexOf(alice, dave));
    expect(await namesOf(dave, id)).toEqual(await namesOf(alice, id));
    expect((await alice.messenger.groups()).map(({ name }) => name)).toEqual(['old friends']);
  });

  it('changes and messages in any order of arrival come to the same', async () => {
    const { network, parties } = await circle('alice', 'bob', 'carol', 'dave');
    const [alice, bob, carol, dave] = parties as [Party, Party, Party, Party];
    network.setConditions({ reordering: 0.7, duplication: 0.3 });
    const { group } = await alice.messenger.createGroup('g', keysOf(bob, carol));
    await alice.messenger.promoteMembers(group.id, keysOf(bob, carol));
    await quiet(network, ...parties);
    // At the same time, and against each other.
    await Promise.all([
      alice.messenger.renameGroup(group.id, 'a'),
      bob.messenger.renameGroup(group.id, 'b'),
      carol.messenger.addMembers(group.id, keysOf(dave)),
      bob.messenger.sendToGroup(group.id, bytesOf('from bob')),
    ]);
    await quiet(network, ...parties);
    const seen = await Promise.all(parties.map((party) => namesOf(party, group.id)));
    for (const view of seen) expect(view).toEqual(seen[0]);
    expect(seen[0]?.members).toEqual(hexOf(...parties));
    expect(carol.texts).toEqual([expect.stringMatching(/^group bob d[rh]: from bob$/)]);
  });

  it('a fan-out that was cut off goes on after a restart', async () => {
    const { network, parties } = await circle('alice', 'bob', 'carol');
    const [alice, bob, carol] = parties as [Party, Party, Party];
    const { group } = await alice.messenger.createGroup('g', keysOf(bob, carol));
    await quiet(network, ...parties);
    // As a crash between the step that stores the message and the one that encrypts it leaves it.
    const { Groups } = await import('../src/groups/groups.js');
    const { openDevice } = await import('../src/index.js');
    await alice.messenger.close();
    const device = await openDevice({
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
    const groups = new Groups(crypto, alice.identity);
    await device.ledger.run((work) => groups.send(work, group.id, bytesOf('cut off')));
    await alice.restart();
    await quiet(network, ...parties);
    for (const party of [bob, carol])
      expect(party.texts).toEqual([expect.stringMatching(/group alice d[rh]: cut off/)]);
    await alice.restart();
    await quiet(network, ...parties);
    for (const party of [bob, carol]) expect(party.texts).toHaveLength(1);
  });

  it('a stranger can neither write to a group nor change it', async () => {
    const { network, parties } = await circle('alice', 'bob', 'mallory');
    const [alice, bob, mallory] = parties as [Party, Party, Party];
    const { group } = await alice.messenger.createGroup('g', keysOf(bob));
    await quiet(network, ...parties);
    // Mallory knows all there is to know, and is no member.
    for await (const { key, value } of bob.store.list('group/'))
      await mallory.store.commit([{ type: 'put', key, value }]);
    await mallory.restart();
    await expect(mallory.messenger.sendToGroup(group.id, bytesOf('x'))).rejects.toMatchObject({
      code: 'NOT_PERMITTED',
    });
    await expect(mallory.messenger.addMembers(group.id, keysOf(mallory))).rejects.toMatchObject({
      code: 'NOT_PERMITTED',
    });
    const { encodePayload } = await import('../src/payload.js');
    const change = changeBy(mallory.identity, decodeHex(group.id), [decodeHex(group.id)], 1n, {
      $case: 'add',
      value: { identities: keysOf(mallory) },
    });
    const forged = encodePayload({
      $case: 'group',
      value: {
        groupId: decodeHex(group.id),
        membership: decodeHex(group.membership),
        changes: [change.encoded],
        payload: bytesOf('I am in'),
      },
    });
    const { newNode } = await import('./world.js');
    const device = await newNode('mallory-2', { identity: mallory.identity });
    const { message } = await device.device.ledger.run((work) =>
      device.device.encryptDirect(work, bob.identity.publicKey, forged),
    );
    const connection = await network
      .transport()
      .connect({ identity: mallory.identity, onMessage: async () => {} });
    await connection.send({ kind: 'partitioned', recipient: bob.identity.publicKey }, message);
    await quiet(network, ...parties);
    expect(bob.texts).toEqual([]);
    expect(bob.events.undecryptable.at(-1)).toMatchObject({ code: 'NOT_PERMITTED' });
    expect((await namesOf(bob, group.id)).members).toEqual(hexOf(alice, bob));
  });

  it('our other devices follow, and get what we say', async () => {
    const { network, parties } = await circle('alice-1', 'bob');
    const [alice, bob] = parties as [Party, Party];
    const laptop = await newParty(network, 'alice-2', { identity: alice.identity });
    await laptop.messenger.announceDevice();
    await alice.messenger.announceDevice();
    await quiet(network, alice, bob, laptop);
    await alice.messenger.enableDevice('alice-2');
    await laptop.messenger.enableDevice('alice-1');
    const { group } = await alice.messenger.createGroup('g', keysOf(bob));
    await alice.messenger.sendToGroup(group.id, bytesOf('hello'));
    await quiet(network, alice, bob, laptop);
    expect(laptop.texts).toEqual(['group copy alice-1 dr: hello']);
    await laptop.messenger.sendToGroup(group.id, bytesOf('from the laptop'));
    await quiet(network, alice, bob, laptop);
    expect(bob.texts.at(-1)).toMatch(/^group alice-2 d[rh]: from the laptop$/);
    expect(alice.texts.at(-1)).toMatch(/^group copy alice-2 dr: from the laptop$/);
  });

  it('refuses names, members and groups that cannot be', async () => {
    const { parties } = await circle('alice', 'bob');
    const [alice, bob] = parties as [Party, Party];
    await expect(alice.messenger.createGroup('x'.repeat(257), [])).rejects.toMatchObject({
      code: 'LIMIT_EXCEEDED',
    });
    await expect(alice.messenger.createGroup('g', [new Uint8Array(33)])).rejects.toMatchObject({
      code: 'INVALID_PUBLIC_KEY',
    });
    await expect(alice.messenger.group('00'.repeat(32))).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(alice.messenger.sendToGroup('00'.repeat(32), bytesOf('x'))).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
    const { group } = await alice.messenger.createGroup('g', keysOf(bob, bob, alice));
    expect(group.members).toHaveLength(2);
  });
});

function changeBy(
  author: KeyPair,
  groupId: Uint8Array,
  parents: readonly Uint8Array[],
  depth: bigint,
  action: NonNullable<GroupChange['action']>,
): VerifiedChange {
  return signChange(crypto, author, {
    groupId,
    author: author.publicKey,
    parents: parents.map((parent) => parent),
    depth,
    time: BigInt(START),
    action,
  });
}

describe('membership', () => {
  const people = Array.from({ length: 4 }, () => crypto.secp256k1.generateKeyPair());
  const [alice, bob, carol, dave] = people as [KeyPair, KeyPair, KeyPair, KeyPair];
  const root = changeBy(alice, new Uint8Array(0), [], 0n, {
    $case: 'create',
    value: { name: 'g', members: [bob.publicKey, carol.publicKey], salt: new Uint8Array(16) },
  });
  const id = root.id;
  const after = (
    author: KeyPair,
    parents: readonly VerifiedChange[],
    action: NonNullable<GroupChange['action']>,
  ) =>
    changeBy(
      author,
      decodeHex(id),
      parents.map((parent) => decodeHex(parent.id)).sort((a, b) => (encodeHex(a) < encodeHex(b) ? -1 : 1)),
      deepest(parents.map(({ change }) => change.depth)) + 1n,
      action,
    );
  const build = (...changes: VerifiedChange[]) => buildGroup(crypto, id, changes);
  const people2 = (...keys: KeyPair[]) => keys.map(({ publicKey }) => publicKey);
  const names = (...keys: KeyPair[]) => new Set(keys.map(({ publicKey }) => encodeHex(publicKey)));

  it('two administrators remove each other: one stays, for everyone the same', () => {
    const promote = after(alice, [root], { $case: 'promote', value: { identities: people2(bob) } });
    const byAlice = after(alice, [promote], { $case: 'remove', value: { identities: people2(bob) } });
    const byBob = after(bob, [promote], { $case: 'remove', value: { identities: people2(alice) } });
    const one = build(root, promote, byAlice, byBob);
    const two = build(byBob, byAlice, promote, root);
    expect(one).toEqual(two);
    expect(one?.members.size).toBe(2);
    expect(one?.admins.size).toBe(1);
  });

  it('a change waits for what its author knew', () => {
    const add = after(alice, [root], { $case: 'add', value: { identities: people2(dave) } });
    const leave = after(dave, [add], { $case: 'leave', value: {} });
    expect(build(root, leave)?.ordered).toHaveLength(1);
    expect(build(root, leave, add)?.members).toEqual(names(alice, bob, carol));
    expect(build(add)).toBeUndefined();
  });

  it('what the author was not allowed to do has no effect', () => {
    const rename = after(bob, [root], { $case: 'rename', value: 'mine' });
    const join = after(dave, [root], { $case: 'add', value: { identities: people2(dave) } });
    const group = build(root, rename, join);
    expect(group?.name).toBe('g');
    expect(group?.members).toEqual(names(alice, bob, carol));
  });

  it('when the last administrator leaves, the eldest member becomes one', () => {
    const leave = after(alice, [root], { $case: 'leave', value: {} });
    const group = build(root, leave);
    expect(group?.admins).toEqual(names(bob));
    const demote = after(bob, [leave], { $case: 'demote', value: { identities: people2(bob) } });
    expect(build(root, leave, demote)?.admins).toEqual(names(bob));
  });

  it('knows who was a member under an earlier membership', () => {
    const remove = after(alice, [root], { $case: 'remove', value: { identities: people2(carol) } });
    const before = build(root);
    const now = build(root, remove);
    if (before === undefined || now === undefined) throw new Error('no group');
    expect(membersAt(crypto, now, before.membership)).toEqual(names(alice, bob, carol));
    expect(membersAt(crypto, now, now.membership)).toEqual(names(alice, bob));
    expect(membersAt(crypto, now, new Uint8Array(32))).toBeUndefined();
  });

  it('a depth that the parents do not give is left out', () => {
    const late = changeBy(alice, decodeHex(id), [decodeHex(id)], 9n, { $case: 'rename', value: 'late' });
    expect(build(root, late)?.name).toBe('g');
  });

  it('any order of arrival, with repetitions, comes to the same group', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(3), fc.nat(4), fc.nat(3), fc.boolean()), { maxLength: 8 }),
        fc.infiniteStream(fc.nat()),
        (steps, dice) => {
          const changes = [root];
          for (const [author, kind, target, fork] of steps) {
            const who = people[author] as KeyPair;
            const other = people2(people[target] as KeyPair);
            const action = [
              { $case: 'rename', value: `by ${author}` },
              { $case: 'add', value: { identities: other } },
              { $case: 'remove', value: { identities: other } },
              { $case: 'promote', value: { identities: other } },
              { $case: 'leave', value: {} },
            ][kind] as NonNullable<GroupChange['action']>;
            const parent = fork ? changes[0] : changes.at(-1);
            changes.push(after(who, [parent as VerifiedChange], action));
          }
          const shuffled = [...changes, ...changes.slice(1)]
            .map((change) => ({ change, rank: dice.next().value as number }))
            .toSorted((a, b) => a.rank - b.rank)
            .map(({ change }) => change);
          const expected = build(...changes);
          expect(build(...shuffled)).toEqual(expected);
          expect((expected?.admins.size ?? 0) > 0 || expected?.members.size === 0).toBe(true);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('forged and malformed changes are refused', () => {
    const codeOf = (encoded: Uint8Array) => {
      try {
        parseChange(crypto, encoded);
        return 'no error';
      } catch (error) {
        return (error as { code: string }).code;
      }
    };
    expect(codeOf(root.encoded)).toBe('no error');
    for (let at = 0; at < root.encoded.length; at += 3) {
      const flipped = root.encoded.with(at, (root.encoded[at] as number) ^ 1);
      expect(codeOf(flipped)).toMatch(
        /MALFORMED_MESSAGE|INVALID_SIGNATURE|INVALID_LENGTH|INVALID_PUBLIC_KEY|no error/,
      );
      if (codeOf(flipped) === 'no error') expect(parseChange(crypto, flipped).id).toBe(root.id);
    }
    expect(codeOf(new Uint8Array(0))).toBe('MALFORMED_MESSAGE');
    expect(codeOf(new Uint8Array(70_000))).toBe('LIMIT_EXCEEDED');
    const bad = (change: Partial<GroupChange>) =>
      codeOf(signChange(crypto, alice, { ...root.change, ...change }).encoded);
    expect(bad({ author: bob.publicKey })).toBe('INVALID_SIGNATURE');
    expect(bad({ depth: 1n })).toBe('MALFORMED_MESSAGE');
    expect(bad({ action: undefined })).toBe('MALFORMED_MESSAGE');
    expect(bad({ parents: [new Uint8Array(32)] })).toBe('MALFORMED_MESSAGE');
    expect(bad({ author: new Uint8Array(3) })).toBe('MALFORMED_MESSAGE');
    const member = (key: Uint8Array) =>
      bad({ action: { $case: 'create', value: { name: '', members: [key], salt: new Uint8Array(0) } } });
    expect(member(new Uint8Array(33))).toBe('INVALID_PUBLIC_KEY');
    expect(member(new Uint8Array(5))).toBe('MALFORMED_MESSAGE');
  });
});
