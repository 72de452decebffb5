import { createMemoryNetwork } from '@sotto/whisper-transport/memory';
import { describe, expect, it } from 'vitest';
import { newParty, type Party, quiet } from './party.js';
import { manualClock } from './support.js';
import { bytesOf, crypto, DAY, HOUR, MINUTE, START, textOf } from './world.js';

const payloads = (party: Party) => party.messages.map(({ payload }) => textOf(payload));

/** A world in which the clock of one device can be off. */
function world() {
  const right = manualClock(START);
  const network = createMemoryNetwork({ clock: right });
  let off = 0;
  const wrong = {
    ...right,
    now: () => right.now() + off,
    setOff(milliseconds: number) {
      off = milliseconds;
    },
  };
  return { network, right, wrong };
}

describe('what was sent while we were away, after our clock was off', () => {
  it.each([0, 9 * MINUTE, 21 * MINUTE, HOUR, DAY, 3650 * DAY, -DAY])(
    'by %d ms when last online: it comes at the next start',
    async (ahead) => {
      const { network, right, wrong } = world();
      wrong.setOff(ahead);
      const alice = await newParty(network, 'alice-1', { clock: right });
      const bob = await newParty(network, 'bob-1', { clock: wrong });
      for (const { messenger } of [alice, bob]) await messenger.chats.join('lobby');
      await quiet(network, alice, bob);
      await bob.messenger.close();
      wrong.setOff(0);
      right.advance(30 * MINUTE);
      await alice.say(bob, 'while away');
      await alice.messenger.send({ kind: 'public', name: 'lobby' }, bytesOf('said in public'));
      await quiet(network, alice);
      right.advance(15 * MINUTE);
      await bob.restart();
      await quiet(network, alice, bob);
      expect(payloads(bob).toSorted()).toEqual(['said in public', 'while away']);
      await bob.restart();
      await quiet(network, alice, bob);
      expect(bob.messages).toHaveLength(2);
    },
  );

  it.each([HOUR, DAY, -DAY])(
    'by %d ms when the connection was lost, and set right before it was back: it comes then',
    async (ahead) => {
      const { network, right, wrong } = world();
      wrong.setOff(ahead);
      const alice = await newParty(network, 'alice-1', { clock: right });
      const bob = await newParty(network, 'bob-1', { clock: wrong });
      await quiet(network, alice, bob);
      network.disconnect(bob.identity.publicKey);
      await quiet(network, alice, bob);
      wrong.setOff(0);
      right.advance(30 * MINUTE);
      await alice.say(bob, 'while disconnected');
      await quiet(network, alice);
      network.reconnect(bob.identity.publicKey);
      await quiet(network, alice, bob);
      expect(payloads(bob)).toEqual(['while disconnected']);
    },
  );
});

describe('an empty payload', () => {
  it('arrives in a public chat, and at someone whose bundle is not known', async () => {
    const network = createMemoryNetwork({ clock: manualClock(START) });
    const [alice, bob] = [await newParty(network, 'alice-1'), await newParty(network, 'bob-1')];
    for (const { messenger } of [alice, bob]) await messenger.chats.join('lobby');
    const one = await alice.messenger.send({ kind: 'public', name: 'lobby' }, new Uint8Array());
    const other = await alice.messenger.send(bob.identity.publicKey, new Uint8Array());
    await quiet(network, alice, bob);
    expect(bob.messages.map(({ conversation, payload }) => [conversation.kind, payload.length])).toEqual([
      ['public', 0],
      ['direct', 0],
    ]);
    expect(alice.events.sent.map(({ id }) => id)).toEqual(expect.arrayContaining([one.id, other.id]));
    expect(bob.events.decryptionFailed).toEqual([]);
  });

  it('and one that begins like a payload of ours arrive in a public chat as they were', async () => {
    const network = createMemoryNetwork({ clock: manualClock(START) });
    const [alice, bob] = [await newParty(network, 'alice-1'), await newParty(network, 'bob-1')];
    for (const { messenger } of [alice, bob]) await messenger.chats.join('lobby');
    const odd = Uint8Array.of(0xff, ...bytesOf('sotto'), 0, 1, 7, 7);
    await alice.messenger.send({ kind: 'public', name: 'lobby' }, odd);
    await quiet(network, alice, bob);
    expect(bob.messages.map(({ payload }) => payload)).toEqual([odd]);
  });

  it('arrives when a session begins anew with it, and ends none', async () => {
    const network = createMemoryNetwork({ clock: manualClock(START) });
    const [alice, bob] = [await newParty(network, 'alice-1'), await newParty(network, 'bob-1')];
    await alice.messenger.contacts.add(await bob.messenger.contacts.ownCode());
    await alice.say(bob, '1');
    await quiet(network, alice, bob);
    await bob.say(alice, '2');
    await quiet(network, alice, bob);
    await alice.messenger.devices.resetSession(bob.identity.publicKey);
    await alice.messenger.send(bob.identity.publicKey, new Uint8Array());
    await quiet(network, alice, bob);
    expect(payloads(bob)).toEqual(['1', '']);
    expect(bob.events.sessionReset).toEqual([]);
  });
});

describe('more devices than a message goes to', () => {
  it('of six, three hear; each of the others is told once, with what to do', async () => {
    const network = createMemoryNetwork({ clock: manualClock(START) });
    const identity = crypto.secp256k1.generateKeyPair();
    const alice = await newParty(network, 'alice-1');
    await alice.messenger.contacts.add(identity.publicKey);
    const devices: Party[] = [];
    for (let i = 0; i < 6; i++) {
      const device = await newParty(network, `bob-${i}`, { identity });
      await device.messenger.contacts.add(await alice.messenger.contacts.ownCode());
      devices.push(device);
    }
    for (const device of devices) {
      alice.clock.advance(MINUTE);
      for (const { clock } of devices) clock.advance(MINUTE);
      await device.say(alice, 'here I am');
      await quiet(network, alice, ...devices);
    }
    for (const text of ['one', 'two', 'three']) {
      await alice.messenger.send(identity.publicKey, bytesOf(text));
      await quiet(network, alice, ...devices);
    }
    const heard = devices.filter((device) => payloads(device).includes('three'));
    const others = devices.filter((device) => !heard.includes(device));
    expect([heard.length, others.length]).toEqual([3, 3]);
    for (const { events } of heard) expect(events.decryptionFailed).toEqual([]);
    for (const { events } of others) {
      expect(events.decryptionFailed.map(({ code }) => code)).toEqual(['DEVICE_NOT_ADDRESSED']);
      expect(events.decryptionFailed[0]?.reason).toMatch(/Write to it from this device/);
    }
  });
});

describe('bytes that are handed in', () => {
  it('as a Buffer, and changed afterwards: what was sent is what they were', async () => {
    const network = createMemoryNetwork({ clock: manualClock(START) });
    const [alice, bob] = [await newParty(network, 'alice-1'), await newParty(network, 'bob-1')];
    for (const { messenger } of [alice, bob]) await messenger.chats.join('lobby');
    const payload = Buffer.from('as it was');
    const key = Buffer.from(bob.identity.publicKey);
    network.disconnect(alice.identity.publicKey);
    await alice.messenger.send(key, payload);
    await alice.messenger.send({ kind: 'public', name: 'lobby' }, payload);
    payload.fill(0x58);
    key.fill(0);
    network.reconnect(alice.identity.publicKey);
    await quiet(network, alice, bob);
    expect(payloads(bob)).toEqual(['as it was', 'as it was']);
  });
});
