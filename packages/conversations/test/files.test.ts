import type { Conversation } from '@sotto/messenger';
import { describe, expect, it } from 'vitest';
import { ATTACHMENT_MAX_BYTES } from '../src/index.js';
import { circle, last } from './circle.js';
import { direct, lineOf, newParty, type Party, quiet } from './party.js';

const attachment = Uint8Array.of(1, 2, 3);

async function two({ status = true } = {}) {
  const { parties, ...rest } = await circle(['alice', 'bob'], { status });
  const [alice, bob] = parties as [Party, Party];
  return { ...rest, alice, bob, to: direct(bob.identity), from: direct(alice.identity) };
}

describe.each([{ status: false }, { status: true }])('a file, with Status clients $status', ({ status }) => {
  it('stands in both histories as it was sent, over a restart too', async () => {
    const { alice, bob, to, from, settle } = await two({ status });
    const bytes = attachment.slice();
    const sending = alice.conversations.sendFile(to, bytes, { text: 'look' });
    bytes.fill(0);
    const sent = await sending;
    const content = { kind: 'file', attachment, text: 'look' };
    expect(sent).toMatchObject({ own: true, content, reference: undefined, timer: undefined });
    await settle();
    await alice.conversations.sendFile(to, attachment);
    await settle();
    for (const party of [alice, bob]) {
      await party.stop();
      await party.open();
    }
    const [first, second] = await bob.conversations.entries(from);
    expect(first).toMatchObject({ own: false, state: 'received', content });
    expect(second).toMatchObject({ content: { ...content, text: '' } });
    expect(await alice.conversations.entries(to)).toMatchObject([
      { state: 'sent', content },
      { state: 'sent' },
    ]);
    expect(bob.conversations.get(from)).toMatchObject({ unread: 2 });
  });

  it('that the transport refuses fails, and is retried, given up or deleted', async () => {
    const { alice, bob, to, from, refusal, settle } = await two({ status });
    refusal.refuses = true;
    const { id } = await alice.conversations.sendFile(to, attachment, { text: 'one' });
    const two_ = await alice.conversations.sendFile(to, attachment, { text: 'two' });
    const three = await alice.conversations.sendFile(to, attachment, { text: 'three' });
    await settle();
    expect(await last(alice, to)).toMatchObject({ state: 'failed', failure: 'TRANSPORT_REFUSED' });
    await alice.stop();
    await alice.open();
    await alice.conversations.giveUp(two_.id);
    await alice.conversations.deleteForMe(to, three);
    refusal.refuses = false;
    await alice.conversations.retry(id);
    await settle();
    expect(await alice.conversations.entries(to)).toMatchObject([{ id, state: 'sent' }]);
    expect(await bob.conversations.entries(from)).toMatchObject([{ content: { text: 'one' } }]);
    await bob.conversations.deleteForMe(from, await last(bob, from));
    expect(await bob.conversations.entries(from)).toEqual([]);
  });

  it('goes to a group, and to our own other devices', async () => {
    const { network, alice, bob, to, settle } = await two({ status });
    const laptop = await newParty(network, 'alice-2', { identity: alice.identity, status });
    for (const device of [alice, laptop]) await device.messenger.devices.announce();
    await settle(alice, bob, laptop);
    await alice.messenger.devices.enable('alice-2');
    await laptop.messenger.devices.enable('alice-1');
    await settle(alice, bob, laptop);
    await alice.conversations.sendFile(to, attachment);
    await quiet(network, alice, bob, laptop);
    expect(await last(laptop, to)).toMatchObject({ own: true, content: { kind: 'file', attachment } });
    const { group } = await alice.messenger.groups.create('friends', [bob.identity.publicKey]);
    const conversation = { kind: 'group', groupId: group.id } as const;
    await settle(alice, bob, laptop);
    await alice.conversations.sendFile(conversation, attachment);
    await settle(alice, bob, laptop);
    expect(await last(bob, conversation)).toMatchObject({ content: { kind: 'file', attachment } });
    expect(await last(alice, conversation)).toMatchObject({ state: 'sent' });
  });
});

describe('a file', () => {
  it('is refused where anyone could read it, and in a Status group', async () => {
    const { alice, bob, settle } = await two();
    const sailing = { kind: 'public', name: 'sailing' } as const;
    await alice.conversations.open(sailing);
    const group = await alice.status?.groups.create('crew', [bob.identity.publicKey]);
    await settle();
    const crew: Conversation = { kind: 'group', groupId: group?.id as string };
    for (const conversation of [sailing, crew]) {
      const before = alice.conversations.get(conversation)?.next;
      await expect(alice.conversations.sendFile(conversation, attachment)).rejects.toMatchObject({
        code: 'NOT_PERMITTED',
      });
      await expect(alice.conversations.setDisappearing(conversation, 60)).rejects.toMatchObject({
        code: 'NOT_PERMITTED',
      });
      expect(alice.conversations.get(conversation)?.next).toBe(before);
    }
  });

  it('in a public chat is the payload of another program', async () => {
    const { alice, bob, settle } = await two({ status: false });
    const sailing = { kind: 'public', name: 'sailing' } as const;
    for (const party of [alice, bob]) await party.conversations.open(sailing);
    await settle();
    await alice.messenger.send(sailing, Uint8Array.of(0, 0x12, 3, 0x0a, 1, 7));
    await settle();
    expect((await last(bob, sailing)).content).toMatchObject({ kind: 'other' });
  });

  it('without a description, or with one above the limit, is refused, and nothing is kept', async () => {
    const { alice, to } = await two();
    for (const [bytes, code] of [
      [new Uint8Array(0), 'INVALID_ARGUMENT'],
      [[1] as unknown as Uint8Array, 'INVALID_ARGUMENT'],
      [new Uint8Array(ATTACHMENT_MAX_BYTES + 1), 'LIMIT_EXCEEDED'],
    ] as const)
      await expect(alice.conversations.sendFile(to, bytes)).rejects.toMatchObject({ code });
    await expect(alice.conversations.sendFile(to, attachment, { text: '\u0007' })).rejects.toMatchObject({
      code: 'INVALID_TEXT',
    });
    expect(await alice.conversations.entries(to)).toEqual([]);
  });

  it('that could not be stored is not sent', async () => {
    const { alice, bob, to, from, settle } = await two();
    alice.kept.failWith((keys) => {
      if (keys.some((key) => key.startsWith('app/conversations/entry/'))) throw new Error('full');
    });
    await expect(alice.conversations.sendFile(to, attachment)).rejects.toThrow();
    alice.kept.failWith(undefined);
    await settle();
    expect(await bob.conversations.entries(from)).toEqual([]);
  });

  it('of a kind that is not known here is kept as it came', async () => {
    const { alice, bob, to, from, settle } = await two();
    const payload = Uint8Array.of(0, 0x4a, 1, 0);
    await alice.messenger.send(to, payload);
    await settle();
    const received = await last(bob, from);
    expect(received.content).toEqual({ kind: 'other', payload });
    expect(lineOf(received)).toBe('< 4 bytes received pq');
  });
});
