import { type Channel, SottoError, type Transport } from '@sotto/core';
import { manualClock } from '@sotto/testing/clock';
import { createMemoryNetwork } from '@sotto/whisper-transport/memory';
import { describe, expect, it } from 'vitest';
import { direct, linesOf, newParty, quiet } from './party.js';

const newNetwork = () => createMemoryNetwork({ clock: manualClock() });
const DAY = 24 * 60 * 60_000;

describe('people who write first', () => {
  it('are requests until the user answers, accepts or adds them', async () => {
    const network = newNetwork();
    const bob = await newParty(network, 'bob-1');
    for (const letIn of ['answer', 'accept', 'add'] as const) {
      const carol = await newParty(network, `carol-${letIn}`);
      await carol.conversations.addContact(await bob.messenger.contacts.ownCode());
      await carol.conversations.send(direct(bob.identity), 'hello?');
      await quiet(network, bob, carol);
      const conversation = direct(carol.identity);
      expect(bob.conversations.get(conversation)).toMatchObject({ request: true, unread: 1 });
      await bob.stop();
      await bob.open();
      expect(bob.conversations.get(conversation)?.request).toBe(true);
      bob.changes.length = 0;
      if (letIn === 'answer') await bob.conversations.send(conversation, 'hi');
      else if (letIn === 'accept') await bob.conversations.accept(carol.identity.publicKey);
      else await bob.conversations.addContact(carol.identity.publicKey, 'Carol');
      await quiet(network, bob, carol);
      expect(bob.conversations.get(conversation)?.request).toBe(false);
      expect(bob.changes).toContainEqual(expect.objectContaining({ what: 'conversation' }));
      await bob.stop();
      await bob.open();
      expect(bob.conversations.get(conversation)?.request).toBe(false);
    }
  });

  it('blocked, they are gone with what they wrote; a contact that is blocked keeps its conversation', async () => {
    const network = newNetwork();
    const [bob, carol, dave] = [
      await newParty(network, 'bob-1'),
      await newParty(network, 'carol-1'),
      await newParty(network, 'dave-1'),
    ];
    for (const party of [carol, dave]) {
      await party.conversations.addContact(await bob.messenger.contacts.ownCode());
      await party.conversations.send(direct(bob.identity), 'hello');
    }
    await quiet(network, bob, carol, dave);
    await bob.conversations.addContact(dave.identity.publicKey, 'Dave');
    for (const { identity } of [carol, dave]) await bob.conversations.block(identity.publicKey);
    await quiet(network, bob, carol, dave);
    expect(bob.conversations.get(direct(carol.identity))).toBeUndefined();
    expect(bob.conversations.get(direct(dave.identity))).toBeDefined();
    expect(bob.conversations.person(dave.identity.publicKey)).toMatchObject({
      blocked: true,
      contact: false,
    });
    expect(bob.conversations.blocked()).toHaveLength(2);
    await dave.conversations.send(direct(bob.identity), 'unheard');
    await quiet(network, bob, dave);
    expect(await linesOf(bob, dave)).toEqual(['< hello received pq']);
    await bob.conversations.unblock(dave.identity.publicKey);
    await dave.conversations.send(direct(bob.identity), 'heard');
    await quiet(network, bob, dave);
    expect((await linesOf(bob, dave)).at(-1)).toBe('< heard received pq');
    expect(bob.conversations.blocked()).toHaveLength(1);
  });

  it('blocked while their messages come: nothing of them is left', async () => {
    const network = createMemoryNetwork({ clock: manualClock() });
    const [bob, carol] = [await newParty(network, 'bob-1'), await newParty(network, 'carol-1')];
    await carol.conversations.addContact(await bob.messenger.contacts.ownCode());
    await quiet(network, bob, carol);
    for (let i = 0; i < 20; i++) {
      await carol.messenger.devices.resetSession(bob.identity.publicKey);
      const stop = bob.messenger.on('message', () => {
        stop();
        void bob.conversations.block(carol.identity.publicKey);
      });
      await Promise.all(['a', 'b', 'c'].map((text) => carol.conversations.send(direct(bob.identity), text)));
      await quiet(network, bob, carol);
      expect(bob.conversations.list()).toEqual([]);
      expect(await bob.messenger.requests.list()).toEqual([]);
      await bob.conversations.unblock(carol.identity.publicKey);
    }
  });

  it('beyond a bound the oldest of their conversations are removed', async () => {
    const network = newNetwork();
    const bob = await newParty(network, 'bob-1');
    const code = await bob.messenger.contacts.ownCode();
    const parties = [];
    for (let i = 0; i < 260; i++) {
      const stranger = await newParty(network, `s${i}`);
      parties.push(stranger);
      await stranger.messenger.contacts.add(code);
      await stranger.messenger.send(bob.identity.publicKey, new TextEncoder().encode(`${i}`));
      await stranger.messenger.flushed();
      await network.idle();
    }
    await quiet(network, bob);
    const requests = bob.conversations.list().filter(({ request }) => request);
    expect(requests).toHaveLength(256);
    expect(await linesOf(bob, parties[0] as never)).toEqual([]);
    expect(await linesOf(bob, parties[259] as never)).toEqual(['< 259 received pq']);
  }, 60_000);
});

describe('the list', () => {
  it('has on top what was stored last, whatever our clock said when', async () => {
    const network = newNetwork();
    const [bob, old, young] = [
      await newParty(network, 'bob-1'),
      await newParty(network, 'old-1'),
      await newParty(network, 'young-1'),
    ];
    for (const { conversations } of [old, young]) {
      await conversations.addContact(await bob.messenger.contacts.ownCode());
    }
    bob.clock.advance(DAY);
    await old.conversations.send(direct(bob.identity), 'old');
    await quiet(network, bob, old);
    bob.clock.advance(-DAY);
    await young.conversations.send(direct(bob.identity), 'new');
    await quiet(network, bob, young);
    const order = () =>
      bob.conversations.list().map(({ lastMessage }) => {
        return lastMessage?.content.kind === 'text' ? lastMessage.content.text : '';
      });
    expect(order()).toEqual(['new', 'old']);
    await bob.stop();
    await bob.open();
    expect(order()).toEqual(['new', 'old']);
  });
});

describe('a message that failed', () => {
  async function scene() {
    const network = newNetwork();
    let refuses = true;
    const wrap = (inner: Transport): Transport => ({
      ...inner,
      connect: async (...args) => {
        const connection = await inner.connect(...args);
        return {
          subscribe: (channels) => connection.subscribe(channels),
          close: () => connection.close(),
          send: async (channel: Channel, payload: Uint8Array) => {
            if (refuses && channel.kind !== 'public') {
              throw new SottoError('TRANSPORT_REFUSED', 'refused', { reason: 'the clock is wrong' });
            }
            await connection.send(channel, payload);
          },
        };
      },
    });
    const settle = () => {
      refuses = false;
    };
    const [alice, bob] = [await newParty(network, 'alice-1', { wrap }), await newParty(network, 'bob-1')];
    await alice.conversations.addContact(await bob.messenger.contacts.ownCode());
    const { id } = await alice.conversations.send(direct(bob.identity), 'hello');
    await quiet(network, alice, bob);
    return { network, alice, bob, id, settle };
  }

  it('says why, and is sent when it is tried again, over a restart too', async () => {
    const { network, alice, bob, id, settle } = await scene();
    const [entry] = await alice.conversations.entries(direct(bob.identity));
    expect(entry).toMatchObject({ state: 'failed', failure: 'TRANSPORT_REFUSED' });
    await alice.stop();
    await alice.open();
    expect(await linesOf(alice, bob)).toEqual(['> hello failed pq']);
    expect(alice.messenger.outbox.failed()).toEqual([id]);
    await alice.conversations.retry(id);
    await quiet(network, alice, bob);
    expect(await linesOf(alice, bob)).toEqual(['> hello failed pq']);
    settle();
    await alice.conversations.retry(id);
    await quiet(network, alice, bob);
    const [sent] = await alice.conversations.entries(direct(bob.identity));
    expect(sent).toMatchObject({ state: 'sent', failure: undefined });
    expect(await linesOf(bob, alice)).toEqual(['< hello received pq']);
    await expect(alice.conversations.retry(id)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('is deleted when it is given up, and never sent', async () => {
    const { network, alice, bob, id, settle } = await scene();
    await alice.conversations.giveUp(id);
    settle();
    await quiet(network, alice, bob);
    expect(await linesOf(alice, bob)).toEqual([]);
    expect(alice.conversations.get(direct(bob.identity))?.lastMessage).toBeUndefined();
    await alice.stop();
    await alice.open();
    await quiet(network, alice, bob);
    expect(await linesOf(bob, alice)).toEqual([]);
    expect(alice.messenger.outbox.failed()).toEqual([]);
  });

  it('given up when its conversation was removed and begun anew: nothing of the new one is deleted', async () => {
    const { network, alice, bob, id, settle } = await scene();
    await alice.conversations.remove(direct(bob.identity));
    settle();
    await alice.conversations.send(direct(bob.identity), 'another beginning');
    await quiet(network, alice, bob);
    await alice.conversations.giveUp(id);
    expect(await linesOf(alice, bob)).toEqual(['> another beginning sent pq']);
    expect(alice.conversations.get(direct(bob.identity))?.lastMessage).toBeDefined();
  });

  it('given up, and killed at any commit: it is there and not sent, or gone; never there as sent', async () => {
    for (let commit = 0; commit < 4; commit++) {
      const { network, alice, bob, id } = await scene();
      let left = commit;
      alice.kept.failWith(() => {
        if (left-- <= 0) throw new SottoError('STORE_UNAVAILABLE', 'killed', { reason: 'a test' });
      });
      await alice.conversations.giveUp(id).catch(() => {});
      await alice.conversations.close();
      await alice.messenger.close().catch(() => {});
      alice.kept.failWith(undefined);
      await alice.open();
      await quiet(network, alice, bob);
      const isThere = alice.messenger.outbox.failed().includes(id);
      expect(await linesOf(alice, bob)).toEqual(isThere ? ['> hello failed pq'] : []);
    }
  });

  it('failed and killed before that was noted: it is failed at the next start', async () => {
    const { network, alice, bob, id } = await scene();
    await alice.conversations.retry(id);
    await alice.conversations.close();
    await alice.messenger.flushed();
    await alice.stop();
    await alice.open();
    await quiet(network, alice, bob);
    expect(await linesOf(alice, bob)).toEqual(['> hello failed pq']);
    expect(alice.messenger.outbox.failed()).toEqual([id]);
  });
});

describe('a change of a group that has no effect', () => {
  it('is told to its author: someone else changed the group at the same time', async () => {
    const network = newNetwork();
    const [alice, bob] = [await newParty(network, 'alice-1'), await newParty(network, 'bob-1')];
    await alice.conversations.addContact(await bob.messenger.contacts.ownCode());
    await bob.conversations.addContact(await alice.messenger.contacts.ownCode());
    const key = bob.identity.publicKey;
    const { group } = await alice.messenger.groups.create('boats', [key]);
    await alice.messenger.groups.promote(group.id, [key]);
    await quiet(network, alice, bob);
    network.partition([alice.identity.publicKey], [key]);
    await bob.messenger.groups.rename(group.id, 'ships');
    await alice.messenger.groups.remove(group.id, [key]);
    network.heal();
    for (let round = 0; round < 3; round++) await quiet(network, alice, bob);
    const entries = await bob.conversations.entries({ kind: 'group', groupId: group.id });
    expect(entries.flatMap((entry) => (entry.kind === 'notice' ? [entry.notice] : []))).toContainEqual({
      what: 'group-change-lost',
      kind: 'rename',
      author: key,
      subjects: [],
      reason: 'authorRevoked',
    });
    expect(bob.conversations.get({ kind: 'group', groupId: group.id })?.group).toMatchObject({
      name: 'boats',
      joined: false,
    });
  });
});
