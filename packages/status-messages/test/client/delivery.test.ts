import { SottoError, type Transport } from '@sotto/core';
import { manualClock } from '@sotto/testing/clock';
import { createMemoryNetwork } from '@sotto/whisper-transport/memory';
import { describe, expect, it } from 'vitest';
import { decodeMembershipUpdate, MESSAGE_TYPE } from '../../src/index.js';
import { newParty, quiet } from './party.js';
import { StatusPeer } from './status-peer.js';

const direct = ({ identity }: Pick<StatusPeer, 'identity'>) =>
  ({ kind: 'direct', peer: identity.publicKey }) as const;

/** Alice, and peers whom she knows, on a network with one clock. Her transport refuses messages while `refuses` is set. */
async function together({ peers = 1, limits = {} } = {}) {
  const clock = manualClock();
  const network = createMemoryNetwork({ clock });
  const refusal = { refuses: false };
  const wrap = (inner: Transport): Transport => ({
    capabilities: inner.capabilities,
    connect: async (options) => {
      const connection = await inner.connect(options);
      return {
        ...connection,
        subscribe: (channels) => connection.subscribe(channels),
        close: () => connection.close(),
        send: async (channel, payload, sendOptions) => {
          if (refusal.refuses) throw new SottoError('TRANSPORT_REFUSED', 'Refused.', { reason: 'test' });
          await connection.send(channel, payload, sendOptions);
        },
      };
    },
  });
  const alice = await newParty(network, clock, 'alice-1', { limits, wrap });
  const all: StatusPeer[] = [];
  for (let n = 0; n < peers; n++) {
    const peer = await StatusPeer.open(network, clock, '2024');
    await alice.messenger.contacts.add(await peer.messenger.contacts.ownCode());
    await peer.messenger.contacts.add(await alice.messenger.contacts.ownCode());
    all.push(peer);
  }
  const [peer] = all as [StatusPeer, ...StatusPeer[]];
  const settle = () => quiet(network, alice, ...all);
  await settle();
  const advance = async (milliseconds: number) => {
    await clock.advanceAndRest(milliseconds);
    await settle();
  };
  const sent: string[] = [];
  const failed: string[] = [];
  const listen = () => {
    alice.status.on('sent', ({ messageId }) => void sent.push(messageId));
    alice.status.on('sendFailed', ({ messageId, error }) => void failed.push(`${messageId} ${error.code}`));
  };
  listen();
  return { network, clock, refusal, alice, peer, peers: all, settle, advance, sent, failed, listen };
}

const outgoing = async ({ alice }: Awaited<ReturnType<typeof together>>) => {
  let count = 0;
  for await (const _ of alice.store.list('app/status/outgoing/')) count++;
  return count;
};

describe('a sign of life of someone who has not acknowledged', () => {
  it('brings the next copy at once, when some time has passed', async () => {
    const { alice, peer, settle, advance } = await together();
    peer.acknowledges = false;
    await alice.status.send(direct(peer), { kind: 'text', text: 'are you there?' });
    await settle();
    await peer.text(alice.identity, 'just sent');
    await settle();
    await advance(100);
    expect(peer.texts).toHaveLength(1);
    await advance(5_000);
    expect(peer.texts).toHaveLength(1);
    peer.acknowledges = true;
    await peer.text(alice.identity, 'I was away');
    await settle();
    await advance(100);
    expect(peer.texts).toHaveLength(2);
    expect(alice.delivered).toHaveLength(1);
    await advance(3_600_000);
    expect(peer.texts).toHaveLength(2);
  });

  it('brings it after the schedule has ended, over a restart too, and a late acknowledgement counts', async () => {
    const { alice, peer, settle, advance } = await together();
    peer.acknowledges = false;
    const { messageId } = await alice.status.send(direct(peer), { kind: 'text', text: 'are you there?' });
    for (let hour = 0; hour < 40; hour++) await advance(3_600_000);
    expect(alice.undelivered).toEqual([messageId]);
    const count = peer.texts.length;
    await alice.stop();
    await alice.open();
    await advance(3_600_000);
    expect(peer.texts).toHaveLength(count);
    peer.acknowledges = true;
    await peer.text(alice.identity, 'back from my holidays');
    await settle();
    await advance(100);
    expect(peer.texts).toHaveLength(count + 1);
    expect(alice.delivered).toEqual([messageId]);
    expect(alice.undelivered).toEqual([messageId]);
  });

  it('brings no more than a payload at once: each acknowledgement is the next sign', async () => {
    const { alice, peer, settle, advance } = await together();
    peer.acknowledges = false;
    for (let n = 0; n < 50; n++) await alice.status.send(direct(peer), { kind: 'text', text: `text ${n}` });
    await settle();
    await advance(6_000);
    const count = peer.texts.length;
    await peer.text(alice.identity, 'one sign');
    await settle();
    await advance(100);
    expect(peer.texts).toHaveLength(count + 20);
    peer.acknowledges = true;
    await peer.text(alice.identity, 'back');
    await settle();
    for (let n = 0; n < 10; n++) await advance(100);
    expect(alice.delivered.length).toBeGreaterThanOrEqual(30);
  });

  it('brings no more than a few', async () => {
    const { alice, peer, advance } = await together();
    peer.acknowledges = false;
    await alice.status.send(direct(peer), { kind: 'text', text: 'are you there?' });
    for (let n = 0; n < 40; n++) {
      await peer.text(alice.identity, `I never acknowledge ${n}`);
      await advance(6_000);
    }
    // The first, those of the schedule in four minutes, and five.
    expect(peer.texts.length).toBeLessThanOrEqual(1 + 3 + 5);
  });
});

describe('messages that wait for an acknowledgement', () => {
  it('are bounded within one message to many, too', async () => {
    const world = await together({ peers: 4, limits: { maxOutgoing: 5 } });
    const { alice, peers, settle } = world;
    for (const peer of peers) peer.acknowledges = false;
    const keys = peers.map(({ identity }) => identity.publicKey);
    const group = await alice.status.groups.create('crew', keys);
    await settle();
    expect(await outgoing(world)).toBe(4);
    await alice.status.send({ kind: 'group', groupId: group.id }, { kind: 'text', text: 'hello' });
    await settle();
    expect(await outgoing(world)).toBe(5);
    expect(alice.undelivered).toHaveLength(3);
  });

  it('are forgotten a month after the schedule has ended', async () => {
    const world = await together();
    const { alice, clock, peer, advance } = world;
    peer.acknowledges = false;
    await alice.status.send(direct(peer), { kind: 'text', text: 'are you there?' });
    for (let hour = 0; hour < 40; hour++) await advance(3_600_000);
    await alice.stop();
    clock.advance(20 * 24 * 3_600_000);
    await alice.open();
    expect(await outgoing(world)).toBe(1);
    await alice.stop();
    clock.advance(20 * 24 * 3_600_000);
    await alice.open();
    expect(await outgoing(world)).toBe(0);
  });

  it('are sent once the transport has accepted all copies', async () => {
    const { network, alice, peers, settle, advance, sent } = await together({ peers: 2 });
    const keys = peers.map(({ identity }) => identity.publicKey);
    const group = await alice.status.groups.create('crew', keys);
    await settle();
    sent.length = 0;
    network.disconnect(alice.identity.publicKey);
    const to = { kind: 'group', groupId: group.id } as const;
    const { messageId, recipients } = await alice.status.send(to, { kind: 'text', text: 'hello' });
    expect(recipients).toEqual(keys);
    await settle();
    expect(sent).toEqual([]);
    expect(alice.status.unsent()).toEqual(new Set([messageId]));
    await alice.stop();
    await alice.open({ start: false });
    expect(alice.status.unsent()).toEqual(new Set([messageId]));
    network.reconnect(alice.identity.publicKey);
    await alice.messenger.start();
    await advance(1_000);
    expect(alice.status.unsent()).toEqual(new Set());
    expect(new Set(alice.delivered)).toContain(messageId);
  });
});

describe('messages that the transport refuses', () => {
  it.each(['person', 'group'] as const)(
    'to a %s fail with the reason, and are sent when retried',
    async (kind) => {
      const { alice, peer, refusal, settle, advance, failed, listen } = await together();
      const group = await alice.status.groups.create('crew', [peer.identity.publicKey]);
      await settle();
      refusal.refuses = true;
      const to = kind === 'person' ? direct(peer) : ({ kind: 'group', groupId: group.id } as const);
      const { messageId } = await alice.status.send(to, { kind: 'text', text: 'hello' });
      await settle();
      expect(failed).toEqual([`${messageId} TRANSPORT_REFUSED`]);
      // It is not repeated behind the user's back.
      await advance(3_600_000);
      expect(alice.messenger.outbox.failed()).toHaveLength(1);
      await alice.stop();
      await alice.open();
      listen();
      expect(alice.status.failed()).toEqual(new Map([[messageId, 'TRANSPORT_REFUSED']]));
      refusal.refuses = false;
      await settle();
      await alice.status.retry(messageId);
      await settle();
      expect(alice.status.failed()).toEqual(new Map());
      expect(alice.delivered).toContain(messageId);
      await expect(alice.status.retry(messageId)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    },
  );

  it.each(['person', 'group'] as const)(
    'to a %s can be given up, with writes of the application',
    async (kind) => {
      const world = await together({ peers: 2 });
      const { alice, peer, peers, refusal, settle, advance } = world;
      const keys = peers.map(({ identity }) => identity.publicKey);
      const group = await alice.status.groups.create('crew', keys);
      await settle();
      const heard = peer.heard.length;
      refusal.refuses = true;
      const to = kind === 'person' ? direct(peer) : ({ kind: 'group', groupId: group.id } as const);
      const { messageId } = await alice.status.send(to, { kind: 'text', text: 'hello' });
      await settle();
      const key = 'app/test/given-up';
      await alice.status.giveUp(messageId, {
        alongside: [{ type: 'put', key, value: Uint8Array.of(1) }],
      });
      expect(await alice.store.get(key)).toBeDefined();
      expect(await outgoing(world)).toBe(0);
      refusal.refuses = false;
      await advance(3_600_000);
      expect(peer.heard).toHaveLength(heard);
      expect(alice.messenger.outbox.failed()).toEqual([]);
      await expect(alice.status.giveUp(messageId)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    },
  );

  it('of the client itself are repeated without a word, and leave nothing in the outbox', async () => {
    const { alice, peer, refusal, settle, advance, failed } = await together();
    refusal.refuses = true;
    await peer.text(alice.identity, 'acknowledge this');
    const group = await alice.status.groups.create('crew', [peer.identity.publicKey]);
    await alice.status.sendRead(peer.identity.publicKey, direct(peer), [`0x${'1'.repeat(64)}`]);
    await settle();
    expect(failed).toEqual([]);
    expect(alice.messenger.outbox.failed()).toEqual([]);
    expect(alice.status.failed().size).toBe(0);
    refusal.refuses = false;
    await advance(60_000);
    const update = peer.ofType(MESSAGE_TYPE.membershipUpdate).at(-1)?.payload as Uint8Array;
    expect(decodeMembershipUpdate(update).chatId).toBe(group.chatId);
  });

  it('when only a repeat is refused, the next one goes out', async () => {
    const { alice, peer, refusal, settle, advance, failed } = await together();
    peer.acknowledges = false;
    await alice.status.send(direct(peer), { kind: 'text', text: 'hello' });
    await settle();
    refusal.refuses = true;
    await advance(40_000);
    expect(alice.messenger.outbox.failed()).toEqual([]);
    expect(failed).toEqual([]);
    refusal.refuses = false;
    await advance(100_000);
    expect(peer.texts.length).toBeGreaterThan(1);
  });
});
