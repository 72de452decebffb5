import { encodeHex } from '@sotto/core';
import { manualClock } from '@sotto/testing/clock';
import { createMemoryNetwork } from '@sotto/whisper-transport/memory';
import { describe, expect, it } from 'vitest';
import type { Message } from '../src/index.js';
import { circle, last } from './circle.js';
import { direct, newParty, type Party, quiet } from './party.js';

const statesOf = ({ recipients }: Message) => recipients.map(({ state }) => state);

describe('a message to a person', () => {
  it('is delivered when a device of theirs has it, in the commit of the acknowledgement, for good', async () => {
    const { network, parties, settle } = await circle(['alice', 'bob']);
    const [alice, bob] = parties as [Party, Party];
    network.disconnect(bob.identity.publicKey);
    const to = direct(bob.identity);
    await alice.conversations.send(to, 'hello');
    await settle(alice);
    expect(await last(alice, to)).toMatchObject({ state: 'sent', recipients: [{ state: 'sent' }] });
    let commits = 0;
    alice.kept.failWith((keys) => {
      const isTaken = keys.some((key) => key.startsWith('app/status/outgoing/'));
      if (isTaken) expect(keys.some((key) => key.startsWith('app/conversations/entry/'))).toBe(true);
      if (isTaken) commits++;
    });
    alice.changes.length = 0;
    network.reconnect(bob.identity.publicKey);
    await settle();
    expect(commits).toBe(1);
    alice.kept.failWith(undefined);
    expect(alice.changes).toContainEqual({
      what: 'conversation',
      key: `d-${encodeHex(bob.identity.publicKey)}`,
    });
    expect(alice.conversations.get(to)?.lastMessage?.state).toBe('delivered');
    await alice.stop();
    await alice.open();
    const message = await last(alice, to);
    expect(message.recipients).toEqual([
      { identity: bob.identity.publicKey, state: 'delivered', failure: undefined },
    ]);
  });

  it('without Status clients is sent, and no more is known of it', async () => {
    const { parties, settle } = await circle(['alice', 'bob'], { status: false });
    const [alice, bob] = parties as [Party, Party];
    await alice.conversations.send(direct(bob.identity), 'hello');
    await settle();
    expect(await last(alice, direct(bob.identity))).toMatchObject({ state: 'sent', recipients: [] });
  });

  it('that the transport refuses fails with the reason, and is delivered when retried', async () => {
    const { refusal, parties, settle } = await circle(['alice', 'bob']);
    const [alice, bob] = parties as [Party, Party];
    const to = direct(bob.identity);
    refusal.refuses = true;
    const { id } = await alice.conversations.send(to, 'hello');
    await settle();
    const failed = { state: 'failed', failure: 'TRANSPORT_REFUSED' };
    expect(await last(alice, to)).toMatchObject({ ...failed, recipients: [failed] });
    refusal.refuses = false;
    await alice.conversations.retry(id);
    await settle();
    expect(await last(alice, to)).toMatchObject({
      state: 'delivered',
      failure: undefined,
      recipients: [{ state: 'delivered' }],
    });
  });

  it('that was given up is deleted, and never sent', async () => {
    const { refusal, parties, settle } = await circle(['alice', 'bob']);
    const [alice, bob] = parties as [Party, Party];
    const to = direct(bob.identity);
    refusal.refuses = true;
    const { id } = await alice.conversations.send(to, 'hello');
    await settle();
    await alice.conversations.giveUp(id);
    refusal.refuses = false;
    for (let n = 0; n < 10; n++) {
      await alice.clock.advanceAndRest(60_000);
      await settle();
    }
    expect(await alice.conversations.entries(to)).toEqual([]);
    expect(await bob.conversations.entries(direct(alice.identity))).toEqual([]);
  });

  it('is deleted here alone when the user deletes it for themselves', async () => {
    const { parties, settle } = await circle(['alice', 'bob']);
    const [alice, bob] = parties as [Party, Party];
    const to = direct(bob.identity);
    await alice.conversations.send(to, 'one');
    const two = await alice.conversations.send(to, 'two');
    await settle();
    await alice.conversations.deleteForMe(to, two);
    const from = direct(alice.identity);
    await bob.conversations.deleteForMe(from, await last(bob, from));
    await settle();
    for (const [party, conversation] of [
      [alice, to],
      [bob, from],
    ] as const) {
      expect(await party.conversations.entries(conversation)).toHaveLength(1);
      const content = { kind: 'text', text: 'one' };
      expect(party.conversations.get(conversation)?.lastMessage?.content).toEqual(content);
    }
    await expect(alice.conversations.deleteForMe(to, two)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('a message to a Status group', () => {
  async function crew() {
    const world = await circle(['alice', 'bob', 'carol']);
    const [alice, bob, carol] = world.parties as [Party, Party, Party];
    const members = [bob, carol].map(({ identity }) => identity.publicKey);
    const group = await alice.status?.groups.create('crew', members);
    await world.settle();
    const to = { kind: 'group', groupId: group?.id as string } as const;
    return { ...world, alice, bob, carol, to };
  }

  it('has a state for each member, and is delivered when each has it', async () => {
    const { network, settle, alice, bob, carol, to } = await crew();
    network.disconnect(carol.identity.publicKey);
    await alice.conversations.send(to, 'hello');
    await settle(alice, bob);
    const message = await last(alice, to);
    expect(message.state).toBe('sent');
    expect(message.recipients.map(({ identity }) => identity)).toEqual(
      [bob, carol].map(({ identity }) => identity.publicKey),
    );
    expect(statesOf(message)).toEqual(['delivered', 'sent']);
    network.reconnect(carol.identity.publicKey);
    await settle();
    expect(await last(alice, to)).toMatchObject({ state: 'delivered' });
  });

  it('waits while the device is offline', async () => {
    const { network, settle, alice, to } = await crew();
    network.disconnect(alice.identity.publicKey);
    await alice.conversations.send(to, 'hello');
    await settle(alice);
    expect(statesOf(await last(alice, to))).toEqual(['pending', 'pending']);
    expect((await last(alice, to)).state).toBe('pending');
    network.reconnect(alice.identity.publicKey);
    await alice.clock.advanceAndRest(60_000);
    await settle();
    expect((await last(alice, to)).state).toBe('delivered');
  });

  it('that fails says why, over a restart too; it is retried, or given up', async () => {
    const { refusal, settle, alice, bob, to } = await crew();
    refusal.refuses = true;
    const kept = await alice.conversations.send(to, 'kept');
    const gone = await alice.conversations.send(to, 'gone');
    await settle();
    await alice.stop();
    await alice.open();
    const failed = { state: 'failed', failure: 'TRANSPORT_REFUSED' };
    expect(await last(alice, to)).toMatchObject({ ...failed, recipients: [failed, failed] });
    refusal.refuses = false;
    await settle();
    await alice.conversations.giveUp(gone.id);
    await alice.conversations.retry(kept.id);
    await settle();
    await alice.clock.advanceAndRest(600_000);
    await settle();
    expect(await last(alice, to)).toMatchObject({ content: { text: 'kept' }, state: 'delivered' });
    const heard = (await bob.conversations.entries(to)).filter((entry) => entry.kind === 'message');
    expect(heard).toHaveLength(1);
  });
});

describe('read receipts', () => {
  it('are off until both sides switch them on', async () => {
    const { parties, settle } = await circle(['alice', 'bob']);
    const [alice, bob] = parties as [Party, Party];
    const to = direct(bob.identity);
    const read = async (text: string) => {
      await alice.conversations.send(to, text);
      await settle();
      await bob.conversations.markRead(direct(alice.identity));
      await settle();
      return (await last(alice, to)).state;
    };
    expect(alice.conversations.readReceipts).toBe(false);
    expect(await read('neither')).toBe('delivered');
    await alice.conversations.setReadReceipts(true);
    expect(await read('only the author')).toBe('delivered');
    await bob.conversations.setReadReceipts(true);
    expect(await read('both')).toBe('read');
    await bob.stop();
    await bob.open();
    await alice.stop();
    await alice.open();
    expect((await last(alice, to)).state).toBe('read');
    expect(await read('both, after a restart')).toBe('read');
    await alice.conversations.setReadReceipts(false);
    expect(await read('only the reader')).toBe('delivered');
  });

  it('go to the authors of all that was unread, in a group, too', async () => {
    const { parties, settle } = await circle(['alice', 'bob', 'carol']);
    const [alice, bob, carol] = parties as [Party, Party, Party];
    for (const party of parties) await party.conversations.setReadReceipts(true);
    const members = [bob, carol].map(({ identity }) => identity.publicKey);
    const group = await alice.status?.groups.create('crew', members);
    const to = { kind: 'group', groupId: group?.id as string } as const;
    await settle();
    await alice.conversations.send(to, 'one');
    await carol.conversations.send(to, 'two');
    await alice.conversations.send(to, 'three');
    await settle();
    await bob.conversations.markRead(to);
    await settle();
    expect(bob.conversations.get(to)?.unread).toBe(0);
    const own = async (party: Party) =>
      (await party.conversations.entries(to)).filter((entry) => entry.kind === 'message' && entry.own);
    expect((await own(alice)).map((entry) => statesOf(entry as Message))).toEqual([
      ['read', 'delivered'],
      ['read', 'delivered'],
    ]);
    await carol.conversations.markRead(to);
    await settle();
    expect((await last(alice, to)).state).toBe('read');
  });

  it('are not sent to someone who waits to be accepted', async () => {
    const network = createMemoryNetwork({ clock: manualClock() });
    const [alice, bob] = [
      await newParty(network, 'alice-1', { status: true }),
      await newParty(network, 'bob-1', { status: true }),
    ];
    for (const party of [alice, bob]) await party.conversations.setReadReceipts(true);
    await bob.conversations.addContact(await alice.messenger.contacts.ownCode());
    await bob.conversations.send(direct(alice.identity), 'do you read this?');
    await quiet(network, alice, bob);
    await alice.conversations.markRead(direct(bob.identity));
    await quiet(network, alice, bob);
    expect(alice.conversations.get(direct(bob.identity))).toMatchObject({ request: true, unread: 0 });
    expect((await last(bob, direct(alice.identity))).state).toBe('sent');
    expect(await alice.messenger.requests.isAccepted(bob.identity.publicKey)).toBe(false);
  });

  it('of others, and of messages that are not ours, change nothing', async () => {
    const { parties, settle } = await circle(['alice', 'bob', 'mallory']);
    const [alice, bob, mallory] = parties as [Party, Party, Party];
    await alice.conversations.setReadReceipts(true);
    const to = direct(bob.identity);
    const { reference } = await alice.conversations.send(to, 'for Bob');
    await bob.conversations.send(direct(alice.identity), 'from Bob');
    await settle();
    const theirs = await last(alice, to);
    const about = [reference as string, theirs.reference as string, `0x${'0'.repeat(64)}`];
    const before = await alice.conversations.entries(to);
    for (const conversation of [
      to,
      direct(alice.identity),
      { kind: 'group', groupId: '0'.repeat(64) },
    ] as const)
      await mallory.status?.sendRead(alice.identity.publicKey, conversation, about);
    await settle();
    expect(await alice.conversations.entries(to)).toEqual(before);
    await bob.status?.sendRead(alice.identity.publicKey, direct(alice.identity), about);
    await settle();
    expect((await last(alice, to)).state).toBe('received');
    expect((await alice.conversations.entries(to))[0]).toMatchObject({ state: 'read' });
  });
});

it('reading writes nothing', async () => {
  const { parties, settle } = await circle(['alice', 'bob']);
  const [alice, bob] = parties as [Party, Party];
  for (const party of parties) await party.conversations.setReadReceipts(true);
  await alice.conversations.send(direct(bob.identity), 'hello');
  await settle();
  bob.kept.failWith(() => {
    throw new Error('written');
  });
  expect(await bob.conversations.entries(direct(alice.identity))).toHaveLength(1);
  expect(bob.conversations.list()).toHaveLength(1);
  expect(bob.conversations.get(direct(alice.identity))?.unread).toBe(1);
});
