import { describe, expect, it } from 'vitest';
import { statusGroupId } from '../../src/client/index.js';
import { CHAT_TYPE, MESSAGE_TYPE } from '../../src/index.js';
import { newGroup, people, tell, updateOf } from './group-support.js';
import { linesOf, type Party, quiet } from './party.js';
import { crypto, type StatusPeer } from './status-peer.js';

const textsOf = (party: Party) => linesOf(party).filter((line) => line.startsWith('group text'));

async function count({ store }: Party): Promise<number> {
  let found = 0;
  for await (const _ of store.list('app/status/held/')) found++;
  return found;
}

/** Sends a text to a group without data synchronisation, so that it is never repeated. */
async function sendBare(peer: StatusPeer, to: Party, chatId: string, text: string): Promise<void> {
  const chat = peer.chat(chatId, text, { messageType: CHAT_TYPE.group });
  await peer.send(to.identity, peer.sign(MESSAGE_TYPE.chatMessage, chat).bytes);
}

describe('a message without data synchronisation that comes too early', () => {
  it('is kept, over a restart too, and read when the events of its group are here', async () => {
    const { network, clock, alice, friend } = await people();
    const group = newGroup(friend, 1, [alice], clock.now());
    await sendBare(friend, alice, group.chatId, 'early');
    await quiet(network, alice, friend);
    expect(alice.refused).toEqual(['NOT_FOUND']);
    expect(await count(alice)).toBe(1);
    await alice.stop();
    await alice.open();
    await tell(friend, alice, group);
    await quiet(network, alice, friend);
    expect(textsOf(alice)).toEqual(['group text: early']);
    expect(await count(alice)).toBe(0);
    await clock.advanceAndRest(120_000);
    await quiet(network, alice, friend);
    expect(textsOf(alice)).toEqual(['group text: early']);
  });

  it('is read when our clock has been set right', async () => {
    const { network, clock, alice, friend } = await people();
    const group = newGroup(friend, 1, [alice], clock.now() + 300_000);
    const { bytes } = friend.sign(MESSAGE_TYPE.membershipUpdate, updateOf(group, friend, 'hello'));
    await friend.send(alice.identity, bytes);
    await quiet(network, alice, friend);
    expect(await alice.status.groups.list()).toEqual([]);
    await clock.advanceAndRest(60_000);
    await quiet(network, alice, friend);
    expect(textsOf(alice)).toEqual([]);
    await clock.advanceAndRest(300_000);
    await quiet(network, alice, friend);
    expect(textsOf(alice)).toEqual(['group text: hello']);
    expect((await alice.status.groups.get(statusGroupId(crypto, group.chatId)))?.state).toBe('joined');
  });

  it('is offered again when the application could not store it', async () => {
    const { network, clock, alice, friend } = await people();
    const group = newGroup(friend, 1, [alice], clock.now());
    await sendBare(friend, alice, group.chatId, 'early');
    await quiet(network, alice, friend);
    alice.failing = (writes) => {
      const isHeld = writes.some(({ type, key }) => type === 'delete' && key.startsWith('app/status/held/'));
      if (isHeld) throw new Error('full');
    };
    await tell(friend, alice, group);
    await quiet(network, alice, friend);
    expect(textsOf(alice)).toEqual([]);
    alice.failing = undefined;
    await clock.advanceAndRest(61_000);
    await quiet(network, alice, friend);
    expect(textsOf(alice)).toEqual(['group text: early']);
  });

  it('is given up after a week; of one person, and of strangers, no more are kept than the limits', async () => {
    const { network, clock, alice, friend, mallory } = await people();
    const { chatId } = newGroup(friend, 1, [alice], clock.now());
    for (let n = 0; n < 40; n++) await sendBare(friend, alice, chatId, `text ${n}`);
    await sendBare(mallory, alice, chatId, 'of a stranger');
    await quiet(network, alice, friend, mallory);
    expect(await count(alice)).toBe(32);
    await alice.stop();
    clock.advance(8 * 24 * 3_600_000);
    await alice.open();
    await clock.advanceAndRest(3_601_000);
    await quiet(network, alice, friend);
    expect(await count(alice)).toBe(0);
  });
});
