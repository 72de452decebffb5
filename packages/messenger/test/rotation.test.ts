import { createMemoryNetwork } from '@sotto/whisper-transport/memory';
import { describe, expect, it } from 'vitest';
import { newParty, type Party, quiet } from './party.js';
import { manualClock } from './support.js';
import { dump, HOUR, MINUTE, START } from './world.js';

/** Two who have talked, with a group and a chat. */
async function two() {
  const network = createMemoryNetwork({ clock: manualClock(START) });
  const [alice, bob] = [await newParty(network, 'alice-1'), await newParty(network, 'bob-1')];
  await alice.messenger.contacts.add(await bob.messenger.contacts.ownCode());
  await alice.messenger.chats.join('chat');
  const { group } = await alice.messenger.groups.create('group', [bob.identity.publicKey]);
  await alice.say(bob, 'hello');
  await quiet(network, alice, bob);
  await bob.say(alice, 'hi');
  await quiet(network, alice, bob);
  return { network, alice, bob, groupId: group.id };
}

/** 25 hours pass on a party's clock, and none of its timers runs. */
function sleep({ clock }: Party): void {
  const now = clock.now.bind(clock);
  clock.now = () => now() + 25 * HOUR;
}

/** The version of the prekey that someone else knows of a party's device. */
async function versionSeenBy(watcher: Party, of: Party): Promise<number | undefined> {
  return (await watcher.messenger.devices.list(of.identity.publicKey))[0]?.preKeyVersion;
}

const preKeysOf = async (party: Party) => {
  let count = 0;
  for await (const _ of party.store.list('prekey/')) count++;
  return count;
};

describe('reading when the prekey is over its lifetime', () => {
  it.each<[string, (party: Party, peer: Party, groupId: string) => unknown]>([
    ['contacts', ({ messenger }) => messenger.contacts.list()],
    ['requests', ({ messenger }) => messenger.requests.list()],
    ['blocked', ({ messenger }) => messenger.requests.blocked()],
    ['devices', ({ messenger }, peer) => messenger.devices.list(peer.identity.publicKey)],
    ['our own devices', ({ messenger }) => messenger.devices.list()],
    ['group', ({ messenger }, _, groupId) => messenger.groups.get(groupId)],
    ['groups', ({ messenger }) => messenger.groups.list()],
    ['chats', ({ messenger }) => messenger.chats.list()],
    ['unsent', ({ messenger }) => messenger.outbox.pending()],
    ['failed', ({ messenger }) => messenger.outbox.failed()],
    ['contactCode', ({ messenger }) => messenger.contacts.ownCode()],
    ['flushed', ({ messenger }) => messenger.flushed()],
  ])('%s draws no prekey, writes nothing and sends nothing', async (_, read) => {
    const { network, alice, bob, groupId } = await two();
    sleep(alice);
    bob.clock.advance(25 * HOUR);
    await quiet(network, alice, bob);
    const before = await dump(alice.store);
    const events = JSON.stringify(Object.values(bob.events).map(({ length }) => length));
    await read(alice, bob, groupId);
    await quiet(network, alice, bob);
    expect(await dump(alice.store)).toBe(before);
    expect(JSON.stringify(Object.values(bob.events).map(({ length }) => length))).toBe(events);
    expect(await versionSeenBy(bob, alice)).toBe(1);
  });
});

describe('rotation', () => {
  it('of an idle messenger: by its timer, and the bundle is published anew', async () => {
    const { network, alice, bob } = await two();
    expect(await versionSeenBy(bob, alice)).toBe(1);
    for (let hour = 0; hour < 24; hour++) {
      for (const { clock } of [alice, bob]) clock.advance(HOUR);
      await quiet(network, alice, bob);
    }
    expect([await preKeysOf(alice), await versionSeenBy(bob, alice)]).toEqual([1, 1]);
    for (const { clock } of [alice, bob]) clock.advance(MINUTE);
    await quiet(network, alice, bob);
    expect([await preKeysOf(alice), await versionSeenBy(bob, alice)]).toEqual([2, 2]);
    // Day after day, and once a day.
    for (let hour = 0; hour < 48; hour++) {
      for (const { clock } of [alice, bob]) clock.advance(HOUR);
      await quiet(network, alice, bob);
    }
    expect([await preKeysOf(alice), await versionSeenBy(bob, alice)]).toEqual([3, 3]);
  });

  it('after 25 hours of sleep: within the hour', async () => {
    const { network, alice, bob } = await two();
    sleep(alice);
    bob.clock.advance(25 * HOUR);
    await quiet(network, alice, bob);
    expect(await preKeysOf(alice)).toBe(1);
    for (const { clock } of [alice, bob]) clock.advance(HOUR);
    await quiet(network, alice, bob);
    expect([await preKeysOf(alice), await versionSeenBy(bob, alice)]).toEqual([2, 2]);
  });

  it('by a message 25 hours later: before it is encrypted, and the bundle is published as well', async () => {
    const { network, alice, bob } = await two();
    const carol = await newParty(network, 'carol-1');
    await carol.messenger.contacts.add(alice.identity.publicKey);
    await alice.messenger.contacts.publishOwnCode();
    await quiet(network, alice, bob, carol);
    expect(await versionSeenBy(carol, alice)).toBe(1);
    sleep(alice);
    for (const { clock } of [bob, carol]) clock.advance(25 * HOUR);
    const rotated = bob.events.preKeyRotated.length;
    await alice.say(bob, 'a day later');
    await quiet(network, alice, bob, carol);
    expect(bob.texts.at(-1)).toBe('direct alice-1 pq: a day later');
    expect(bob.events.preKeyRotated.length).toBe(rotated + 1);
    expect(await preKeysOf(alice)).toBe(2);
    // Carol got no message: it learns of the new prekey by the bundle.
    expect(await versionSeenBy(carol, alice)).toBe(2);
  });

  it('with a clock that was set back: a prekey made in the future is rotated by the timer, once', async () => {
    const clock = manualClock(START);
    const network = createMemoryNetwork({ clock: manualClock(START) });
    let off = 100 * 24 * HOUR;
    const now = clock.now.bind(clock);
    clock.now = () => now() + off;
    const alice = await newParty(network, 'alice-1', { clock });
    await quiet(network, alice);
    off = 0;
    clock.advance(HOUR);
    await quiet(network, alice);
    expect(await preKeysOf(alice)).toBe(2);
    for (let hour = 0; hour < 3; hour++) {
      clock.advance(HOUR);
      await quiet(network, alice);
    }
    expect(await preKeysOf(alice)).toBe(2);
  });
});
