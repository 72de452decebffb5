import { type Channel, SottoError, type Transport } from '@sotto/core';
import { createMemoryNetwork } from '@sotto/whisper-transport/memory';
import { describe, expect, it } from 'vitest';
import { newParty, quiet } from './party.js';
import { manualClock } from './support.js';
import { bytesOf, START } from './world.js';

const idsOf = (events: readonly { readonly id: string }[]) => events.map(({ id }) => id);

type Fate = 'taken' | 'refused' | 'unavailable';

/** Alice's transport does with each part of a message what it is told to. */
async function scene() {
  const clock = manualClock(START);
  const network = createMemoryNetwork({ clock });
  const inner = network.transport();
  let fateOf: (channel: Channel) => Fate = () => 'taken';
  const transport: Transport = {
    ...inner,
    connect: async (...args) => {
      const connection = await inner.connect(...args);
      return {
        ...(connection.history && { history: connection.history.bind(connection) }),
        subscribe: (channels) => connection.subscribe(channels),
        close: () => connection.close(),
        send: async (channel, payload) => {
          const fate = fateOf(channel);
          if (fate === 'refused') throw new SottoError('TRANSPORT_REFUSED', 'Not now.', { reason: 'a test' });
          if (fate === 'unavailable') {
            throw new SottoError('TRANSPORT_UNAVAILABLE', 'Not now.', { reason: 'a test' });
          }
          return connection.send(channel, payload);
        },
      };
    },
  };
  const alice = await newParty(network, 'alice-1', { clock, transport });
  const [bob, carol] = [
    await newParty(network, 'bob-1', { clock }),
    await newParty(network, 'carol-1', { clock }),
  ];
  const { group } = await alice.messenger.groups.create('both', [
    bob.identity.publicKey,
    carol.identity.publicKey,
  ]);
  await quiet(network, alice, bob, carol);
  alice.events.sent.length = 0;
  return {
    clock,
    network,
    alice,
    bob,
    carol,
    groupId: group.id,
    /** What becomes of the next parts, in their order; of further ones the last. */
    fates(...fates: Fate[]) {
      fateOf = () => (fates.length > 1 ? (fates.shift() as Fate) : (fates[0] as Fate));
    },
    settle: () => quiet(network, alice, bob, carol),
  };
}

describe('a message that failed', () => {
  it('tried again twice at once: sent once, told once, and nothing waits for it afterwards', async () => {
    const { alice, bob, fates, settle } = await scene();
    fates('refused');
    const { id } = await alice.say(bob, 'hello');
    await settle();
    expect(alice.messenger.outbox.failed()).toEqual([id]);
    fates('taken');
    const results = await Promise.allSettled([
      alice.messenger.outbox.retry(id),
      alice.messenger.outbox.retry(id),
    ]);
    await settle();
    expect(results.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    expect(bob.texts.filter((text) => text.endsWith('hello'))).toHaveLength(1);
    expect(idsOf(alice.events.sent)).toEqual([id]);
    expect(await alice.messenger.outbox.pending()).toEqual(new Set());
  });

  it('tried again and given up at once: what was given up is not sent', async () => {
    const { alice, bob, fates, settle } = await scene();
    fates('refused');
    const { id } = await alice.say(bob, 'hello');
    await settle();
    fates('taken');
    await Promise.all([alice.messenger.outbox.retry(id), alice.messenger.outbox.giveUp(id)]);
    await settle();
    expect(bob.texts.filter((text) => text.endsWith('hello'))).toEqual([]);
    expect(alice.events.sent).toEqual([]);
    expect(alice.messenger.outbox.failed()).toEqual([]);
    expect(await alice.messenger.outbox.pending()).toEqual(new Set());
  });

  it('given up twice at once: the second time there is nothing', async () => {
    const { alice, bob, fates, settle } = await scene();
    fates('refused');
    const { id } = await alice.say(bob, 'hello');
    await settle();
    const results = await Promise.allSettled([
      alice.messenger.outbox.giveUp(id),
      alice.messenger.outbox.giveUp(id),
    ]);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
  });

  it('in one part, tried again while another one still waits: sent when both were taken', async () => {
    const { clock, alice, bob, carol, groupId, fates, settle } = await scene();
    fates('refused', 'unavailable');
    const { id } = await alice.messenger.send({ kind: 'group', groupId }, bytesOf('hello'));
    await settle();
    expect(alice.messenger.outbox.failed()).toEqual([id]);
    expect(await alice.messenger.outbox.pending()).toEqual(new Set([id]));
    await alice.messenger.outbox.retry(id);
    fates('taken');
    clock.advance(5_000);
    await settle();
    expect([bob, carol].map(({ texts }) => texts.length)).toEqual([1, 1]);
    expect(idsOf(alice.events.sent)).toEqual([id]);
  });

  it('in one part: not told as sent after a restart in which the other one was taken', async () => {
    const { alice, bob, carol, groupId, fates, settle } = await scene();
    fates('refused', 'unavailable');
    const { id } = await alice.messenger.send({ kind: 'group', groupId }, bytesOf('hello'));
    await settle();
    fates('unavailable');
    await alice.messenger.close();
    fates('taken');
    await alice.restart();
    await settle();
    expect(idsOf(alice.events.sent)).not.toContain(id);
    expect(alice.messenger.outbox.failed()).toEqual([id]);
    await alice.messenger.outbox.retry(id);
    await settle();
    expect(idsOf(alice.events.sent).filter((one) => one === id)).toHaveLength(1);
    expect([bob, carol].map(({ texts }) => texts.length)).toEqual([1, 1]);
  });

  it('to a group, given up while it is being encrypted for members: no one else gets it, and it is not sent', async () => {
    const { clock, network } = await scene();
    const dave = await newParty(network, 'dave-1', { clock, limits: { fanoutBatch: 1 } });
    const members = await Promise.all(['b', 'c', 'd', 'e'].map((name) => newParty(network, `${name}-1`)));
    const { group } = await dave.messenger.groups.create(
      'many',
      members.map(({ identity }) => identity.publicKey),
    );
    await quiet(network, dave, ...members);
    dave.events.sent.length = 0;
    let ids: readonly string[] = [];
    let givenUp: Promise<void> | undefined;
    await dave.messenger.send({ kind: 'group', groupId: group.id }, bytesOf('hello'), {
      alongside: ({ id }) => {
        ids = [id];
        return [];
      },
      onProgress: () => {
        givenUp ??= dave.messenger.outbox.giveUp(ids[0] as string);
      },
    });
    await givenUp;
    await quiet(network, dave, ...members);
    const got = members.filter(({ texts }) => texts.some((text) => text.endsWith('hello'))).length;
    expect(got).toBeLessThan(members.length);
    expect(idsOf(dave.events.sent)).not.toContain(ids[0]);
    expect(await dave.messenger.outbox.pending()).toEqual(new Set());
    await expect(dave.messenger.outbox.giveUp(ids[0] as string)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await dave.restart();
    await quiet(network, dave, ...members);
    expect(members.filter(({ texts }) => texts.some((text) => text.endsWith('hello')))).toHaveLength(got);
  });

  it('that the messenger sends of itself: not told, not listed, and tried again with the next connection', async () => {
    const { alice, bob, carol, fates, settle } = await scene();
    fates('refused');
    await alice.messenger.contacts.add(bob.identity.publicKey);
    await alice.messenger.contacts.publishOwnCode();
    await settle();
    expect(alice.events.sendFailed).toEqual([]);
    expect(alice.messenger.outbox.failed()).toEqual([]);
    fates('taken');
    await alice.restart();
    await carol.messenger.contacts.lookUp(alice.identity.publicKey);
    await settle();
    expect((await carol.messenger.devices.list(alice.identity.publicKey)).length).toBeGreaterThan(0);
    expect(alice.events.sent).toEqual([]);
    let waiting = 0;
    for await (const _ of alice.store.list('outbox/')) waiting++;
    expect(waiting).toBe(0);
  });

  it('for our own other devices: a part of the message', async () => {
    const { clock, network, alice, bob, fates, settle } = await scene();
    const laptop = await newParty(network, 'alice-2', { clock, identity: alice.identity });
    await settle();
    await laptop.messenger.devices.announce();
    await laptop.messenger.flushed();
    await settle();
    await alice.messenger.devices.enable('alice-2');
    await settle();
    alice.events.sent.length = 0;
    fates('taken', 'refused');
    const { id, ownDevices } = await alice.say(bob, 'hello');
    await settle();
    expect(ownDevices).toHaveLength(1);
    expect(idsOf(alice.events.sendFailed)).toEqual([id]);
    expect(alice.events.sent).toEqual([]);
    fates('taken');
    await alice.messenger.outbox.retry(id);
    await settle();
    await laptop.messenger.flushed();
    expect(idsOf(alice.events.sent)).toEqual([id]);
    expect(laptop.texts).toEqual(['direct copy alice-1 pq: hello']);
  });
});
