import { SottoError } from '@sotto/core';
import { manualClock } from '@sotto/testing/clock';
import { createMemoryNetwork } from '@sotto/whisper-transport/memory';
import { describe, expect, it } from 'vitest';
import { conversationKey } from '../src/index.js';
import { direct, lineOf, linesOf, newParty, type Party, quiet } from './party.js';

async function two() {
  const network = createMemoryNetwork({ clock: manualClock() });
  const [alice, bob] = [await newParty(network, 'alice-1'), await newParty(network, 'bob-1')];
  await alice.conversations.addContact(await bob.messenger.contacts.ownCode(), 'Bob');
  return { network, alice, bob };
}

const unread = (party: Party, other: Party) => party.conversations.get(direct(other.identity))?.unread;
const failing = () => {
  throw new SottoError('STORE_UNAVAILABLE', 'The disk is full.', { reason: 'full' });
};

describe('messages', () => {
  it('stand in both histories, with their state and protection', async () => {
    const { network, alice, bob } = await two();
    const sent = await alice.conversations.send(direct(bob.identity), 'hello');
    expect(sent).toMatchObject({ state: 'pending', own: true, number: 0 });
    await quiet(network, alice, bob);
    await bob.conversations.send(direct(alice.identity), 'hi');
    await quiet(network, alice, bob);
    expect(await linesOf(alice, bob)).toEqual(['> hello sent pq', '< hi received pq']);
    expect(await linesOf(bob, alice)).toEqual(['< hello received pq', '> hi sent pq']);
    expect(alice.conversations.get(direct(bob.identity))).toMatchObject({
      unread: 1,
      protection: 'post-quantum',
      lastMessage: { content: { kind: 'text', text: 'hi' } },
    });
    const key = conversationKey(direct(bob.identity));
    expect(alice.changes).toContainEqual({ what: 'conversation', key, numbers: [0] });
  });

  it('to someone of whom no device is known: no forward secrecy yet, and then it is there', async () => {
    const network = createMemoryNetwork({ clock: manualClock() });
    const [alice, bob] = [await newParty(network, 'alice-1'), await newParty(network, 'bob-1')];
    await alice.conversations.open(direct(bob.identity));
    expect(alice.conversations.get(direct(bob.identity))?.protection).toBe('identity-key');
    await alice.conversations.send(direct(bob.identity), 'hello');
    await quiet(network, alice, bob);
    expect(bob.conversations.get(direct(alice.identity))?.protection).toBe('identity-key');
    await bob.conversations.send(direct(alice.identity), 'hi');
    await quiet(network, alice, bob);
    expect(await linesOf(alice, bob)).toEqual(['> hello sent dh', '< hi received pq']);
    expect(alice.conversations.get(direct(bob.identity))?.protection).toBe('post-quantum');
  });

  it('offline they are pending, over a restart too, and sent in the end', async () => {
    const { network, alice, bob } = await two();
    await quiet(network, alice, bob);
    network.disconnect(alice.identity.publicKey);
    await alice.conversations.send(direct(bob.identity), 'later');
    await alice.messenger.flushed();
    expect(await linesOf(alice, bob)).toEqual(['> later pending pq']);
    await alice.stop();
    await alice.open({ start: false });
    expect(await linesOf(alice, bob)).toEqual(['> later pending pq']);
    network.reconnect(alice.identity.publicKey);
    await alice.messenger.start();
    await quiet(network, alice, bob);
    expect(await linesOf(alice, bob)).toEqual(['> later sent pq']);
    expect(await linesOf(bob, alice)).toEqual(['< later received pq']);
  });

  it('killed after the transport took it and before that was noted: it is sent at the next start', async () => {
    const { network, alice, bob } = await two();
    await quiet(network, alice, bob);
    await alice.conversations.close();
    await alice.messenger.close();
    await alice.open({ start: false });
    await alice.conversations.send(direct(bob.identity), 'hello');
    await alice.conversations.close();
    await alice.messenger.start();
    await alice.messenger.flushed();
    await alice.messenger.close();
    await alice.open();
    expect(await linesOf(alice, bob)).toEqual(['> hello sent pq']);
  });

  it('what the transport refuses for good is failed, and stays so', async () => {
    const network = createMemoryNetwork({ clock: manualClock(), maxPayloadBytes: 4096 });
    const [alice, bob] = [await newParty(network, 'alice-1'), await newParty(network, 'bob-1')];
    await alice.conversations.send(direct(bob.identity), 'x'.repeat(5000));
    await quiet(network, alice, bob);
    await alice.stop();
    await alice.open();
    const [entry] = await alice.conversations.entries(direct(bob.identity));
    expect(entry).toMatchObject({ state: 'failed' });
    expect(await linesOf(bob, alice)).toEqual([]);
  });

  it('an invalid text is refused, and leaves nothing', async () => {
    const { alice, bob } = await two();
    await expect(alice.conversations.send(direct(bob.identity), ' ')).rejects.toMatchObject({
      code: 'INVALID_TEXT',
    });
    expect(alice.conversations.list()).toEqual([]);
  });

  it('a store that fails: nothing is sent and nothing is kept', async () => {
    const { network, alice, bob } = await two();
    await quiet(network, alice, bob);
    alice.kept.failWith(failing);
    await expect(alice.conversations.send(direct(bob.identity), 'hello')).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
    });
    alice.kept.failWith(undefined);
    await alice.conversations.send(direct(bob.identity), 'again');
    await quiet(network, alice, bob);
    expect(await linesOf(alice, bob)).toEqual(['> again sent pq']);
    expect(await linesOf(bob, alice)).toEqual(['< again received pq']);
  });

  it('what is no text is kept as bytes', async () => {
    const { network, alice, bob } = await two();
    await alice.messenger.send(bob.identity.publicKey, Uint8Array.of(8, 1, 18, 0));
    await quiet(network, alice, bob);
    expect(await linesOf(bob, alice)).toEqual(['< 4 bytes received pq']);
  });

  it('of a public chat and of a stranger who writes first', async () => {
    const { network, alice, bob } = await two();
    const chat = { kind: 'public', name: 'status' } as const;
    for (const { conversations } of [alice, bob]) await conversations.open(chat);
    await quiet(network, alice, bob);
    await alice.conversations.send(chat, 'hello all');
    await quiet(network, alice, bob);
    expect((await bob.conversations.entries(chat)).map(lineOf)).toEqual(['< hello all received public']);
    expect(bob.conversations.get(chat)).toMatchObject({ protection: 'public', unread: 1 });
    expect(bob.conversations.person(alice.identity.publicKey)).toMatchObject({ contact: false, name: '' });
    await bob.conversations.remove(chat);
    await alice.conversations.send(chat, 'anyone?');
    await quiet(network, alice, bob);
    expect(bob.conversations.get(chat)).toBeUndefined();
  });
});

describe('exactly once', () => {
  it('a message that could not be stored is taken again by itself, and once', async () => {
    const { network, alice, bob } = await two();
    // The messenger's own commits go through; those with something of ours don't.
    bob.kept.failWith((keys) => keys.some((key) => key.startsWith('app/')) && failing());
    await alice.conversations.send(direct(bob.identity), 'hello');
    await quiet(network, alice, bob);
    expect(await linesOf(bob, alice)).toEqual([]);
    bob.kept.failWith(undefined);
    bob.clock.advance(5_000);
    await quiet(network, alice, bob);
    expect(await linesOf(bob, alice)).toEqual(['< hello received pq']);
    await bob.stop();
    await bob.open();
    await quiet(network, alice, bob);
    expect(await linesOf(bob, alice)).toEqual(['< hello received pq']);
  });

  it('killed before it was stored, it is there after the next start', async () => {
    const { network, alice, bob } = await two();
    bob.kept.failWith((keys) => keys.some((key) => key.startsWith('app/')) && failing());
    await alice.conversations.send(direct(bob.identity), 'one');
    await alice.conversations.send(direct(bob.identity), 'two');
    await quiet(network, alice, bob);
    await bob.stop();
    bob.kept.failWith(undefined);
    await bob.open();
    await quiet(network, alice, bob);
    expect(await linesOf(bob, alice)).toEqual(['< one received pq', '< two received pq']);
    expect(unread(bob, alice)).toBe(2);
  });
});

describe('the list', () => {
  it('counts what is unread after a message that was read on another device', async () => {
    const { network, alice, bob } = await two();
    for (const text of ['one', 'two', 'three']) await alice.conversations.send(direct(bob.identity), text);
    await quiet(network, alice, bob);
    const notice = (await bob.conversations.entries(direct(alice.identity))).map(({ number }) => number);
    const [first = 0, second = 0, third = 0] = notice;
    await bob.conversations.markRead(direct(alice.identity), second);
    expect(unread(bob, alice)).toBe(1);
    await bob.conversations.markRead(direct(alice.identity), first);
    expect(unread(bob, alice)).toBe(1);
    await bob.conversations.markRead(direct(alice.identity), third);
    expect(unread(bob, alice)).toBe(0);
  });

  it('has the latest first, counts what is unread, and survives a restart', async () => {
    const { network, alice, bob } = await two();
    const carol = await newParty(network, 'carol-1');
    for (const [from, text] of [
      [bob, 'one'],
      [carol, 'two'],
      [bob, 'three'],
    ] as const) {
      alice.clock.advance(1_000);
      await from.conversations.send(direct(alice.identity), text);
      await quiet(network, alice, bob, carol);
    }
    const list = () => alice.conversations.list().map(({ key, unread: count }) => [key, count]);
    const expected = [
      [conversationKey(direct(bob.identity)), 2],
      [conversationKey(direct(carol.identity)), 1],
    ];
    expect(list()).toEqual(expected);
    await alice.stop();
    await alice.open();
    expect(list()).toEqual(expected);
    await alice.conversations.markRead(direct(bob.identity));
    expect(unread(alice, bob)).toBe(0);
    await alice.stop();
    await alice.open();
    expect(unread(alice, bob)).toBe(0);
  });

  it('gives pages in order, whatever their size', async () => {
    const { network, alice, bob } = await two();
    const all: string[] = [];
    for (let i = 0; i < 150; i++) {
      await alice.conversations.send(direct(bob.identity), `${i}`);
      all.push(`< ${i} received pq`);
    }
    await quiet(network, alice, bob);
    const found: string[] = [];
    let before = Number.POSITIVE_INFINITY;
    for (;;) {
      const page = await bob.conversations.entries(direct(alice.identity), { before, limit: 40 });
      if (page.length === 0) break;
      found.unshift(...page.map(lineOf));
      before = page[0]?.number as number;
    }
    expect(found).toEqual(all);
    await bob.conversations.remove(direct(alice.identity));
    expect(bob.conversations.list()).toEqual([]);
    expect(await bob.conversations.entries(direct(alice.identity))).toEqual([]);
    const left = [];
    for await (const { key } of bob.kept.store.list('app/')) left.push(key);
    expect(left).toEqual([]);
  });

  it('a damaged entry, or a damaged conversation, hides no other', async () => {
    const logged: string[] = [];
    const note = (event: string) => void logged.push(event);
    const network = createMemoryNetwork({ clock: manualClock() });
    const alice = await newParty(network, 'alice-1');
    const logger = { debug: note, info: note, warn: note, error: note };
    const bob = await newParty(network, 'bob-1', { logger });
    await alice.conversations.addContact(await bob.messenger.contacts.ownCode());
    for (const text of ['one', 'two', 'three']) await alice.conversations.send(direct(bob.identity), text);
    await bob.conversations.open({ kind: 'public', name: 'status' });
    await quiet(network, alice, bob);
    const keys: string[] = [];
    for await (const { key } of bob.kept.store.list('app/conversations/entry/')) keys.push(key);
    const spoil = (key: string) =>
      bob.kept.store.commit([{ type: 'put', key, value: Uint8Array.of(0x7b, 0x22) }]);
    await spoil(keys[1] as string);
    expect(await linesOf(bob, alice)).toEqual(['< one received pq', '< three received pq']);
    await bob.stop();
    await spoil(`app/conversations/list/${conversationKey(direct(alice.identity))}`);
    await bob.open();
    expect(bob.conversations.list().map(({ key }) => key)).toEqual(['p-status']);
    expect(logged).toContain('a record of a conversation is damaged');
    // It goes on after what there was.
    await alice.conversations.send(direct(bob.identity), 'four');
    await quiet(network, alice, bob);
    expect(await linesOf(bob, alice)).toEqual([
      '< one received pq',
      '< three received pq',
      '< four received pq',
    ]);
    expect(bob.conversations.get(direct(alice.identity))).toMatchObject({ unread: 1, next: 4 });
  });
});

describe('people', () => {
  it('have local names, are verified, and are forgotten', async () => {
    const { alice, bob } = await two();
    const { publicKey } = bob.identity;
    await alice.conversations.addContact(publicKey, 'Bobby');
    await alice.conversations.setVerified(publicKey, true);
    await alice.stop();
    await alice.open();
    expect(alice.conversations.contacts()).toEqual([
      { identity: publicKey, name: 'Bobby', contact: true, blocked: false, verified: true, mismatch: false },
    ]);
    await alice.conversations.removeContact(publicKey);
    expect(alice.conversations.person(publicKey)).toMatchObject({ contact: false, verified: false });
    await expect(alice.conversations.setVerified(publicKey, true)).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
    expect(alice.changes).toContainEqual({ what: 'people' });
  });

  it('have a name while they are contacts, whoever removes or blocks them', async () => {
    const { alice, bob } = await two();
    const { publicKey } = bob.identity;
    const { conversations, messenger } = alice;
    const name = () => [conversations.person(publicKey).name, conversations.contacts().length];
    const stored = async () => {
      await conversations.markRead(direct(bob.identity));
      const found: string[] = [];
      for await (const { key } of alice.kept.store.list('app/conversations/name/')) found.push(key);
      return found.length;
    };
    expect([...name(), await stored()]).toEqual(['Bob', 1, 1]);
    await messenger.contacts.setVerified(publicKey, true);
    expect(conversations.person(publicKey).verified).toBe(true);
    for (const end of [
      () => conversations.removeContact(publicKey),
      () => conversations.block(publicKey),
      () => messenger.contacts.remove(publicKey),
      () => messenger.requests.block(publicKey),
    ]) {
      await end();
      expect([...name(), await stored()]).toEqual(['', 0, 0]);
      await messenger.requests.unblock(publicKey);
      await messenger.contacts.add(publicKey);
      expect([...name(), await stored()]).toEqual(['', 1, 0]);
      await conversations.addContact(publicKey, 'Bob');
      expect([...name(), await stored()]).toEqual(['Bob', 1, 1]);
    }
    await conversations.addContact(publicKey);
    expect([...name(), await stored()]).toEqual(['', 1, 0]);
  });

  it('are not renamed when that cannot be stored', async () => {
    const { alice, bob } = await two();
    alice.kept.failWith(failing);
    await expect(alice.conversations.addContact(bob.identity.publicKey, 'Bobby')).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
    });
    alice.kept.failWith(undefined);
    expect(alice.conversations.person(bob.identity.publicKey).name).toBe('Bob');
    await alice.stop();
    await alice.open();
    expect(alice.conversations.person(bob.identity.publicKey).name).toBe('Bob');
  });

  it('with a new device: the conversation says so, the first time it is none', async () => {
    const { network, alice, bob } = await two();
    await alice.conversations.send(direct(bob.identity), 'hello');
    await quiet(network, alice, bob);
    const laptop = await newParty(network, 'bob-2', { identity: bob.identity });
    await alice.messenger.contacts.add(await laptop.messenger.contacts.ownCode());
    await quiet(network, alice, bob, laptop);
    expect(await linesOf(alice, bob)).toEqual(['> hello sent pq', '! new-device']);
  });
});

describe('several devices', () => {
  it('what is sent on one stands in the history of the other, as our own', async () => {
    const { network, alice, bob } = await two();
    const laptop = await newParty(network, 'alice-2', { identity: alice.identity });
    await laptop.messenger.devices.announce();
    await alice.messenger.devices.announce();
    await quiet(network, alice, bob, laptop);
    await alice.messenger.devices.enable('alice-2');
    await laptop.messenger.devices.enable('alice-1');
    await quiet(network, alice, bob, laptop);
    await alice.conversations.send(direct(bob.identity), 'hello');
    await quiet(network, alice, bob, laptop);
    expect(await linesOf(laptop, bob)).toEqual(['> hello received pq']);
    expect(unread(laptop, bob)).toBe(0);
  });

  it('a device that lost its store: the conversation says that something could not be read', async () => {
    const { network, alice, bob } = await two();
    await alice.conversations.send(direct(bob.identity), 'hello');
    await quiet(network, alice, bob);
    const again = await newParty(network, 'bob-2', { identity: bob.identity });
    await again.conversations.open(direct(alice.identity));
    await alice.conversations.send(direct(bob.identity), 'for the old one');
    await quiet(network, alice, bob, again);
    expect(await linesOf(again, alice)).toContain('! decryption-failed');
    await alice.conversations.send(direct(bob.identity), 'for both');
    await quiet(network, alice, bob, again);
    expect(await linesOf(again, alice)).toContain('< for both received pq');
  });
});

describe('groups', () => {
  it('are joined, written in, changed and left', async () => {
    const { network, alice, bob } = await two();
    const { group } = await alice.messenger.groups.create('friends', [bob.identity.publicKey]);
    const conversation = { kind: 'group', groupId: group.id } as const;
    await quiet(network, alice, bob);
    const progress: number[] = [];
    const sent = await alice.conversations.send(conversation, 'hello both', {
      onProgress: (done, total) => progress.push(done / total),
    });
    expect(sent).toMatchObject({ own: true });
    expect(progress.at(-1)).toBe(1);
    await quiet(network, alice, bob);
    await alice.messenger.groups.rename(group.id, 'old friends');
    await quiet(network, alice, bob);
    await bob.messenger.groups.leave(group.id);
    await quiet(network, alice, bob);
    expect((await bob.conversations.entries(conversation)).map(lineOf)).toEqual([
      '! group-changed',
      '< hello both received pq',
      '! group-changed',
      '! group-changed',
    ]);
    const notices = await alice.conversations.entries(conversation);
    expect(notices[0]).toMatchObject({
      notice: { name: 'friends', joined: [alice.identity.publicKey, bob.identity.publicKey] },
    });
    expect(notices.at(-1)).toMatchObject({ notice: { name: undefined, left: [bob.identity.publicKey] } });
    expect(notices.find(({ kind }) => kind === 'message')).toMatchObject({ state: 'sent' });
    expect(bob.conversations.get(conversation)?.group).toMatchObject({ joined: false, name: 'old friends' });
    await expect(bob.conversations.send(conversation, 'still here?')).rejects.toMatchObject({
      code: 'NOT_PERMITTED',
    });
    await bob.conversations.remove(conversation);
    await bob.stop();
    await bob.open();
    expect(bob.conversations.get(conversation)).toBeUndefined();
  });

  it('that was removed stays away over a restart, and comes back with what is said in it', async () => {
    const { network, alice, bob } = await two();
    const { group } = await alice.messenger.groups.create('friends', [bob.identity.publicKey]);
    const conversation = { kind: 'group', groupId: group.id } as const;
    await quiet(network, alice, bob);
    await bob.conversations.remove(conversation);
    await bob.stop();
    await bob.open();
    expect(bob.conversations.list()).toEqual([]);
    await alice.conversations.send(conversation, 'where are you?');
    await quiet(network, alice, bob);
    expect((await bob.conversations.entries(conversation)).map(lineOf)).toEqual([
      '< where are you? received pq',
    ]);
    expect(bob.conversations.get(conversation)?.group).toMatchObject({ joined: true, name: 'friends' });
  });

  it('of no one but ourselves: sent at once', async () => {
    const { network, alice } = await two();
    const { group } = await alice.messenger.groups.create('notes', []);
    const conversation = { kind: 'group', groupId: group.id } as const;
    await quiet(network, alice);
    await alice.conversations.send(conversation, 'note to self');
    expect((await alice.conversations.entries(conversation)).map(lineOf).at(-1)).toBe(
      '> note to self sent dr',
    );
  });

  it('with a member of whom no device is known: no forward secrecy yet', async () => {
    const network = createMemoryNetwork({ clock: manualClock() });
    const [alice, bob] = [await newParty(network, 'alice-1'), await newParty(network, 'bob-1')];
    const { group } = await alice.messenger.groups.create('friends', [bob.identity.publicKey]);
    const conversation = { kind: 'group', groupId: group.id } as const;
    await alice.conversations.send(conversation, 'hello');
    expect(alice.conversations.get(conversation)?.protection).toBe('identity-key');
  });
});
