import { manualClock } from '@sotto/testing/clock';
import { createMemoryNetwork } from '@sotto/whisper-transport/memory';
import { describe, expect, it } from 'vitest';
import { CONTENT_TYPE, MESSAGE_TYPE } from '../../src/index.js';
import { keyOf, people } from './group-support.js';
import { linesOf, newParty, quiet } from './party.js';
import { StatusPeer } from './status-peer.js';

describe('a new contact request', () => {
  const ends = {
    'after the contact was ended': (alice, friend) =>
      alice.status.contacts.retract(friend.identity.publicKey),
    'of a contact who was removed': (alice, friend) =>
      alice.messenger.contacts.remove(friend.identity.publicKey),
    'of a person who was blocked and unblocked': async (alice, friend) => {
      await alice.messenger.requests.block(friend.identity.publicKey);
      await alice.messenger.requests.unblock(friend.identity.publicKey);
    },
  } satisfies Record<
    string,
    (alice: Awaited<ReturnType<typeof people>>['alice'], friend: StatusPeer) => Promise<void>
  >;

  it.each(Object.entries(ends))('%s waits for the user', async (_, end) => {
    const { network, clock, alice, friend } = await people();
    const ask = () => friend.text(alice.identity, 'shall we?', { contentType: CONTENT_TYPE.contactRequest });
    const answers = () => friend.ofType(MESSAGE_TYPE.acceptContactRequest).length;
    await ask();
    await quiet(network, alice, friend);
    expect(answers()).toBe(1);
    await end(alice, friend);
    await quiet(network, alice, friend);
    clock.advance(5_000);
    await ask();
    await quiet(network, alice, friend);
    expect(answers()).toBe(1);
    await alice.stop();
    await alice.open();
    await quiet(network, alice, friend);
    expect(answers()).toBe(1);
    expect((await alice.status.contacts.get(friend.identity.publicKey)).state).toBe('received');
    await alice.status.contacts.accept(friend.identity.publicKey);
    await quiet(network, alice, friend);
    expect(answers()).toBe(2);
    expect((await alice.status.contacts.get(friend.identity.publicKey)).state).toBe('mutual');
  });

  it('is answered when the user makes the person a contact again', async () => {
    const { network, clock, alice, friend } = await people();
    await alice.messenger.contacts.remove(friend.identity.publicKey);
    await quiet(network, alice);
    clock.advance(5_000);
    await friend.text(alice.identity, 'shall we?', { contentType: CONTENT_TYPE.contactRequest });
    await quiet(network, alice, friend);
    expect(friend.ofType(MESSAGE_TYPE.acceptContactRequest)).toHaveLength(0);
    await alice.messenger.contacts.add(friend.identity.publicKey);
    await quiet(network, alice, friend);
    expect(friend.ofType(MESSAGE_TYPE.acceptContactRequest)).toHaveLength(1);
  });
});

describe('people whom the user has accepted', () => {
  it("are not forgotten for strangers' sake: their repeats are still recognised", async () => {
    const network = createMemoryNetwork();
    const clock = manualClock();
    const alice = await newParty(network, clock, 'alice-1', { limits: { maxPeers: 4 } });
    const friend = await StatusPeer.open(network, clock, '2024');
    await friend.messenger.contacts.add(await alice.messenger.contacts.ownCode());
    await quiet(network, alice, friend);
    const chat = friend.chat(keyOf(alice), 'pay 10');
    const message = friend.wrap(alice.identity, friend.sign(MESSAGE_TYPE.chatMessage, chat).bytes);
    await friend.sync(alice.identity, message);
    await quiet(network, alice, friend);
    await alice.messenger.requests.accept(friend.identity.publicKey);
    clock.advance(1_000);
    for (let n = 0; n < 20; n++) {
      const stranger = await StatusPeer.open(network, clock, '2024');
      await stranger.messenger.contacts.add(await alice.messenger.contacts.ownCode());
      await stranger.text(alice.identity, `spam ${n}`);
      await quiet(network, alice, stranger);
      await stranger.messenger.close();
    }
    await friend.sync(alice.identity, message);
    await quiet(network, alice, friend);
    expect(linesOf(alice).filter((line) => line.includes('pay'))).toHaveLength(1);
    let known = 0;
    for await (const _ of alice.store.list('app/status/peer/')) known++;
    expect(known).toBeLessThan(15);
  });
});
