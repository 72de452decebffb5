import {
  decodeHex,
  encodeHex,
  type KeyPair,
  SottoError,
  type Store,
  type TransportConnection,
} from '@sotto/core';
import { signChange } from '@sotto/group-log';
import { createMemoryNetwork } from '@sotto/whisper-transport/memory';
import { describe, expect, it } from 'vitest';
import { changesOf, idOf, idsOf, newAdversary, sizesOf, viewOf } from './adversary.js';
import { newParty, type Party, quiet } from './party.js';
import { manualClock } from './support.js';
import { bytesOf, crypto, HOUR, MINUTE, START, textOf } from './world.js';

type Options = Parameters<typeof createMemoryNetwork>[0];

/** Parties that know each other. */
async function circle<N extends string>(names: readonly N[], options: Options = {}, limits = {}) {
  const clock = manualClock(START);
  const network = createMemoryNetwork({ clock, seed: 3, ...options });
  const parties = {} as Record<N, Party>;
  for (const name of names) parties[name] = await newParty(network, name, { clock, limits });
  const all = Object.values<Party>(parties);
  for (const one of all) {
    for (const other of all) {
      if (other !== one) await one.messenger.contacts.add(await other.messenger.contacts.ownCode());
    }
  }
  const settle = () => quiet(network, ...all);
  await settle();
  return { network, clock, settle, all, ...parties };
}

const keysOf = (...parties: readonly { identity: KeyPair }[]) =>
  parties.map(({ identity }) => identity.publicKey);
const refusals = (party: Party) => party.events.decryptionFailed.map(({ code }) => code);
const groupId32 = (id: string) => decodeHex(id);

/** Alice leads a group of Bob, Carol and Mallory; Mallory was an administrator, and was removed. */
async function afterRemoval() {
  const world = await circle(['alice', 'bob', 'carol', 'mallory']);
  const { alice, bob, carol, mallory, settle, network } = world;
  const { group } = await alice.messenger.groups.create('club', keysOf(bob, carol, mallory));
  await settle();
  await alice.messenger.groups.promote(group.id, keysOf(mallory));
  await settle();
  const before = await changesOf(mallory, group.id);
  const oldHash = decodeHex((await mallory.messenger.groups.get(group.id)).membershipHash);
  await mallory.messenger.close();
  await alice.messenger.groups.remove(group.id, keysOf(mallory));
  await quiet(network, alice, bob, carol);
  const evil = await newAdversary(network, mallory.identity, alice, bob, carol);
  return { ...world, id: group.id, before, oldHash, evil, rest: [alice, bob, carol] };
}

describe('a removed administrator', () => {
  it('takes nothing over by a change from before the removal, however it is ground', async () => {
    const { alice, bob, carol, mallory, evil, id, before, network, rest } = await afterRemoval();
    const people = { alice, bob, carol, mallory };
    await alice.messenger.groups.rename(id, 'club 2');
    await quiet(network, ...rest);
    const head = idOf(before.at(-1) as Uint8Array);
    const removal = (await idsOf(bob, id)).at(-2) as string;
    let change: Uint8Array;
    let time = 0;
    do change = evil.sign(id, [head], { kind: 'remove', identities: keysOf(alice) }, time++);
    while (idOf(change) >= removal);
    for (const party of rest)
      await evil.send(party, { groupId: groupId32(id), changes: [...before, change] });
    await quiet(network, ...rest);
    for (const party of rest) {
      expect(await viewOf(party, id, people)).toEqual({
        name: 'club 2',
        members: ['alice', 'bob', 'carol'],
        admins: ['alice'],
        joined: true,
      });
    }
    const opened = evil.seen.length;
    await bob.messenger.send({ kind: 'group', groupId: id }, bytesOf('is anyone reading this'));
    await quiet(network, ...rest);
    expect(evil.seen.slice(opened).filter(({ payload }) => payload !== undefined)).toEqual([]);
    expect(carol.texts.at(-1)).toMatch(/is anyone reading this$/);
  });

  it('writes for a short while, marked as late, and then no more, whatever membership it names', async () => {
    const { bob, evil, id, oldHash, clock } = await afterRemoval();
    const now = decodeHex((await bob.messenger.groups.get(id)).membershipHash);
    await evil.send(bob, { groupId: groupId32(id), membershipHash: oldHash, payload: bytesOf('on its way') });
    expect(bob.messages.at(-1)).toMatchObject({ late: true, membershipHash: encodeHex(oldHash) });
    clock.advance(11 * MINUTE);
    const read = bob.texts.length;
    for (const membershipHash of [oldHash, now, new Uint8Array(32)]) {
      await evil.send(bob, { groupId: groupId32(id), membershipHash, payload: bytesOf('after that') });
    }
    expect(bob.texts).toHaveLength(read);
    // Told once, not with each.
    expect(refusals(bob)).toEqual(['NOT_PERMITTED']);
  });

  it('is told why once in a while, and nothing that came later', async () => {
    const { alice, bob, evil, id, oldHash, clock, network, rest } = await afterRemoval();
    await alice.messenger.groups.rename(id, 'a secret name');
    await quiet(network, ...rest);
    clock.advance(HOUR);
    const told = () => evil.seen.filter(({ changes }) => changes.length > 0).length;
    const before = told();
    for (let round = 0; round < 5; round++) {
      await evil.send(bob, { groupId: groupId32(id), membershipHash: oldHash, payload: bytesOf('hello?') });
    }
    expect(told()).toBe(before + 1);
    const names = evil.seen.flatMap(({ changes }) => changes).map(textOf);
    expect(names.some((text) => text.includes('a secret name'))).toBe(false);
    clock.advance(HOUR + MINUTE);
    await evil.send(bob, { groupId: groupId32(id), membershipHash: oldHash, payload: bytesOf('hello?') });
    expect(told()).toBe(before + 2);
  });

  it('is in grace neither for ever nor again when the clock was wrong', async () => {
    const { bob, evil, id, oldHash, clock } = await afterRemoval();
    // The clock is set back: what was learnt lies in the future.
    clock.advance(-2 * HOUR);
    await evil.send(bob, {
      groupId: groupId32(id),
      membershipHash: oldHash,
      payload: bytesOf('from the past'),
    });
    expect(bob.texts.filter((text) => text.includes('from the past'))).toEqual([]);
  });

  it('fills no store, and costs no more signatures than are kept', async () => {
    const { alice, bob, evil, id, before } = await afterRemoval();
    const head = idOf(before.at(-1) as Uint8Array);
    for (let batch = 0; batch < 4; batch++) {
      const changes = Array.from({ length: 200 }, (_, at) =>
        evil.sign(id, [head], { kind: 'rename', name: `${batch} ${at}` }),
      );
      await evil.send(bob, { groupId: groupId32(id), changes });
    }
    expect((await changesOf(bob, id)).length).toBeLessThanOrEqual(before.length + 1 + 64);
    await alice.messenger.groups.rename(id, 'still ours');
    await alice.messenger.flushed();
    expect((await alice.messenger.groups.get(id)).name).toBe('still ours');
  });

  it('who asks for changes is told why it is out, once, and nothing else', async () => {
    const { bob, evil, id } = await afterRemoval();
    const before = evil.seen.length;
    await evil.send(bob, { groupId: groupId32(id), request: true });
    expect(
      evil.seen
        .slice(before)
        .flatMap(({ changes }) => changes)
        .map(idOf),
    ).toEqual(await idsOf(bob, id));
    const again = evil.seen.length;
    for (let at = 0; at < 5; at++) await evil.send(bob, { groupId: groupId32(id), request: true });
    expect(evil.seen).toHaveLength(again);
  });

  it('can replay neither its removal after it is back, nor what it could do before', async () => {
    const { alice, bob, evil, id, before, network, rest } = await afterRemoval();
    const removal = (await changesOf(bob, id)).at(-1) as Uint8Array;
    await alice.messenger.groups.add(id, keysOf(evil));
    await quiet(network, ...rest);
    await evil.send(bob, { groupId: groupId32(id), changes: [removal] });
    expect((await bob.messenger.groups.get(id)).members).toHaveLength(4);
    const head = idOf(before.at(-1) as Uint8Array);
    const old = evil.sign(id, [head], { kind: 'remove', identities: keysOf(bob) });
    const current = evil.sign(id, [(await idsOf(bob, id)).at(-1) as string], {
      kind: 'rename',
      name: 'mine',
    });
    await evil.send(alice, { groupId: groupId32(id), changes: [old] });
    await evil.send(alice, { groupId: groupId32(id), changes: [current] });
    expect(await viewOf(alice, id, {})).toMatchObject({ name: 'club', admins: ['?'] });
    expect((await alice.messenger.groups.get(id)).members).toHaveLength(4);
  });
});

describe('a plain member', () => {
  async function inGroup() {
    const world = await circle(['alice', 'bob', 'mallory']);
    const { alice, bob, mallory, settle, network } = world;
    const { group } = await alice.messenger.groups.create('g', keysOf(bob, mallory));
    await settle();
    await mallory.messenger.close();
    const evil = await newAdversary(network, mallory.identity, alice, bob);
    return { ...world, id: group.id, hash: decodeHex(group.membershipHash), evil, rest: [alice, bob] };
  }

  it('freezes no group with changes whose ancestors no one knows', async () => {
    const { alice, bob, evil, id, network, rest } = await inGroup();
    for (let batch = 0; batch < 8; batch++) {
      const changes = Array.from({ length: 250 }, () =>
        evil.sign(id, [encodeHex(crypto.randomBytes(32))], { kind: 'leave' }),
      );
      for (const party of rest) await evil.send(party, { groupId: groupId32(id), changes });
    }
    expect(await changesOf(bob, id)).toHaveLength(1);
    await alice.messenger.groups.rename(id, 'new');
    await alice.messenger.groups.remove(id, keysOf(evil));
    await quiet(network, ...rest);
    expect(await bob.messenger.groups.get(id)).toMatchObject({ name: 'new', members: { length: 2 } });
  });

  it('makes no log grow with what it may not do', async () => {
    const { bob, evil, id } = await inGroup();
    const before = await sizesOf(bob);
    const changes = Array.from({ length: 250 }, (_, at) =>
      evil.sign(id, [id], { kind: 'rename', name: `${at}` }),
    );
    await evil.send(bob, { groupId: groupId32(id), changes });
    const after = await sizesOf(bob);
    expect(after['change']).toEqual(before['change']);
    expect(refusals(bob)).toEqual(['NOT_PERMITTED']);
  });

  it('grows no record by ever new devices outside of sessions', async () => {
    const { bob, evil, id, hash } = await inGroup();
    await evil.sendAs(bob, 'i0', { groupId: groupId32(id), membershipHash: hash });
    const before = await sizesOf(bob);
    for (let at = 1; at <= 40; at++) {
      await evil.sendAs(bob, `i${at}-`.padEnd(256, 'x'), { groupId: groupId32(id), membershipHash: hash });
    }
    const after = await sizesOf(bob);
    for (const table of ['group', 'membersync', 'change'] as const) {
      expect(after[table]?.bytes ?? 0).toBeLessThanOrEqual((before[table]?.bytes ?? 0) + 256);
    }
  });

  it('draws no flood of answers with memberships that no one knows', async () => {
    const { bob, evil, id } = await inGroup();
    const before = evil.seen.length;
    for (let at = 0; at < 20; at++) {
      await evil.send(bob, { groupId: groupId32(id), membershipHash: crypto.randomBytes(32), request: true });
    }
    expect(evil.seen.length - before).toBeLessThanOrEqual(2);
  });

  it('leaves room in the outbox for what we write, however often it asks while nothing can be sent', async () => {
    const clock = manualClock(START);
    const network = createMemoryNetwork({ clock, seed: 3 });
    const { capabilities, connect } = network.transport();
    // A connection over which nothing goes out.
    const stuck = {
      capabilities,
      connect: async (options: Parameters<typeof connect>[0]): Promise<TransportConnection> => {
        const connection = await connect(options);
        return {
          subscribe: (channels) => connection.subscribe(channels),
          send: () => Promise.reject(new SottoError('TRANSPORT_UNAVAILABLE', 'no', { reason: 'test' })),
          close: () => connection.close(),
        };
      },
    };
    const limits = { maxOutboxBytes: 100_000 };
    const bob = await newParty(network, 'bob', { clock, limits, transport: stuck });
    const evil = await newAdversary(network, crypto.secp256k1.generateKeyPair(), bob);
    const create = signChange(crypto, evil.identity, {
      groupId: undefined,
      parents: [],
      time: START,
      action: { kind: 'create', name: 'g', members: keysOf(bob) },
      salt: new Uint8Array(16),
    });
    const id = idOf(create);
    const changes = [create];
    for (let at = 0; at < 60; at++) {
      const parent = idOf(changes.at(-1) as Uint8Array);
      changes.push(evil.sign(id, [parent], { kind: 'rename', name: `${at}`.padEnd(100) }));
    }
    await evil.send(bob, { groupId: groupId32(id), changes });
    for (let round = 0; round < 10; round++) {
      await evil.send(bob, { groupId: groupId32(id), request: true });
      clock.advance(6 * MINUTE);
    }
    expect((await sizesOf(bob))['outbox']?.bytes).toBeGreaterThan(50_000);
    await bob.messenger.send({ kind: 'direct', peer: evil.identity.publicKey }, new Uint8Array(20_000));
    expect(bob.events.storageError).toEqual([]);
    await bob.messenger.close();
  });

  it('says what it likes, but not what is no message of a group', async () => {
    const { bob, evil, id } = await inGroup();
    await evil.send(bob, { groupId: new Uint8Array(5), payload: bytesOf('x') });
    await evil.send(bob, {
      groupId: groupId32(id),
      membershipHash: new Uint8Array(7),
      payload: bytesOf('x'),
    });
    await evil.send(bob, { groupId: groupId32(id), changes: [new Uint8Array(100_000)] });
    expect(refusals(bob)).toEqual(['MALFORMED_MESSAGE', 'LIMIT_EXCEEDED']);
    expect(bob.texts).toEqual([]);
  });
});

describe('an administrator without rules', () => {
  async function led() {
    const world = await circle(['alice', 'bob', 'carol', 'mallory']);
    const { alice, bob, carol, mallory, settle, network } = world;
    const { group } = await alice.messenger.groups.create('g', keysOf(bob, carol, mallory));
    await settle();
    await alice.messenger.groups.promote(group.id, keysOf(mallory));
    await settle();
    await mallory.messenger.close();
    const evil = await newAdversary(network, mallory.identity, alice, bob, carol);
    const head = (await idsOf(alice, group.id)).at(-1) as string;
    return { ...world, id: group.id, head, evil, rest: [alice, bob, carol] };
  }

  it('with a thousand heads changes nothing for the others, before and after a restart', async () => {
    const { alice, bob, carol, evil, id, head, network, rest } = await led();
    for (let batch = 0; batch < 5; batch++) {
      const changes = Array.from({ length: 200 }, (_, at) =>
        evil.sign(id, [head], { kind: 'rename', name: `${batch} ${at}` }),
      );
      for (const party of rest) await evil.send(party, { groupId: groupId32(id), changes });
    }
    await alice.messenger.groups.rename(id, 'clean');
    await alice.messenger.groups.remove(id, keysOf(evil));
    await quiet(network, ...rest);
    await alice.restart();
    await bob.messenger.send({ kind: 'group', groupId: id }, bytesOf('still here'));
    await quiet(network, ...rest);
    for (const party of rest) {
      expect(await party.messenger.groups.get(id)).toMatchObject({ members: { length: 3 } });
      expect((await party.messenger.groups.get(id)).membershipHash).toBe(
        (await alice.messenger.groups.get(id)).membershipHash,
      );
    }
    expect(carol.texts.at(-1)).toMatch(/still here$/);
    expect(refusals(carol)).toEqual(['LIMIT_EXCEEDED']);
  });

  it('who shows different people different things: the first honest change brings them together', async () => {
    const { alice, bob, carol, evil, id, head, network, rest } = await led();
    const toBob = evil.sign(id, [head], { kind: 'rename', name: 'for bob' });
    const toCarol = evil.sign(id, [head], { kind: 'remove', identities: keysOf(bob) });
    await evil.send(bob, { groupId: groupId32(id), changes: [toBob] });
    await evil.send(carol, { groupId: groupId32(id), changes: [toCarol] });
    // Each writes, and learns that the others know something else.
    for (const party of [bob, carol, alice]) {
      await party.messenger.send({ kind: 'group', groupId: id }, bytesOf('hello')).catch(() => undefined);
      await quiet(network, ...rest);
    }
    const hashes = await Promise.all(
      rest.map(async (party) => (await party.messenger.groups.get(id)).membershipHash),
    );
    expect(new Set(hashes).size).toBe(1);
    expect((await bob.messenger.groups.get(id)).joined).toBe(false);
  });

  it('who lets a ghost in, and that one another: they learn that they are out', async () => {
    const { alice, bob, carol, evil, id, head, network, rest } = await led();
    const ghosts = [await newParty(network, 'dave'), await newParty(network, 'erin')] as [Party, Party];
    await alice.messenger.groups.remove(id, keysOf(evil));
    await quiet(network, ...rest);
    const everyone = [...rest, ...ghosts];
    for (const ghost of ghosts) {
      for (const other of rest) await ghost.messenger.contacts.add(await other.messenger.contacts.ownCode());
      await ghost.messenger.contacts.add(evil.identity.publicKey);
    }
    const adds = evil.sign(id, [head], { kind: 'add', identities: keysOf(...ghosts) });
    const promotes = evil.sign(id, [idOf(adds)], { kind: 'promote', identities: keysOf(ghosts[0]) });
    const log = await changesOf(alice, id);
    const old = log.slice(0, log.findIndex((change) => idOf(change) === head) + 1);
    for (const ghost of ghosts)
      await evil.send(ghost, { groupId: groupId32(id), changes: [...old, adds, promotes] });
    expect((await ghosts[0].messenger.groups.get(id)).joined).toBe(true);
    await ghosts[0].messenger.groups.rename(id, 'haunted');
    await quiet(network, ...everyone);
    for (const ghost of ghosts) {
      await ghost.messenger.send({ kind: 'group', groupId: id }, bytesOf('boo')).catch(() => undefined);
      await quiet(network, ...everyone);
    }
    for (const ghost of ghosts) expect((await ghost.messenger.groups.get(id)).joined).toBe(false);
    for (const party of rest) {
      expect(party.texts.filter((text) => text.includes('boo'))).toEqual([]);
      expect(await party.messenger.groups.get(id)).toMatchObject({ name: 'g', members: { length: 3 } });
    }
    expect(bob.texts).toEqual(carol.texts);
  });

  it('who withholds the branch on which it let someone in: it is void when it is shown at last', async () => {
    const { alice, bob, evil, id, head, network, rest } = await led();
    const friend = crypto.secp256k1.generateKeyPair();
    const withheld = evil.sign(id, [head], { kind: 'add', identities: [friend.publicKey] });
    const promoted = evil.sign(id, [idOf(withheld)], { kind: 'promote', identities: [friend.publicKey] });
    await alice.messenger.groups.remove(id, keysOf(evil));
    await quiet(network, ...rest);
    await evil.send(bob, { groupId: groupId32(id), changes: [withheld, promoted] });
    await quiet(network, ...rest);
    expect((await bob.messenger.groups.get(id)).members).toHaveLength(3);
    const accomplice = await newAdversary(network, friend, bob);
    const takes = accomplice.sign(id, [idOf(promoted)], { kind: 'remove', identities: keysOf(alice) });
    await accomplice.send(bob, { groupId: groupId32(id), changes: [withheld, promoted, takes] });
    expect((await bob.messenger.groups.get(id)).members).toHaveLength(3);
    expect((await bob.messenger.groups.get(id)).admins).toHaveLength(1);
  });

  it('with the longest names and lists costs no more than they say', async () => {
    const { bob, evil, id, head } = await led();
    const names = Array.from({ length: 300 }, () => crypto.secp256k1.generateKeyPair().publicKey);
    const big = evil.sign(id, [head], { kind: 'add', identities: names });
    await evil.send(bob, {
      groupId: groupId32(id),
      changes: [big, evil.sign(id, [head], { kind: 'rename', name: 'x'.repeat(257) })],
    });
    expect((await bob.messenger.groups.get(id)).members).toHaveLength(304);
    const off = new Uint8Array(33).fill(255).fill(2, 0, 1);
    await evil.send(bob, {
      groupId: groupId32(id),
      changes: [evil.sign(id, [head], { kind: 'add', identities: [off] })],
    });
    expect((await bob.messenger.groups.get(id)).members).toHaveLength(304);
  });
});

describe('a stranger', () => {
  it('who never was a member is refused before a signature is looked at', async () => {
    const { alice, bob, network, settle, mallory } = await circle(['alice', 'bob', 'mallory']);
    const { group } = await alice.messenger.groups.create('g', keysOf(bob));
    await settle();
    await mallory.messenger.close();
    const evil = await newAdversary(network, mallory.identity, bob);
    const before = await sizesOf(bob);
    const changes = Array.from({ length: 200 }, (_, at) =>
      evil.sign(group.id, [group.id], { kind: 'add', identities: keysOf(evil) }, at),
    );
    await evil.send(bob, { groupId: groupId32(group.id), changes, payload: bytesOf('I am in') });
    await evil.send(bob, { groupId: groupId32(group.id), payload: bytesOf('I am in') });
    expect(refusals(bob)).toEqual(['NOT_PERMITTED']);
    expect(bob.texts).toEqual([]);
    const after = await sizesOf(bob);
    for (const table of ['group', 'change', 'membersync', 'fanout'])
      expect(after[table]).toEqual(before[table]);
    expect((await bob.messenger.groups.get(group.id)).members).toHaveLength(2);
  });

  it('who was just let in may be faster than the news of it', async () => {
    const { alice, bob, carol, settle, network, all } = await circle(['alice', 'bob', 'carol']);
    const { group } = await alice.messenger.groups.create('g', keysOf(bob));
    await settle();
    network.partition(
      [alice, carol].map(({ identity }) => identity.publicKey),
      keysOf(bob),
    );
    await alice.messenger.groups.add(group.id, keysOf(carol));
    await settle();
    network.partition(keysOf(bob, carol), keysOf(alice));
    await carol.messenger.send({ kind: 'group', groupId: group.id }, bytesOf('hi, I am new'));
    await settle();
    expect(bob.texts).toEqual([expect.stringMatching(/hi, I am new$/)]);
    network.heal();
    await quiet(network, ...all);
  });

  it('puts us into so many groups and no more; leaving makes room', async () => {
    const { network, bob, clock } = await circle(['bob'], {}, { maxUninvitedGroups: 3 });
    const stranger = await newParty(network, 'stranger', { clock });
    await stranger.messenger.contacts.add(await bob.messenger.contacts.ownCode());
    const ids: string[] = [];
    for (let at = 0; at < 5; at++) {
      ids.push((await stranger.messenger.groups.create(`g${at}`, keysOf(bob))).group.id);
      await quiet(network, bob, stranger);
    }
    expect((await bob.messenger.groups.list()).length).toBe(3);
    expect(refusals(bob)).toContain('LIMIT_EXCEEDED');
    await bob.messenger.groups.leave(ids[0] as string);
    await stranger.messenger.groups.create('another', keysOf(bob));
    await quiet(network, bob, stranger);
    expect((await bob.messenger.groups.list()).filter(({ joined }) => joined)).toHaveLength(3);
  });
});

describe('a stranger who writes to a group into which they have put us', () => {
  it('fills half of the inbox, as by other requests; the rest is for people whom we know', async () => {
    const clock = manualClock(START);
    const network = createMemoryNetwork({ clock, seed: 3 });
    const limits = { maxInboxBytes: 10_000 };
    const bob = await newParty(network, 'bob', { clock, limits, acknowledge: false });
    const [friend, stranger] = [
      await newParty(network, 'friend', { clock }),
      await newParty(network, 'stranger', { clock }),
    ];
    for (const one of [friend, stranger])
      await one.messenger.contacts.add(await bob.messenger.contacts.ownCode());
    await bob.messenger.contacts.add(await friend.messenger.contacts.ownCode());
    const { group } = await stranger.messenger.groups.create('g', keysOf(bob, friend));
    const settle = () => quiet(network, bob, friend, stranger);
    await settle();
    const write = async (from: Party) => {
      await from.messenger.send({ kind: 'group', groupId: group.id }, new Uint8Array(1_000));
      await settle();
    };
    for (let at = 0; at < 8; at++) await write(stranger);
    expect(bob.messages).toHaveLength(5);
    expect(refusals(bob)).toEqual(['LIMIT_EXCEEDED']);
    for (let at = 0; at < 5; at++) await write(friend);
    expect(bob.messages).toHaveLength(10);
    for (const message of bob.messages) await message.acknowledge();
    await bob.messenger.send({ kind: 'group', groupId: group.id }, bytesOf('I stay'));
    await settle();
    for (let at = 0; at < 8; at++) await write(stranger);
    expect(bob.messages).toHaveLength(18);
  });
});

describe('strangers who write on and on to a group into which they have put us', () => {
  it('are refused beyond a bound, until we write to it; people whom we know are not', async () => {
    const limits = { maxUninvitedBytes: 3_000 };
    const { network, bob, alice, clock } = await circle(['bob', 'alice'], {}, limits);
    const stranger = await newParty(network, 'stranger', { clock });
    for (const { messenger } of [bob, alice])
      await stranger.messenger.contacts.add(await messenger.contacts.ownCode());
    const { group } = await stranger.messenger.groups.create('g', keysOf(bob, alice));
    const settle = () => quiet(network, bob, alice, stranger);
    await settle();
    const write = async (from: Party, ...bytes: readonly number[]) => {
      for (const length of bytes) {
        await from.messenger.send({ kind: 'group', groupId: group.id }, new Uint8Array(length));
        await settle();
      }
    };
    // 256, 256, 1488 and 1000 bytes, and then nothing more.
    await write(stranger, 0, 256, 1488, 1000, 0, 10);
    expect(bob.messages.map(({ payload }) => payload.length)).toEqual([0, 256, 1488, 1000]);
    expect(refusals(bob)).toEqual(['LIMIT_EXCEEDED']);
    await write(alice, 2_000, 2_000);
    await stranger.messenger.groups.rename(group.id, 'still told');
    await settle();
    expect([bob.messages.length, (await bob.messenger.groups.get(group.id)).name]).toEqual([6, 'still told']);
    await bob.messenger.send({ kind: 'group', groupId: group.id }, bytesOf('I stay'));
    await settle();
    await write(stranger, 2_000, 2_000);
    expect(bob.messages).toHaveLength(8);
  });
});

describe('a stranger who puts us in and out', () => {
  it('leaves no more groups than may be, and these can be forgotten', async () => {
    const { network, bob, clock } = await circle(['bob'], {}, { maxUninvitedGroups: 3 });
    const stranger = await newParty(network, 'stranger', { clock });
    await stranger.messenger.contacts.add(await bob.messenger.contacts.ownCode());
    for (let at = 0; at < 5; at++) {
      const { group } = await stranger.messenger.groups.create(`g${at}`, keysOf(bob));
      await stranger.messenger.groups.remove(group.id, keysOf(bob));
      await quiet(network, bob, stranger);
    }
    const groups = await bob.messenger.groups.list();
    expect(groups.map(({ joined }) => joined)).toEqual([false, false, false]);
    for (const { id } of groups) await bob.messenger.groups.leave(id);
    expect(await bob.messenger.groups.list()).toEqual([]);
    const { change, membersync } = await sizesOf(bob);
    expect([change, membersync]).toEqual([undefined, undefined]);
  });
});

describe('a stranger who puts us into a group of many identities', () => {
  it('makes us write and listen to a few of them only, until we write to the group', async () => {
    const { network, bob, clock } = await circle(['bob']);
    const stranger = await newParty(network, 'stranger', { clock });
    await stranger.messenger.contacts.add(await bob.messenger.contacts.ownCode());
    const ghosts = await Promise.all(
      Array.from({ length: 8 }, () => newAdversary(network, crypto.secp256k1.generateKeyPair(), bob)),
    );
    const { group } = await stranger.messenger.groups.create('g', keysOf(bob, ...ghosts));
    await quiet(network, bob, stranger);
    const listensTo = async () => (await sizesOf(bob))['negotiated']?.count ?? 0;
    const before = await listensTo();
    const write = async () => {
      for (const [i, ghost] of ghosts.entries()) {
        const membershipHash = new Uint8Array(32).fill(i);
        await ghost.send(bob, { groupId: groupId32(group.id), membershipHash, payload: bytesOf('hi') });
      }
      await quiet(network, bob, stranger);
    };
    const asked = () => ghosts.filter(({ seen }) => seen.some(({ request }) => request)).length;
    await write();
    expect(bob.texts).toHaveLength(8);
    expect([asked(), (await listensTo()) - before]).toEqual([4, 4]);
    // Nor are former members told that they are.
    await stranger.messenger.groups.remove(group.id, keysOf(...ghosts.slice(6)));
    await quiet(network, bob, stranger);
    clock.advance(HOUR);
    await write();
    expect([asked(), (await listensTo()) - before]).toEqual([4, 4]);
    await bob.messenger.send({ kind: 'group', groupId: group.id }, bytesOf('I stay'));
    await quiet(network, bob, stranger);
    expect((await listensTo()) - before).toBe(7);
    clock.advance(HOUR);
    await write();
    expect(asked()).toBe(6);
  });
});

describe('views that were split', () => {
  async function split() {
    const world = await circle(['alice', 'bob', 'carol', 'dave']);
    const { alice, bob, carol, settle } = world;
    const { group } = await alice.messenger.groups.create('g', keysOf(bob, carol));
    await settle();
    await alice.messenger.groups.promote(group.id, keysOf(bob));
    await settle();
    return { ...world, id: group.id };
  }
  const heal = async ({ network, settle, all, clock }: Awaited<ReturnType<typeof split>>, id: string) => {
    network.heal();
    for (let round = 0; round < 2; round++) {
      await settle();
      for (const party of all)
        await party.messenger.send({ kind: 'group', groupId: id }, bytesOf('hello')).catch(() => undefined);
      await settle();
      clock.advance(HOUR);
    }
    const views = [];
    for (const party of all) {
      const group = await party.messenger.groups.get(id).catch(() => undefined);
      if (group !== undefined) views.push({ party, group });
    }
    return views;
  };

  it('by mutual removal with additions on both sides come together, and the one who was let in by who lost is out for all', async () => {
    const world = await split();
    const { alice, bob, carol, dave, network, id, settle } = world;
    network.partition(keysOf(alice, carol), keysOf(bob, dave));
    await alice.messenger.groups.remove(id, keysOf(bob));
    await bob.messenger.groups.add(id, keysOf(dave));
    await bob.messenger.groups.remove(id, keysOf(alice));
    await settle();
    const views = await heal(world, id);
    for (const { party, group } of views) {
      expect(group.joined).toBe(party === alice || party === carol);
    }
    for (const { party, group } of views) {
      if (party === dave) continue;
      expect(group.members.map(encodeHex).toSorted()).toEqual(keysOf(alice, carol).map(encodeHex).toSorted());
    }
    expect(bob.events.groupChangeLost.map(({ kind, reason }) => `${kind} ${reason}`)).toEqual(
      expect.arrayContaining(['add authorRevoked', 'remove authorRevoked']),
    );
    expect(dave.events.groupChangeLost).toMatchObject([{ kind: 'add', reason: 'authorRevoked' }]);
  });

  it('by an addition of someone removed at the same time: the ghost learns that it is out', async () => {
    const world = await split();
    const { alice, bob, carol, dave, network, id, settle } = world;
    network.partition(keysOf(alice, carol), keysOf(bob, dave));
    await alice.messenger.groups.remove(id, keysOf(bob));
    await bob.messenger.groups.add(id, keysOf(dave));
    await settle();
    expect((await dave.messenger.groups.get(id)).joined).toBe(true);
    await heal(world, id);
    expect((await dave.messenger.groups.get(id)).joined).toBe(false);
    expect((await alice.messenger.groups.get(id)).members).toHaveLength(2);
  });

  it('by leaving and demotion come together', async () => {
    const world = await split();
    const { alice, bob, carol, network, id, settle } = world;
    network.partition(keysOf(alice), keysOf(bob, carol));
    await alice.messenger.groups.demote(id, keysOf(bob));
    await bob.messenger.groups.rename(id, 'by bob');
    await carol.messenger.groups.leave(id);
    await settle();
    const views = await heal(world, id);
    const [first] = views;
    for (const { party, group } of views) {
      if (party === carol) expect(group.joined).toBe(false);
      else expect(group.membershipHash).toBe(first?.group.membershipHash);
    }
    expect((await bob.messenger.groups.get(id)).name).toBe('g');
    expect(bob.events.groupChangeLost).toMatchObject([{ kind: 'rename', reason: 'authorRevoked' }]);
  });

  it('when no one leads any more: the eldest does, with its first change', async () => {
    const world = await split();
    const { alice, bob, carol, id, settle } = world;
    await bob.messenger.groups.leave(id);
    await settle();
    await alice.messenger.groups.leave(id);
    await settle();
    expect((await carol.messenger.groups.get(id)).admins).toEqual([]);
    await carol.messenger.groups.rename(id, 'mine');
    expect(await carol.messenger.groups.get(id)).toMatchObject({ name: 'mine', admins: { length: 1 } });
  });
});

describe('a log over the size of a message', () => {
  it('goes in parts, to new members too, and mutes no one', async () => {
    const world = await circle(['alice', 'bob', 'carol'], { maxPayloadBytes: 32 * 1024 });
    const { alice, bob, carol, settle } = world;
    const crowd = Array.from({ length: 100 }, () => crypto.secp256k1.generateKeyPair().publicKey);
    const { group } = await alice.messenger.groups.create('g', keysOf(bob));
    for (let at = 0; at < 10; at++) {
      await alice.messenger.groups.add(group.id, crowd);
      await alice.messenger.groups.remove(group.id, crowd);
    }
    await settle();
    expect((await sizesOf(alice))['change']?.bytes).toBeGreaterThan(64 * 1024);
    await alice.messenger.groups.add(group.id, keysOf(carol));
    await settle();
    await alice.messenger.send({ kind: 'group', groupId: group.id }, bytesOf('to all'));
    await settle();
    for (const party of [bob, carol]) {
      expect(party.texts).toEqual([expect.stringMatching(/to all$/)]);
      expect((await party.messenger.groups.get(group.id)).membershipHash).toBe(
        (await alice.messenger.groups.get(group.id)).membershipHash,
      );
    }
    expect(alice.events.sendFailed).toEqual([]);
  });

  it('a message that overtakes all the parts of a long log is read when they are there', async () => {
    const { alice, bob, carol, settle, network } = await circle(['alice', 'bob', 'carol']);
    const { group } = await alice.messenger.groups.create('g', keysOf(bob));
    for (let i = 0; i < 3; i++) {
      const crowd = Array.from({ length: 400 }, () => crypto.secp256k1.generateKeyPair().publicKey);
      await alice.messenger.groups.add(group.id, crowd);
      await alice.messenger.groups.remove(group.id, crowd);
    }
    await settle();
    expect((await sizesOf(alice))['change']?.bytes).toBeGreaterThan(64 * 1024);
    network.setConditions({ reordering: 1 });
    await carol.messenger.requests.accept(alice.identity.publicKey);
    await alice.messenger.groups.add(group.id, keysOf(carol));
    for (const text of ['one', 'two', 'three'])
      await alice.messenger.send({ kind: 'group', groupId: group.id }, bytesOf(text));
    await settle();
    await settle();
    expect(carol.texts.map((text) => text.split(': ').at(-1)).toSorted()).toEqual(['one', 'three', 'two']);
    expect(refusals(carol)).toEqual([]);
  });

  it('a message that overtakes the one that made the group waits in the store, also over a restart', async () => {
    const { alice, bob, network, clock } = await circle(['alice', 'bob']);
    await alice.messenger.close();
    // What alice does where bob doesn't hear of it.
    const elsewhere = await newParty(createMemoryNetwork({ clock }), 'alice', {
      identity: alice.identity,
      clock,
    });
    const { group } = await elsewhere.messenger.groups.create('g', keysOf(bob));
    const voice = await newAdversary(network, alice.identity, bob);
    const say = (text: string) =>
      voice.send(bob, {
        groupId: groupId32(group.id),
        membershipHash: decodeHex(group.membershipHash),
        payload: bytesOf(text),
      });
    await say('one');
    await bob.restart();
    await say('two');
    expect(bob.texts).toEqual([]);
    expect((await sizesOf(bob))['early']?.count).toBe(2);
    await voice.send(bob, {
      groupId: groupId32(group.id),
      membershipHash: decodeHex(group.membershipHash),
      changes: [...(await changesOf(elsewhere, group.id))],
    });
    await quiet(network, bob);
    expect(bob.texts.map((text) => text.split(': ')[1])).toEqual(['one', 'two']);
    expect((await sizesOf(bob))['early']).toBeUndefined();
    expect(refusals(bob)).toEqual([]);
    await elsewhere.messenger.close();
  });

  it('messages of groups that never come take no more than a mebibyte, and go after a week', async () => {
    const { alice, bob, network, clock } = await circle(['alice', 'bob']);
    await alice.messenger.close();
    const voice = await newAdversary(network, alice.identity, bob);
    const say = (bytes: number, group: number) =>
      voice.send(bob, { groupId: new Uint8Array(32).fill(group), payload: new Uint8Array(bytes) });
    for (let i = 0; i < 6; i++) await say(250_000, i % 2);
    const { count, bytes } = (await sizesOf(bob))['early'] ?? { count: 0, bytes: 0 };
    expect(count).toBe(4);
    expect(bytes).toBeLessThan(1024 * 1024 + 1_000);
    clock.advance(7 * 24 * HOUR);
    await say(10, 3);
    expect((await sizesOf(bob))['early']?.count).toBe(1);
    expect(bob.texts).toEqual([]);
  });

  it('messages of groups that never come are not looked at one by one with each start', async () => {
    const clock = manualClock(START);
    const network = createMemoryNetwork({ clock, seed: 3 });
    let looks = 0;
    const wrapStore = (store: Store): Store => {
      const list: Store['list'] = (prefix, options) => {
        if (prefix.startsWith('early')) looks++;
        return store.list(prefix, options);
      };
      return new Proxy(store, {
        get: (inner, name) => {
          const value: unknown = name === 'list' ? list : Reflect.get(inner, name);
          return typeof value === 'function' ? value.bind(inner) : value;
        },
      });
    };
    // Without history, which brings them again.
    const { capabilities, connect } = network.transport();
    const transport = {
      capabilities: { ...capabilities, history: false },
      connect: async (options: Parameters<typeof connect>[0]): Promise<TransportConnection> => {
        const connection = await connect(options);
        return {
          subscribe: (channels) => connection.subscribe(channels),
          send: (...message) => connection.send(...message),
          close: () => connection.close(),
        };
      },
    };
    const bob = await newParty(network, 'bob', { clock, wrapStore, transport });
    const alice = await newAdversary(network, crypto.secp256k1.generateKeyPair(), bob);
    await bob.messenger.contacts.add(alice.identity.publicKey);
    for (let i = 0; i < 20; i++) {
      await alice.send(bob, { groupId: crypto.randomBytes(32), payload: bytesOf('never read') });
    }
    expect((await sizesOf(bob))['early']?.count).toBe(20);
    looks = 0;
    await bob.restart();
    await quiet(network, bob);
    expect(looks).toBe(1);
  });

  it('messages of groups that never come leave room for those of other people', async () => {
    const { alice, bob, carol, network, clock } = await circle(['alice', 'bob', 'carol']);
    for (const { messenger } of [alice, carol]) await messenger.close();
    const elsewhere = await newParty(createMemoryNetwork({ clock }), 'alice', {
      identity: alice.identity,
      clock,
    });
    const { group } = await elsewhere.messenger.groups.create('g', keysOf(bob));
    const [groupId, membershipHash] = [groupId32(group.id), decodeHex(group.membershipHash)];
    const voice = await newAdversary(network, alice.identity, bob);
    const evil = await newAdversary(network, carol.identity, bob);
    await voice.send(bob, { groupId, membershipHash, payload: bytesOf('one') });
    // Many small ones in as many groups, and large ones.
    for (let i = 0; i < 260; i++) {
      await evil.send(bob, { groupId: crypto.randomBytes(32), payload: bytesOf('never read') });
    }
    for (let i = 0; i < 5; i++) {
      await evil.send(bob, { groupId: crypto.randomBytes(32), payload: new Uint8Array(250_000) });
    }
    await voice.send(bob, { groupId, membershipHash, changes: [...(await changesOf(elsewhere, group.id))] });
    await quiet(network, bob);
    expect(bob.texts.map((text) => text.split(': ')[1])).toEqual(['one']);
    await elsewhere.messenger.close();
  });

  it('a message that overtakes the one that made the group is read all the same', async () => {
    const { alice, bob, settle, network } = await circle(['alice', 'bob']);
    network.setConditions({ reordering: 0.9 });
    for (let round = 0; round < 5; round++) {
      const { group } = await alice.messenger.groups.create(`g${round}`, keysOf(bob));
      for (const text of ['one', 'two', 'three'])
        await alice.messenger.send({ kind: 'group', groupId: group.id }, bytesOf(text));
      await settle();
    }
    expect(bob.texts).toHaveLength(15);
  });

  it('is not told again and again to who never answers', async () => {
    const { alice, bob, network, settle, clock } = await circle(['alice', 'bob']);
    const { group } = await alice.messenger.groups.create('g', keysOf(bob));
    await settle();
    network.partition(keysOf(alice), keysOf(bob));
    for (let at = 0; at < 40; at++) await alice.messenger.groups.rename(group.id, `n${at}`);
    const before = (await sizesOf(alice))['outbox']?.bytes ?? 0;
    await alice.messenger.send({ kind: 'group', groupId: group.id }, bytesOf('one'));
    const after = (await sizesOf(alice))['outbox']?.bytes ?? 0;
    expect(after - before).toBeLessThan(1500);
    network.heal();
    clock.advance(HOUR);
    await settle();
  });
});

describe('what the application keeps of a group', () => {
  it('goes into the commit that creates or changes it', async () => {
    const { alice, bob } = await circle(['alice', 'bob']);
    const alongside = ({ id }: { id: string }) => [
      { type: 'put', key: `app/${id}`, value: bytesOf('noted') } as const,
    ];
    const { group, result } = await alice.messenger.groups.create('g', keysOf(bob), { alongside });
    expect(textOf((await alice.store.get(`app/${result.id}`))?.value as Uint8Array)).toBe('noted');
    const progress: number[] = [];
    const members = Object.freeze(keysOf(bob));
    const changed = await alice.messenger.groups.remove(group.id, members, {
      alongside,
      onProgress: (done) => progress.push(done),
    });
    expect(progress).toEqual([2]);
    expect(await alice.store.get(`app/${changed?.id}`)).toBeDefined();
    expect(await alice.messenger.groups.remove(group.id, members)).toBeUndefined();
  });
});
