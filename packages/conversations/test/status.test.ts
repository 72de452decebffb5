import { encodeUtf8, SottoError } from '@sotto/core';
import { defaultProvider } from '@sotto/crypto';
import {
  CHAT_TYPE,
  CONTENT_TYPE,
  encodeChatMessage,
  MESSAGE_TYPE,
  signMessage,
} from '@sotto/status-messages';
import { manualClock } from '@sotto/testing/clock';
import { createMemoryNetwork } from '@sotto/whisper-transport/memory';
import { describe, expect, it } from 'vitest';
import type { Message } from '../src/index.js';
import { direct, lineOf, linesOf, newParty, type Party, quiet } from './party.js';

const crypto = defaultProvider();

async function two({ plain = false } = {}) {
  const network = createMemoryNetwork({ clock: manualClock() });
  const alice = await newParty(network, 'alice-1', { status: true });
  const bob = await newParty(network, 'bob-1', { status: !plain });
  await alice.conversations.addContact(await bob.messenger.contacts.ownCode(), 'Bob');
  await bob.conversations.addContact(await alice.messenger.contacts.ownCode(), 'Alice');
  await quiet(network, alice, bob);
  return { network, alice, bob };
}

async function messagesOf(party: Party, other: Party): Promise<readonly Message[]> {
  const entries = await party.conversations.entries(direct(other.identity));
  return entries.filter((entry) => entry.kind === 'message');
}

describe('with Status clients', () => {
  it('texts and replies stand in both histories', async () => {
    const { network, alice, bob } = await two();
    const first = await alice.conversations.send(direct(bob.identity), 'hello');
    await quiet(network, alice, bob);
    const [received] = await messagesOf(bob, alice);
    expect(received?.reference).toBe(first.reference);
    await bob.conversations.send(direct(alice.identity), 'hi', { replyTo: received?.reference });
    await quiet(network, alice, bob);
    expect(await linesOf(alice, bob)).toEqual(['> hello delivered pq', '< hi received pq']);
    expect(await linesOf(bob, alice)).toEqual(['< hello received pq', '> hi delivered pq']);
    expect((await messagesOf(alice, bob))[1]?.replyTo).toBe(first.reference);
    expect(alice.conversations.get(direct(bob.identity))).toMatchObject({ unread: 1 });
    await alice.stop();
    await alice.open();
    expect(await linesOf(alice, bob)).toEqual(['> hello delivered pq', '< hi received pq']);
  });

  it('messages are edited, deleted, reacted to, on both sides', async () => {
    const { network, alice, bob } = await two();
    const to = direct(bob.identity);
    const hello = await alice.conversations.send(to, 'helo');
    const oops = await alice.conversations.send(to, 'oops');
    await alice.conversations.edit(to, hello, 'hello');
    await alice.conversations.deleteForAll(to, oops);
    await quiet(network, alice, bob);
    const [heard] = await messagesOf(bob, alice);
    await bob.conversations.react(direct(alice.identity), heard as Message, 1);
    await bob.conversations.react(direct(alice.identity), heard as Message, 2);
    await bob.conversations.react(direct(alice.identity), heard as Message, 2, { retracted: true });
    await quiet(network, alice, bob);
    for (const [party, other] of [
      [alice, bob],
      [bob, alice],
    ] as const) {
      const [first, second] = await messagesOf(party, other);
      expect(first).toMatchObject({ edited: true, content: { kind: 'text', text: 'hello' } });
      expect(first?.reactions).toEqual([{ by: bob.identity.publicKey, reaction: 1 }]);
      expect(second?.content).toEqual({ kind: 'deleted' });
    }
    await expect(
      bob.conversations.edit(direct(alice.identity), heard as Message, 'mine'),
    ).rejects.toMatchObject({ code: 'NOT_PERMITTED' });
  });

  it('an edit before its message is kept for it; nobody else can make one, nor any number of them', async () => {
    const { network, alice, bob } = await two();
    const carol = await newParty(network, 'carol-1', { status: true });
    const to = { kind: 'public', name: 'sailing' } as const;
    for (const party of [alice, bob, carol]) await party.conversations.open(to);
    const now = BigInt(alice.clock.now());
    const chat = encodeChatMessage({
      clock: now,
      timestamp: now,
      text: 'late',
      chatId: 'sailing',
      messageType: CHAT_TYPE.public,
      contentType: CONTENT_TYPE.text,
      content: undefined,
      responseTo: '',
      ensName: '',
      displayName: '',
      contactRequestState: undefined,
      customizationColor: 0,
    });
    const { bytes, messageId: target } = signMessage(crypto, alice.identity, {
      type: MESSAGE_TYPE.chatMessage,
      payload: chat,
    });
    const edit = (party: Party, text: string, id = target) =>
      party.status?.send(to, { kind: 'edit', target: id, text });
    await edit(alice, 'right');
    await edit(carol, 'forged');
    await quiet(network, alice, bob, carol);
    await alice.messenger.send(to, bytes);
    await quiet(network, alice, bob, carol);
    const [entry] = await bob.conversations.entries(to);
    expect(entry).toMatchObject({ edited: true, content: { kind: 'text', text: 'right' } });

    for (let i = 0; i < 70; i++) await edit(carol, 'flood', `0x${String(i).padStart(64, '0')}`);
    await quiet(network, alice, bob, carol);
    let found = 0;
    for await (const _ of bob.kept.store.list('app/conversations/early/')) found++;
    expect(found).toBe(64);
    await bob.conversations.remove(to);
    for await (const { key } of bob.kept.store.list('app/conversations/'))
      expect(key).not.toContain('sailing');
  });

  it('one person who reacts in many ways keeps nobody else from it', async () => {
    const { network, alice, bob } = await two();
    const carol = await newParty(network, 'carol-1', { status: true });
    const to = { kind: 'public', name: 'sailing' } as const;
    for (const party of [alice, bob, carol]) await party.conversations.open(to);
    const { reference: target = '' } = await alice.conversations.send(to, 'hello');
    await quiet(network, alice, bob, carol);
    for (let reaction = 1; reaction <= 300; reaction++)
      await bob.status?.send(to, { kind: 'reaction', target, reaction, retracted: true });
    await carol.status?.send(to, { kind: 'reaction', target, reaction: 1 });
    await quiet(network, alice, bob, carol);
    const [message] = await alice.conversations.entries(to);
    expect(message).toMatchObject({ reactions: [{ by: carol.identity.publicKey, reaction: 1 }] });
  });

  it('pictures are kept, and texts that cannot be shown are kept as bytes', async () => {
    const { network, alice, bob } = await two();
    const picture = Uint8Array.of(0x89, 0x50, 0x4e, 0x47);
    await alice.conversations.sendPicture(direct(bob.identity), {
      picture,
      mediaType: 'image/png',
      text: 'look',
    });
    await alice.status?.send(direct(bob.identity), { kind: 'text', text: 'a\u0007b' });
    await quiet(network, alice, bob);
    const [first, second] = await messagesOf(bob, alice);
    expect(first?.content).toEqual({ kind: 'image', text: 'look', picture, mediaType: 'image/png' });
    expect(second?.content).toEqual({ kind: 'other', payload: encodeUtf8('a\u0007b') });
  });

  it('Status groups are conversations like others', async () => {
    const { network, alice, bob } = await two();
    const group = await alice.status?.groups.create('crew', [bob.identity.publicKey]);
    const to = { kind: 'group', groupId: group?.id as string } as const;
    await quiet(network, alice, bob);
    const sent = await alice.conversations.send(to, 'hello');
    await quiet(network, alice, bob);
    await bob.conversations.send(to, 'hi');
    await quiet(network, alice, bob);
    const lines = async (party: Party) => (await party.conversations.entries(to)).map(lineOf);
    expect((await lines(alice)).filter((line) => !line.startsWith('!'))).toEqual([
      '> hello delivered pq',
      '< hi received pq',
    ]);
    expect((await lines(bob)).filter((line) => !line.startsWith('!'))).toEqual([
      '< hello received pq',
      '> hi delivered pq',
    ]);
    expect(sent.id).toBe(sent.reference?.slice(2));
    expect(bob.conversations.get(to)?.group).toMatchObject({ name: 'crew', joined: true });
    await bob.stop();
    await bob.open();
    expect(bob.conversations.get(to)?.group).toMatchObject({ name: 'crew', joined: true });
  });

  it('a message to a Status group is as protected as its least protected copy, a received one as its own', async () => {
    const { network, alice, bob } = await two();
    const carol = await newParty(network, 'carol-1', { status: true, postQuantum: false });
    const dave = await newParty(network, 'dave-1', { status: true });
    const all = [alice, bob, carol, dave];
    for (const one of [bob, carol, dave]) {
      await alice.conversations.addContact(await one.messenger.contacts.ownCode());
      await one.conversations.addContact(await alice.messenger.contacts.ownCode());
    }
    await quiet(network, ...all);
    const group = await alice.status?.groups.create('crew', [bob.identity.publicKey]);
    const groupId = group?.id as string;
    const to = { kind: 'group', groupId } as const;
    await quiet(network, ...all);
    const last = async (party: Party) => {
      const message = (await party.conversations.entries(to)).findLast((one) => one.kind === 'message');
      return message && [message.protection, message.sealedSender];
    };
    const say = async (text: string) => {
      await alice.conversations.send(to, text);
      await quiet(network, ...all);
    };
    await say('to one');
    expect([await last(alice), await last(bob)]).toEqual([
      ['pq', true],
      ['pq', true],
    ]);
    await alice.status?.groups.add(groupId, [carol.identity.publicKey]);
    await quiet(network, ...all);
    await say('to an older client, too');
    expect([await last(alice), await last(bob), await last(carol)]).toEqual([
      ['dr', false],
      ['pq', true],
      ['dr', false],
    ]);
    await alice.status?.groups.remove(groupId, [carol.identity.publicKey]);
    await alice.status?.groups.add(groupId, [dave.identity.publicKey]);
    await quiet(network, ...all);
    await alice.conversations.block(dave.identity.publicKey);
    await say('but for somebody who is blocked');
    expect(await last(alice)).toEqual(['pq', true]);
    await alice.stop();
    await alice.open();
    expect(await last(alice)).toEqual(['pq', true]);
    // How a copy will be protected that is tried again later isn't known.
    alice.kept.failWith((keys) => {
      if (!keys.some((key) => key.startsWith('outbox/'))) return;
      alice.kept.failWith(undefined);
      throw new SottoError('STORE_UNAVAILABLE', 'Full.', { reason: 'test' });
    });
    await say('of which a copy is late');
    expect(await last(alice)).toEqual(['dr', false]);
  });

  it('groups of the messenger, public chats and copies for own devices carry the same messages', async () => {
    const { network, alice, bob } = await two();
    const laptop = await newParty(network, 'alice-2', { identity: alice.identity, status: true });
    await laptop.messenger.devices.announce();
    await alice.messenger.devices.announce();
    await quiet(network, alice, bob, laptop);
    await alice.messenger.devices.enable('alice-2');
    await laptop.messenger.devices.enable('alice-1');
    await alice.conversations.send(direct(bob.identity), 'hello');
    const { group } = await alice.messenger.groups.create('ours', [bob.identity.publicKey]);
    const to = { kind: 'group', groupId: group.id } as const;
    const sent = await alice.conversations.send(to, 'in the group');
    await quiet(network, alice, bob, laptop);
    await alice.conversations.edit(to, sent, 'edited in the group');
    await quiet(network, alice, bob, laptop);
    expect(await linesOf(laptop, bob)).toEqual(['> hello received pq']);
    const last = (party: Party) => party.conversations.get(to)?.lastMessage?.content;
    expect(last(bob)).toEqual({ kind: 'text', text: 'edited in the group' });
    expect(last(laptop)).toEqual({ kind: 'text', text: 'edited in the group' });
  });

  it('a plain text of someone without this option is read; theirs stays unread without it', async () => {
    const { network, alice, bob } = await two({ plain: true });
    await bob.conversations.send(direct(alice.identity), 'plain');
    await quiet(network, alice, bob);
    expect(await linesOf(alice, bob)).toEqual(['< plain received pq']);
    const [message] = await messagesOf(alice, bob);
    await expect(
      alice.conversations.react(direct(bob.identity), message as Message, 1),
    ).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    });
    await expect(
      bob.conversations.send(direct(alice.identity), 'reply', { replyTo: `0x${'0'.repeat(64)}` }),
    ).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });

  it('a storage error loses and repeats nothing', async () => {
    const { network, alice, bob } = await two();
    bob.kept.failWith((keys) => {
      if (keys.some((key) => key.startsWith('app/conversations/entry/'))) throw new Error('full');
    });
    await alice.conversations.send(direct(bob.identity), 'hello');
    await quiet(network, alice, bob);
    expect(await linesOf(bob, alice)).toEqual([]);
    bob.kept.failWith(undefined);
    await bob.clock.advanceAndRest(5_000);
    await quiet(network, alice, bob);
    expect(await linesOf(bob, alice)).toEqual(['< hello received pq']);
  });

  it('a request is a request, and an answer accepts it', async () => {
    const network = createMemoryNetwork({ clock: manualClock() });
    const alice = await newParty(network, 'alice-1', { status: true });
    const bob = await newParty(network, 'bob-1', { status: true });
    await bob.conversations.addContact(await alice.messenger.contacts.ownCode(), 'Alice');
    await bob.status?.contacts.request(alice.identity.publicKey, 'shall we?');
    await quiet(network, alice, bob);
    expect(alice.conversations.get(direct(bob.identity))).toMatchObject({ request: true, unread: 1 });
    await alice.conversations.accept(bob.identity.publicKey);
    await quiet(network, alice, bob);
    expect(alice.conversations.get(direct(bob.identity))?.request).toBe(false);
    expect((await bob.status?.contacts.get(alice.identity.publicKey))?.state).toBe('mutual');
  });
});

describe('a Status group to which a stranger added us', () => {
  /** Alice knows Carol; Mallory, whom she doesn't know, adds both to a group, and writes. */
  async function trap() {
    const network = createMemoryNetwork({ clock: manualClock() });
    const alice = await newParty(network, 'alice-1', { status: true });
    const mallory = await newParty(network, 'mallory-1', { status: true });
    await mallory.conversations.addContact(await alice.messenger.contacts.ownCode());
    await quiet(network, alice, mallory);
    const group = await mallory.status?.groups.create('Bank of Sotto', [alice.identity.publicKey]);
    const to = { kind: 'group', groupId: group?.id as string } as const;
    await mallory.conversations.send(to, 'your account is locked');
    await quiet(network, alice, mallory);
    return { network, alice, mallory, to };
  }

  it('is a request with all that is written there, until the user joins', async () => {
    const { network, alice, mallory, to } = await trap();
    const shown = () => alice.conversations.list().filter(({ request }) => !request);
    expect(shown()).toEqual([]);
    expect(alice.conversations.get(to)).toMatchObject({ request: true, group: { name: 'Bank of Sotto' } });
    await alice.stop();
    await alice.open();
    await quiet(network, alice, mallory);
    expect(shown()).toEqual([]);
    const changes: boolean[] = [];
    alice.conversations.subscribe(() => void changes.push(shown().length > 0));
    await mallory.conversations.send(to, 'call us');
    await quiet(network, alice, mallory);
    expect(changes).not.toContain(true);
    expect(await alice.messenger.requests.isAccepted(mallory.identity.publicKey)).toBe(false);

    await alice.conversations.acceptGroup(to.groupId);
    await quiet(network, alice, mallory);
    expect(alice.conversations.get(to)).toMatchObject({ request: false, group: { joined: true } });
  });

  it('is a conversation once the user accepts the person who added us', async () => {
    const { network, alice, mallory, to } = await trap();
    await alice.conversations.accept(mallory.identity.publicKey);
    await quiet(network, alice, mallory);
    expect(alice.conversations.get(to)).toMatchObject({ request: false, group: { joined: true } });
  });

  it('is gone when the user blocks that person', async () => {
    const { network, alice, mallory, to } = await trap();
    await alice.conversations.block(mallory.identity.publicKey);
    await mallory.conversations.send(to, 'unheard');
    await quiet(network, alice, mallory);
    expect(alice.conversations.list()).toEqual([]);
    await alice.stop();
    await alice.open();
    expect(alice.conversations.list()).toEqual([]);
  });

  it('is one of a limited number; of those forgotten nothing is kept', async () => {
    const { network, alice, mallory, to } = await trap();
    for (let n = 0; n < 64; n++) {
      alice.clock.advance(1_000);
      await mallory.status?.groups.create(`group ${n}`, [alice.identity.publicKey]);
      if (n % 8 === 7) await quiet(network, alice, mallory);
    }
    await quiet(network, alice, mallory);
    expect(alice.conversations.list()).toHaveLength(64);
    expect(alice.conversations.get(to)).toBeUndefined();
    expect(alice.changes).toContainEqual({ what: 'removed', key: `g-${to.groupId}` });
    for await (const { key } of alice.kept.store.list('app/')) expect(key).not.toContain(to.groupId);
  });
});
