import { manualClock } from '@sotto/testing/clock';
import { createMemoryNetwork } from '@sotto/whisper-transport/memory';
import { describe, expect, it } from 'vitest';
import { statusGroupId } from '../../src/client/index.js';
import {
  decodeMembershipUpdate,
  MEMBERSHIP_EVENT_TYPE,
  MESSAGE_TYPE,
  openGroup,
  PROFILE_2024,
} from '../../src/index.js';
import { event, keyOf, newGroup, people, tell, updateOf } from './group-support.js';
import { linesOf, newParty, type Party, quiet } from './party.js';
import { crypto, StatusPeer } from './status-peer.js';

const types = MEMBERSHIP_EVENT_TYPE;

const textsOf = (party: Party) => linesOf(party).filter((line) => line.startsWith('group text'));

/** Bob's group, of which a friend is the administrator and Mallory a member; all of them are contacts of Bob. */
async function team() {
  const { network, clock, alice: bob, friend: admin, mallory } = await people();
  await bob.messenger.contacts.add(await mallory.messenger.contacts.ownCode());
  const group = newGroup(admin, 1, [bob, mallory], clock.now());
  await tell(admin, bob, group);
  await quiet(network, bob, admin, mallory);
  clock.advance(1_000);
  return { network, clock, bob, admin, mallory, group, groupId: statusGroupId(crypto, group.chatId) };
}

describe('a member', () => {
  it('who signs contradicting events cuts nobody off, and the contradiction is not passed on', async () => {
    const { network, clock, bob, admin, mallory, group } = await team();
    const { chatId } = group;
    // Told to Bob alone: Mallory left before joining, of which everybody else is told.
    const left = event(mallory, chatId, types.memberRemoved, clock.now() - 500, {
      members: [keyOf(mallory)],
    });
    const joined = event(mallory, chatId, types.memberJoined, clock.now());
    await tell(mallory, bob, { chatId, events: [...group.events, left] });
    await quiet(network, bob, admin, mallory);
    clock.advance(1_000);
    await tell(admin, bob, { chatId, events: [...group.events, joined] }, 'one');
    await quiet(network, bob, admin, mallory);
    clock.advance(1_000);
    const renamed = event(admin, chatId, types.nameChanged, clock.now(), { name: 'renamed' });
    await tell(admin, bob, { chatId, events: [...group.events, joined, renamed] }, 'two');
    await quiet(network, bob, admin, mallory);
    expect(textsOf(bob)).toEqual(['group text: one', 'group text: two']);
    const groupId = statusGroupId(crypto, chatId);
    expect((await bob.status.groups.get(groupId))?.name).toBe('renamed');
    await bob.status.send({ kind: 'group', groupId }, { kind: 'text', text: 'three' });
    await quiet(network, bob, admin, mallory);
    const { events } = decodeMembershipUpdate(
      admin.ofType(MESSAGE_TYPE.membershipUpdate).at(-1)?.payload as Uint8Array,
    );
    openGroup(crypto, chatId, events, { profile: PROFILE_2024, nowMs: BigInt(clock.now()) });
  });

  it("who dates an event before the group's creation cuts nobody off", async () => {
    const { network, bob, admin, mallory, group } = await team();
    const { chatId } = group;
    const early = event(mallory, chatId, types.created, 1, { name: 'mine' });
    await tell(mallory, bob, { chatId, events: [early, ...group.events] });
    await tell(admin, bob, { chatId, events: [early, ...group.events] }, 'still here');
    await quiet(network, bob, admin, mallory);
    expect(textsOf(bob)).toEqual(['group text: still here']);
    expect((await bob.status.groups.get(statusGroupId(crypto, chatId)))?.name).toBe('trap');
  });

  it("whose text can't be taken yet is not told that it was: the repeat is read once the events are here", async () => {
    const { network, clock, bob, admin, group } = await team();
    const { chatId } = group;
    const carol = await StatusPeer.open(network, clock, '2024');
    await carol.messenger.contacts.add(await bob.messenger.contacts.ownCode());
    await bob.messenger.contacts.add(await carol.messenger.contacts.ownCode());
    await quiet(network, bob, carol);
    const signed = carol.sign(MESSAGE_TYPE.chatMessage, carol.chat(chatId, 'hello', { messageType: 3 }));
    const early = carol.wrap(bob.identity, signed.bytes);
    await carol.sync(bob.identity, early);
    await quiet(network, bob, carol);
    expect(bob.refused).toEqual(['NOT_PERMITTED']);
    expect(carol.acks).toEqual([]);
    const added = event(admin, chatId, types.membersAdded, clock.now(), { members: [keyOf(carol)] });
    await tell(admin, bob, { chatId, events: [...group.events, added] });
    await carol.sync(bob.identity, early);
    await quiet(network, bob, admin, carol);
    expect(textsOf(bob)).toEqual(['group text: hello']);
    expect(carol.acks).toEqual([carol.idOf(early)]);
  });

  it("who fills a group with events can't keep administrators from changing it, and texts stay small", async () => {
    const { network, clock, mallory, alice: admin, friend } = await people();
    await admin.messenger.contacts.add(await mallory.messenger.contacts.ownCode());
    const members = [friend, mallory].map(({ identity }) => identity.publicKey);
    const { id, chatId } = await admin.status.groups.create('team', members);
    await quiet(network, admin, friend, mallory);
    const { events: given } = decodeMembershipUpdate(
      mallory.ofType(MESSAGE_TYPE.membershipUpdate).at(-1)?.payload as Uint8Array,
    );
    const events = [...given, event(mallory, chatId, types.memberJoined, clock.now() + 5)];
    const picture = { image: new Uint8Array(20_000) };
    for (let n = 0; n < 20; n++)
      events.push(event(mallory, chatId, types.imageChanged, clock.now() + 10 + n, picture));
    for (let n = 0; n < 200; n++)
      events.push(event(mallory, chatId, types.memberJoined, clock.now() + 100 + n));
    clock.advance(5_000);
    await tell(mallory, admin, { chatId, events });
    await quiet(network, admin, mallory);
    const group = await admin.status.groups.remove(id, [mallory.identity.publicKey]);
    expect(group.members).toHaveLength(2);
    const heard = friend.heard.length;
    await admin.status.send({ kind: 'group', groupId: id }, { kind: 'text', text: 'hi' });
    await quiet(network, admin, friend);
    const [text] = friend.heard
      .slice(heard)
      .filter(({ type }) => type === MESSAGE_TYPE.membershipUpdate)
      .slice(-1);
    const sent = decodeMembershipUpdate(text?.payload as Uint8Array);
    expect(sent.events.length).toBeLessThan(75);
    expect(text?.payload.length).toBeLessThan(50_000);
  });

  it('who sends thousands of events costs us no more than some at a time; honest ones come with the repeats', async () => {
    const { network, clock, bob, admin, group, groupId } = await team();
    const { chatId } = group;
    const renamed = Array.from({ length: 600 }, (_, n) =>
      event(admin, chatId, types.nameChanged, clock.now() + n, { name: `name ${n}` }),
    );
    clock.advance(5_000);
    const signed = admin.sign(
      MESSAGE_TYPE.membershipUpdate,
      updateOf({ chatId, events: [...group.events, ...renamed] }),
    );
    const update = admin.wrap(bob.identity, signed.bytes);
    const names: (string | undefined)[] = [];
    for (let n = 0; n < 3; n++) {
      expect(admin.acks).not.toContain(admin.idOf(update));
      await admin.sync(bob.identity, update);
      await quiet(network, bob, admin);
      names.push((await bob.status.groups.get(groupId))?.name);
    }
    expect(names).toEqual(['name 255', 'name 511', 'name 599']);
    expect(admin.acks).toContain(admin.idOf(update));
  });

  it('who adds strangers without end adds some, and no more', async () => {
    const { network, clock, bob, admin, mallory, group } = await team();
    const { chatId } = group;
    const ghosts = (n: number) =>
      Array.from({ length: n }, () => keyOf({ identity: crypto.secp256k1.generateKeyPair() } as StatusPeer));
    const added = [100, 60, 60].map((n, i) =>
      event(mallory, chatId, types.membersAdded, clock.now() + i, { members: ghosts(n) }),
    );
    const byAdmin = event(admin, chatId, types.membersAdded, clock.now() + 9, { members: ghosts(2) });
    await tell(mallory, bob, { chatId, events: [...group.events, ...added, byAdmin] });
    await quiet(network, bob, admin, mallory);
    const info = await bob.status.groups.get(statusGroupId(crypto, chatId));
    expect(info?.members).toHaveLength(3 + 160 + 2);
  });
});

describe('a clock that is wrong by minutes', () => {
  it.each([3, 10])('and behind by %i: groups come once it is right', async (minutes) => {
    const network = createMemoryNetwork();
    const clock = manualClock();
    const behind = manualClock(clock.now() - minutes * 60_000);
    const alice = await newParty(network, behind, 'alice-1');
    const friend = await StatusPeer.open(network, clock, '2024');
    await friend.messenger.contacts.add(await alice.messenger.contacts.ownCode());
    await alice.messenger.contacts.add(await friend.messenger.contacts.ownCode());
    await quiet(network, alice, friend);
    const group = newGroup(friend, 1, [alice], clock.now());
    const groupId = statusGroupId(crypto, group.chatId);
    const repeated = async () => {
      await tell(friend, alice, group);
      await quiet(network, alice, friend);
    };
    await repeated();
    expect(alice.refused).toEqual(['MALFORMED_MESSAGE']);
    expect(friend.acks).toEqual([]);
    behind.advance(minutes * 60_000);
    await repeated();
    expect((await alice.status.groups.get(groupId))?.state).toBe('joined');
    expect(friend.acks).toHaveLength(1);

    // A change in a text of a group that is known: the text is shown at once, the change counts as soon as it can.
    const { chatId } = group;
    const renamed = event(friend, chatId, types.nameChanged, clock.now() + minutes * 60_000, { name: 'new' });
    await tell(friend, alice, { chatId, events: [...group.events, renamed] }, 'hello');
    await quiet(network, alice, friend);
    expect(textsOf(alice)).toEqual(['group text: hello']);
    expect((await alice.status.groups.get(groupId))?.name).toBe('trap');
    behind.advance(minutes * 60_000);
    await tell(friend, alice, { chatId, events: [...group.events, renamed] }, 'again');
    await quiet(network, alice, friend);
    expect((await alice.status.groups.get(groupId))?.name).toBe('new');
  });

  it('by years is not waited for', async () => {
    const { network, clock, alice, friend } = await people();
    await tell(friend, alice, newGroup(friend, 1, [alice], clock.now() + 400 * 24 * 3_600_000));
    await quiet(network, alice, friend);
    expect(alice.refused).toEqual(['MALFORMED_MESSAGE']);
    expect(friend.acks).toHaveLength(1);
  });
});

describe('limits of groups', () => {
  it('are not final: an invitation beyond them is not acknowledged, and comes in when there is room', async () => {
    const { network, clock, friend } = await people();
    const dora = await newParty(network, clock, 'dora-1', { limits: { maxGroups: 1 } });
    await friend.messenger.contacts.add(await dora.messenger.contacts.ownCode());
    await dora.messenger.contacts.add(await friend.messenger.contacts.ownCode());
    await quiet(network, dora, friend);
    const [first, second] = [1, 2].map((n) => newGroup(friend, n, [dora], clock.now()));
    if (first === undefined || second === undefined) throw new Error('no groups');
    await tell(friend, dora, first);
    await quiet(network, dora, friend);
    const acks = friend.acks.length;
    const signed = friend.sign(MESSAGE_TYPE.membershipUpdate, updateOf(second));
    const invitation = friend.wrap(dora.identity, signed.bytes);
    await friend.sync(dora.identity, invitation);
    await quiet(network, dora, friend);
    expect(dora.refused).toEqual(['LIMIT_EXCEEDED']);
    expect(friend.acks).toHaveLength(acks);
    await dora.status.groups.leave(statusGroupId(crypto, first.chatId));
    await friend.sync(dora.identity, invitation);
    await quiet(network, dora, friend);
    expect((await dora.status.groups.get(statusGroupId(crypto, second.chatId)))?.state).toBe('joined');
    expect(friend.acks).toContain(friend.idOf(invitation));
  });

  it("of strangers' groups forget the oldest, and keep no friend out", async () => {
    const { network, clock, alice, friend, mallory } = await people();
    const forgotten: string[] = [];
    alice.status.on('groupForgotten', ({ groupId }) => void forgotten.push(groupId));
    const groups = Array.from({ length: 66 }, (_, n) => newGroup(mallory, n, [alice], clock.now()));
    for (const [n, group] of groups.entries()) {
      clock.advance(10);
      await tell(mallory, alice, group);
      // Of several that come together, none is the oldest.
      if (n < 3 || n % 8 === 7) await quiet(network, alice, mallory);
    }
    await quiet(network, alice, mallory);
    expect(forgotten).toEqual(groups.slice(0, 2).map(({ chatId }) => statusGroupId(crypto, chatId)));
    const invitation = newGroup(friend, 1_001, [alice], clock.now());
    await tell(friend, alice, invitation);
    await quiet(network, alice, friend);
    expect((await alice.status.groups.get(statusGroupId(crypto, invitation.chatId)))?.state).toBe('joined');
    expect(alice.refused).toEqual([]);
  });

  it('forget the oldest of those that we left', async () => {
    const { network, clock, alice, friend } = await people();
    await alice.stop();
    const dora = await newParty(network, clock, 'dora-1', { limits: { maxGroups: 2 } });
    await friend.messenger.contacts.add(await dora.messenger.contacts.ownCode());
    await dora.messenger.contacts.add(await friend.messenger.contacts.ownCode());
    await quiet(network, dora, friend);
    for (let n = 0; n < 5; n++) {
      const group = newGroup(friend, n, [dora], clock.now());
      await tell(friend, dora, group);
      await quiet(network, dora, friend);
      await dora.status.groups.leave(statusGroupId(crypto, group.chatId));
      clock.advance(1_000);
    }
    expect(await dora.status.groups.list()).toHaveLength(3);
  });
});

describe('a stranger', () => {
  it('who puts many messages into one payload has no more of them kept, and is not told of the rest', async () => {
    const { network, alice, mallory } = await people();
    const all = Array.from({ length: 300 }, (_, n) =>
      mallory.wrap(
        alice.identity,
        mallory.sign(MESSAGE_TYPE.chatMessage, mallory.chat(keyOf(alice), `x${n}`)).bytes,
      ),
    );
    await mallory.sync(alice.identity, ...all);
    await quiet(network, alice, mallory);
    const texts = () => linesOf(alice).filter((line) => line.startsWith('direct text'));
    expect(texts()).toHaveLength(200);
    await alice.messenger.requests.accept(mallory.identity.publicKey);
    await mallory.sync(alice.identity, ...all);
    await quiet(network, alice, mallory);
    expect(texts()).toHaveLength(300);
    expect(new Set(mallory.acks).size).toBe(300);
  });
});
