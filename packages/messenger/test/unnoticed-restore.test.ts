import { createMemoryNetwork } from '@sotto/whisper-transport/memory';
import { describe, expect, it } from 'vitest';
import { newParty, type Party, quiet } from './party.js';
import { manualClock } from './support.js';
import { HOUR, START } from './world.js';

/** Alice goes back to an old copy of her store, and nothing tells her so. */
async function scene() {
  const clock = manualClock(START);
  const network = createMemoryNetwork({ clock });
  const [alice, bob] = [
    await newParty(network, 'alice-1', { clock }),
    await newParty(network, 'bob-1', { clock }),
  ];
  await alice.messenger.contacts.add(await bob.messenger.contacts.ownCode());
  await bob.messenger.contacts.add(await alice.messenger.contacts.ownCode());
  const turn = async (text: string) => {
    for (const [from, to] of [
      [alice, bob],
      [bob, alice],
    ] as [Party, Party][]) {
      await from.say(to, text);
      await quiet(network, alice, bob);
    }
  };
  await turn('one');
  await turn('two');
  const copy = new Map<string, Uint8Array>();
  for await (const { key, value } of alice.store.list('')) copy.set(key, value.slice());
  await turn('three');
  await turn('four');
  await alice.messenger.close();
  const later: string[] = [];
  for await (const { key } of alice.store.list('')) if (!copy.has(key)) later.push(key);
  await alice.store.commit([
    ...[...copy].map(([key, value]) => ({ type: 'put', key, value }) as const),
    ...later.map((key) => ({ type: 'delete', key }) as const),
  ]);
  await alice.restart();
  await quiet(network, alice, bob);
  for (const party of [alice, bob]) party.texts.length = 0;
  return { clock, network, alice, bob, turn };
}

describe('a peer that went back to an old copy of its store without noticing', () => {
  it('is readable, and reads, again when the prekeys are replaced; both were told, once', async () => {
    const { clock, network, alice, bob, turn } = await scene();
    for (let hour = 0; hour < 30; hour += 5) {
      await turn(`${hour}`);
      clock.advance(5 * HOUR);
      await quiet(network, alice, bob);
    }
    for (const { events } of [alice, bob]) {
      expect(events.decryptionFailed).toHaveLength(1);
      expect(events.decryptionFailed[0]).toMatchObject({ answered: false });
      expect(events.decryptionFailed[0]?.reason).toContain('reset the session');
    }
    for (const { texts } of [alice, bob]) texts.length = 0;
    await turn('again');
    expect(bob.texts).toEqual(['direct alice-1 pq: again']);
    expect(alice.texts).toEqual(['direct bob-1 pq: again']);
  });

  it('reads again at once what is written after a reset, each way', async () => {
    const { network, alice, bob, turn } = await scene();
    await bob.messenger.devices.resetSession(alice.identity.publicKey);
    await bob.say(alice, 'again');
    await quiet(network, alice, bob);
    expect(alice.texts).toEqual(['direct bob-1 pq: again']);
    await alice.messenger.devices.resetSession(bob.identity.publicKey);
    await turn('both ways');
    await turn('and on');
    expect(bob.texts).toEqual(['direct alice-1 pq: both ways', 'direct alice-1 pq: and on']);
    expect(alice.texts.slice(1)).toEqual(['direct bob-1 pq: both ways', 'direct bob-1 pq: and on']);
  });
});
