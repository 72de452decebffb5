import { encodeUtf8 } from '@sotto/core';
import { manualClock } from '@sotto/testing/clock';
import { createMemoryNetwork } from '@sotto/whisper-transport/memory';
import { describe, expect, it } from 'vitest';
import {
  CHAT_TYPE,
  CONTENT_TYPE,
  decodeChatMessage,
  decodeDatasyncPayload,
  MESSAGE_TYPE,
  PROFILE_2020,
  PROFILE_2024,
} from '../../src/index.js';
import { linesOf, newParty, type Party, quiet } from './party.js';
import { crypto, StatusPeer } from './status-peer.js';

const direct = (other: Party | StatusPeer) => ({ kind: 'direct', peer: other.identity.publicKey }) as const;

async function together(generation: '2020' | '2024' = '2024') {
  const network = createMemoryNetwork();
  const clock = manualClock();
  const profile = generation === '2020' ? PROFILE_2020 : PROFILE_2024;
  const alice = await newParty(network, clock, 'alice-1', { displayName: 'alice_of_sotto', profile });
  const peer = await StatusPeer.open(network, clock, generation);
  await alice.messenger.contacts.add(await peer.messenger.contacts.ownCode());
  await peer.messenger.contacts.add(await alice.messenger.contacts.ownCode());
  await quiet(network, alice, peer);
  const advance = async (milliseconds: number) => {
    await clock.advanceAndRest(milliseconds);
    await quiet(network, alice, peer);
  };
  return { network, clock, alice, peer, advance };
}

describe.each(['2020', '2024'] as const)('with a client of %s', (generation) => {
  it('texts go both ways and are acknowledged', async () => {
    const { network, alice, peer } = await together(generation);
    const { messageId } = await alice.status.send(direct(peer), { kind: 'text', text: 'hello' });
    await quiet(network, alice, peer);
    expect(peer.texts).toEqual(['hello']);
    expect(peer.heard[0]).toMatchObject({ messageId, type: MESSAGE_TYPE.chatMessage });
    expect(peer.chats[0]).toMatchObject({ chatId: peer.key, messageType: CHAT_TYPE.direct });
    expect(alice.delivered).toEqual([messageId]);

    const answer = await peer.text(alice.identity, 'hello yourself', { responseTo: messageId });
    await quiet(network, alice, peer);
    expect(linesOf(alice)).toEqual(['direct text: hello yourself']);
    expect(alice.contents.at(-1)).toMatchObject({ messageId: answer, replyTo: messageId, own: false });
    expect(peer.acks).toHaveLength(1);
  });

  it('texts without data synchronisation are read, and not acknowledged', async () => {
    const { network, alice, peer } = await together(generation);
    const { bytes } = peer.sign(MESSAGE_TYPE.chatMessage, peer.chat('whatever', 'bare'));
    await peer.send(alice.identity, bytes);
    await quiet(network, alice, peer);
    expect(linesOf(alice)).toEqual(['direct text: bare']);
    expect(peer.acks).toEqual([]);
  });

  it('public chats go both ways', async () => {
    const { network, alice, peer } = await together(generation);
    await alice.messenger.chats.join('sailing');
    await peer.messenger.chats.join('sailing');
    await peer.textToChat('sailing', 'ahoy');
    await alice.status.send({ kind: 'public', name: 'sailing' }, { kind: 'text', text: 'ahoy back' });
    await quiet(network, alice, peer);
    expect(linesOf(alice)).toEqual(['sailing text: ahoy']);
    expect(peer.texts).toEqual(['ahoy back']);
    expect(peer.heard[0]?.datasync).toBeUndefined();
    expect((await alice.status.profileOf(peer.identity.publicKey)).name).toBe(generation);
  });

  it('each repeat is acknowledged, and none is shown again, over a restart too', async () => {
    const { network, alice, peer } = await together(generation);
    const { bytes } = peer.sign(MESSAGE_TYPE.chatMessage, peer.chat('', 'once', { chatId: peer.key }));
    const message = peer.wrap(alice.identity, bytes);
    await peer.sync(alice.identity, message);
    await peer.sync(alice.identity, message);
    await quiet(network, alice, peer);
    await alice.stop();
    await alice.open();
    await peer.sync(alice.identity, message);
    await peer.send(alice.identity, bytes);
    await quiet(network, alice, peer);
    expect(linesOf(alice)).toEqual(['direct text: once']);
    expect(new Set(peer.acks)).toEqual(new Set([peer.idOf(message)]));
    expect(peer.acks.length).toBeGreaterThanOrEqual(2);
  });

  it('a message without acknowledgement is repeated by the schedule, encrypted anew, then given up', async () => {
    const { network, alice, peer, advance } = await together(generation);
    peer.acknowledges = false;
    const { messageId } = await alice.status.send(direct(peer), { kind: 'text', text: 'are you there?' });
    await quiet(network, alice, peer);
    const first = generation === '2020' ? [2_000, 200] : [26_900, 9_200];
    await advance(first[0] as number);
    expect(peer.heard).toHaveLength(1);
    await advance(first[1] as number);
    expect(peer.heard).toHaveLength(2);
    expect(new Set(peer.heard.map(({ message }) => message.id)).size).toBe(2);
    expect(new Set(peer.heard.map((heard) => heard.messageId))).toEqual(new Set([messageId]));
    for (let hour = 0; hour < 40; hour++) await advance(3_600_000);
    expect(peer.heard).toHaveLength(11);
    expect(alice.undelivered).toEqual([messageId]);
    expect(alice.delivered).toEqual([]);
  });

  it('a late acknowledgement ends the repeats, over a restart too', async () => {
    const { network, alice, peer, advance } = await together(generation);
    peer.acknowledges = false;
    const { messageId } = await alice.status.send(direct(peer), { kind: 'text', text: 'are you there?' });
    await quiet(network, alice, peer);
    await alice.stop();
    await alice.open();
    peer.acknowledges = true;
    await advance(60_000);
    const count = peer.heard.length;
    expect(count).toBeGreaterThan(1);
    expect(alice.delivered).toEqual([messageId]);
    await advance(3_600_000);
    expect(peer.heard).toHaveLength(count);
  });
});

describe('the layer', () => {
  it('sends the schedule of the peer, not of the option, once it knows the peer', async () => {
    const { network, alice, peer, advance } = await together('2024');
    await peer.text(alice.identity, 'hello');
    await quiet(network, alice, peer);
    const { bytes } = peer.sign(
      MESSAGE_TYPE.chatMessage,
      peer.chat('sailing', 'bare', { messageType: CHAT_TYPE.public, displayName: '' }),
    );
    await alice.messenger.chats.join('sailing');
    const connection = await network
      .transport()
      .connect({ identity: peer.identity, onMessage: async () => {} });
    await connection.send({ kind: 'public', name: 'sailing' }, bytes);
    await quiet(network, alice, peer);
    expect((await alice.status.profileOf(peer.identity.publicKey)).name).toBe('2020');
    peer.acknowledges = false;
    await alice.status.send(direct(peer), { kind: 'text', text: 'quick?' });
    await quiet(network, alice, peer);
    await advance(3_000);
    expect(peer.texts).toEqual(['quick?', 'quick?']);
  });

  it('refuses a message that somebody else signed, and stores nothing of it', async () => {
    const { network, alice, peer } = await together();
    const third = crypto.secp256k1.generateKeyPair();
    const { bytes } = peer.sign(MESSAGE_TYPE.chatMessage, peer.chat(peer.key, 'forged'), third);
    await peer.sync(alice.identity, peer.wrap(alice.identity, bytes));
    await quiet(network, alice, peer);
    expect(alice.refused).toEqual(['WRONG_IDENTITY']);
    expect(alice.contents).toEqual([]);
  });

  it('ignores acknowledgements of those to whom the message did not go, and replayed ones', async () => {
    const { network, alice, peer, clock } = await together();
    const mallory = await StatusPeer.open(network, clock, '2024');
    await alice.messenger.contacts.add(await mallory.messenger.contacts.ownCode());
    peer.acknowledges = false;
    await alice.status.send(direct(peer), { kind: 'text', text: 'for you' });
    await quiet(network, alice, peer, mallory);
    const [heard] = peer.heard;
    const id = crypto.sha256(new Uint8Array(0));
    const { datasyncId, encodeDatasyncPayload, EMPTY_DATASYNC_PAYLOAD } = await import('../../src/index.js');
    const ack = datasyncId(crypto, heard?.datasync as never);
    const payload = encodeDatasyncPayload({ ...EMPTY_DATASYNC_PAYLOAD, acks: [ack, id] });
    await mallory.send(alice.identity, payload);
    await quiet(network, alice, peer, mallory);
    expect(alice.delivered).toEqual([]);
    await peer.send(alice.identity, payload);
    await peer.send(alice.identity, payload);
    await quiet(network, alice, peer, mallory);
    expect(alice.delivered).toHaveLength(1);
    expect(alice.contents).toEqual([]);
  });

  it('keeps the good messages of a payload with a bad one', async () => {
    const { network, alice, peer } = await together();
    const good = peer.sign(MESSAGE_TYPE.chatMessage, peer.chat(peer.key, 'good'));
    const bad = peer.sign(MESSAGE_TYPE.chatMessage, peer.chat(peer.key, 'bad', { clock: 0n }));
    await peer.sync(
      alice.identity,
      peer.wrap(alice.identity, bad.bytes),
      peer.wrap(alice.identity, good.bytes),
    );
    await quiet(network, alice, peer);
    expect(linesOf(alice)).toEqual(['direct text: good']);
    expect(alice.refused).toEqual(['MALFORMED_MESSAGE']);
    expect(peer.acks).toHaveLength(2);
  });

  it('hands through what other software sends', async () => {
    const { network, alice, peer } = await together();
    for (const text of ['hello', '\nhello', '0', '{"a":1}'])
      await peer.send(alice.identity, encodeUtf8(text));
    await quiet(network, alice, peer);
    expect(alice.others).toHaveLength(4);
    expect(alice.refused).toEqual([]);
  });

  it('edits, deletes, reacts and sends pictures', async () => {
    const { network, alice, peer } = await together();
    const { messageId } = await alice.status.send(direct(peer), { kind: 'text', text: 'helo' });
    await alice.status.send(direct(peer), { kind: 'edit', target: messageId, text: 'hello' });
    await alice.status.send(direct(peer), { kind: 'reaction', target: messageId, reaction: 1 });
    await alice.status.send(direct(peer), { kind: 'delete', target: messageId });
    const payload = Uint8Array.of(0x89, 0x50);
    await alice.status.send(direct(peer), { kind: 'image', image: { payload, format: 1 } });
    await quiet(network, alice, peer);
    expect(peer.heard.map(({ type }) => type)).toEqual([1, 29, 22, 31, 1]);
    expect(peer.chats[1]).toMatchObject({ contentType: CONTENT_TYPE.image, content: { payload } });
    // Each clock is above the one before, although the clock stands still.
    expect(new Set(peer.chats.map(({ clock }) => clock)).size).toBe(2);
  });

  it('reads a double of itself', async () => {
    const network = createMemoryNetwork();
    const clock = manualClock();
    const alice = await newParty(network, clock, 'alice-1');
    const bob = await newParty(network, clock, 'bob-1');
    await alice.messenger.contacts.add(await bob.messenger.contacts.ownCode());
    await bob.messenger.contacts.add(await alice.messenger.contacts.ownCode());
    const { messageId: target } = await alice.status.send(direct(bob), { kind: 'text', text: 'one' });
    await quiet(network, alice, bob);
    await bob.status.send(direct(alice), { kind: 'text', text: 'two', replyTo: target });
    await alice.status.send(direct(bob), { kind: 'edit', target, text: 'uno' });
    await bob.status.send(direct(alice), { kind: 'reaction', target, reaction: 4 });
    await alice.status.send(direct(bob), { kind: 'delete', target });
    await quiet(network, alice, bob);
    expect(linesOf(bob)).toEqual(['direct text: one', 'edit', 'delete']);
    expect(linesOf(alice)).toEqual(['direct text: two', 'reaction']);
    expect(bob.contents[1]).toMatchObject({ target, text: 'uno' });
    const { group } = await alice.messenger.groups.create('ours', [bob.identity.publicKey]);
    const to = { kind: 'group', groupId: group.id } as const;
    const inGroup = await alice.status.send(to, { kind: 'text', text: 'to the group' });
    await quiet(network, alice, bob);
    await bob.status.send(to, { kind: 'text', text: 'reply', replyTo: inGroup.messageId });
    await quiet(network, alice, bob);
    expect(linesOf(bob).at(-1)).toBe('group text: to the group');
    expect(alice.contents.at(-1)).toMatchObject({ conversation: to, replyTo: inGroup.messageId });
    expect(alice.refused.concat(bob.refused)).toEqual([]);
  });

  it('lets nobody stop a conversation by a clock far ahead', async () => {
    const { network, alice, peer, clock } = await together('2020');
    await peer.text(alice.identity, 'from the future', { clock: 2n ** 63n });
    await quiet(network, alice, peer);
    expect(linesOf(alice)).toEqual(['direct text: from the future']);
    const { clock: next } = await alice.status.send(direct(peer), { kind: 'text', text: 'now' });
    expect(next).toBe(BigInt(clock.now()) + 120_001n);
  });

  it('bounds what it remembers', async () => {
    const network = createMemoryNetwork();
    const clock = manualClock();
    const alice = await newParty(network, clock, 'alice-1', {
      limits: { maxSeen: 4, maxOutgoing: 3, maxPeers: 2 },
    });
    const peer = await StatusPeer.open(network, clock, '2024');
    await alice.messenger.contacts.add(await peer.messenger.contacts.ownCode());
    peer.acknowledges = false;
    for (let i = 0; i < 10; i++) {
      await peer.text(alice.identity, `text ${i}`);
      await alice.status.send(direct(peer), { kind: 'text', text: `text ${i}` });
    }
    await quiet(network, alice, peer);
    const count = async (prefix: string) => {
      let found = 0;
      for await (const _ of alice.store.list(`app/status/${prefix}/`)) found++;
      return found;
    };
    expect(await count('seen')).toBe(4);
    expect(await count('ring')).toBe(4);
    expect(await count('outgoing')).toBe(3);
    expect(alice.undelivered).toHaveLength(7);
    for (let i = 0; i < 15; i++) {
      const stranger = await StatusPeer.open(network, clock, '2024');
      await stranger.messenger.contacts.add(await alice.messenger.contacts.ownCode());
      await stranger.text(alice.identity, 'hi');
      await quiet(network, alice, stranger);
      await stranger.messenger.close();
    }
    expect(await count('peer')).toBeLessThanOrEqual(2 + 9);
    expect(await count('seen')).toBeLessThanOrEqual(4 + 11);
  });

  it('refuses wrong contents and options, and stores nothing', async () => {
    const { alice, peer } = await together();
    const send = (content: never) => alice.status.send(direct(peer), content);
    await expect(send({ kind: 'text', text: ' ' } as never)).rejects.toMatchObject({ code: 'INVALID_TEXT' });
    await expect(send({ kind: 'text', text: 'x'.repeat(4097) } as never)).rejects.toMatchObject({
      code: 'LIMIT_EXCEEDED',
    });
    await expect(send({ kind: 'delete', target: '0x12' } as never)).rejects.toMatchObject({
      code: 'INVALID_TEXT',
    });
    expect(decodeDatasyncPayload(encodeUtf8('hello'))).toBeUndefined();
    expect(() => decodeChatMessage(encodeUtf8('hello'))).toThrow();
    expect(await alice.messenger.outbox.pending()).toEqual(new Set());
  });
});
