import {
  SottoError,
  type Store,
  type Transport,
  type TransportMessage,
  type TransportStatus,
  type Write,
} from '@sotto/core';
import { createMemoryNetwork } from '@sotto/whisper-transport/memory';
import { describe, expect, it } from 'vitest';
import { createMessenger, type TakenMessage } from '../src/index.js';
import { labelOf, newParty, quiet } from './party.js';
import { manualClock } from './support.js';
import { bytesOf, crypto, DAY, dump, HOUR, keptView, MINUTE, START, textOf } from './world.js';

const newNetwork = () => createMemoryNetwork({ clock: manualClock(START) });

async function two() {
  const network = newNetwork();
  const [alice, bob] = [await newParty(network, 'alice-1'), await newParty(network, 'bob-1')];
  await alice.messenger.contacts.add(await bob.messenger.contacts.ownCode());
  await quiet(network, alice, bob);
  return { network, alice, bob };
}

describe('1:1', () => {
  it('from a contact code to the ratchet and the negotiated topic', async () => {
    const { network, alice, bob } = await two();
    const first = await alice.say(bob, 'hello');
    expect(first.devices).toEqual([{ installationId: 'bob-1', sent: 'pq' }]);
    await quiet(network, alice, bob);
    await bob.say(alice, 'hi');
    await quiet(network, alice, bob);
    const third = await alice.say(bob, 'how are you');
    expect(third.devices).toEqual([{ installationId: 'bob-1', sent: 'pq' }]);
    await quiet(network, alice, bob);
    expect(bob.texts).toEqual(['direct alice-1 pq: hello', 'direct alice-1 pq: how are you']);
    expect(alice.texts).toEqual(['direct bob-1 pq: hi']);
    expect(bob.events.deviceAdded).toEqual([
      { identity: alice.identity.publicKey, installationId: 'alice-1', own: false, firstContact: true },
    ]);
    expect(bob.events.sessionEstablished).toHaveLength(1);
    expect(alice.events.sent.map(({ id }) => id)).toEqual(expect.arrayContaining([first.id, third.id]));
    expect(bob.messages[0]?.id).toBe(first.id);
  });

  it('to an identity alone: the fallback first, the ratchet after the answer', async () => {
    const network = newNetwork();
    const [alice, bob] = [await newParty(network, 'alice-1'), await newParty(network, 'bob-1')];
    await alice.say(bob, 'hello');
    await quiet(network, alice, bob);
    await bob.say(alice, 'hi');
    await quiet(network, alice, bob);
    expect(bob.texts).toEqual(['direct alice-1 dh: hello']);
    expect(alice.texts).toEqual(['direct bob-1 pq: hi']);
  });

  it('two equal texts are two messages', async () => {
    const { network, alice, bob } = await two();
    await alice.say(bob, 'ok');
    await alice.say(bob, 'ok');
    await quiet(network, alice, bob);
    expect(bob.texts).toHaveLength(2);
  });

  it('bytes that begin like a payload of ours come through as they are', async () => {
    const { network, alice, bob } = await two();
    const odd = Uint8Array.of(0xff, ...bytesOf('sotto'), 0, 1, 7);
    await alice.messenger.send(bob.identity.publicKey, odd);
    await alice.messenger.send(bob.identity.publicKey, new Uint8Array(0));
    await quiet(network, alice, bob);
    expect(bob.messages.map(({ payload }) => payload)).toEqual([odd, new Uint8Array(0)]);
  });

  it('says whether the sender was verified', async () => {
    const { network, alice, bob } = await two();
    await alice.say(bob, 'one');
    await quiet(network, alice, bob);
    await bob.messenger.contacts.setVerified(alice.identity.publicKey, true);
    await alice.say(bob, 'two');
    await quiet(network, alice, bob);
    expect(bob.messages.map(({ verified }) => verified)).toEqual([false, true]);
  });

  it('survives a network that loses nothing but order and count', async () => {
    const { network, alice, bob } = await two();
    network.setConditions({ duplication: 0.5, reordering: 0.5 });
    const sent: string[] = [];
    for (let i = 0; i < 20; i++) {
      const [from, to, name] =
        i % 3 === 0 ? ([bob, alice, 'bob-1'] as const) : ([alice, bob, 'alice-1'] as const);
      await from.say(to, `${i}`);
      sent.push(`direct ${name} pq: ${i}`);
      if (i % 5 === 0) await quiet(network, alice, bob);
    }
    await quiet(network, alice, bob);
    expect([...alice.texts, ...bob.texts].map((text) => text.replace(' dh:', ' dr:')).toSorted()).toEqual(
      sent.toSorted(),
    );
  });
});

describe('exactly once', () => {
  it('what is not acknowledged is given again after a restart, and then no more', async () => {
    const network = newNetwork();
    const alice = await newParty(network, 'alice-1');
    const bob = await newParty(network, 'bob-1', { acknowledge: false });
    await alice.messenger.contacts.add(await bob.messenger.contacts.ownCode());
    await alice.say(bob, 'one');
    await quiet(network, alice, bob);
    expect(bob.texts).toHaveLength(1);
    await bob.restart();
    expect(bob.texts).toHaveLength(2);
    expect(bob.messages[1]).toMatchObject({ id: bob.messages[0]?.id, payload: bytesOf('one') });
    await bob.messages[1]?.acknowledge();
    await bob.messages[1]?.acknowledge();
    await bob.restart();
    expect(bob.texts).toHaveLength(2);
  });

  it('what the transport has not taken is sent after a restart, the same bytes', async () => {
    const { network, alice, bob } = await two();
    network.disconnect(alice.identity.publicKey);
    await alice.say(bob, 'later');
    await alice.messenger.flushed();
    expect(bob.texts).toEqual([]);
    const stored = [];
    for await (const { key } of alice.store.list('outbox/')) stored.push(key);
    expect(stored.length).toBeGreaterThan(0);
    await alice.messenger.close();
    network.reconnect(alice.identity.publicKey);
    await alice.restart();
    await quiet(network, alice, bob);
    expect(bob.texts).toEqual(['direct alice-1 pq: later']);
    for await (const { key } of alice.store.list('outbox/')) throw new Error(`${key} was left`);
  });

  it('a store opens without reading who all the people are, and who connects hears them all', async () => {
    const network = newNetwork();
    const listed: string[] = [];
    const watching = (store: Store): Store => ({
      ...store,
      list: (prefix, options) => {
        listed.push(prefix);
        return store.list(prefix, options);
      },
    });
    const bob = await newParty(network, 'bob-1');
    const carol = await newParty(network, 'carol-1');
    const alice = await newParty(network, 'alice-1', { wrapStore: watching });
    for (const other of [bob, carol]) {
      await alice.messenger.contacts.add(await other.messenger.contacts.ownCode());
      await alice.say(other, 'hello');
      await quiet(network, alice, other);
      await other.say(alice, 'welcome');
      await quiet(network, alice, other);
    }
    await alice.messenger.close();
    listed.length = 0;
    const offline = await createMessenger({
      identity: alice.identity,
      store: watching(keptView(alice.store)),
      transport: network.transport(),
      crypto,
      clock: alice.clock,
    });
    // Written to and removed before it is known who else there is.
    await offline.send(bob.identity.publicKey, bytesOf('from the tunnel'));
    await offline.contacts.remove(carol.identity.publicKey);
    expect(listed.filter((prefix) => /^(negotiated|contact)/.test(prefix))).toEqual([]);
    const heard: string[] = [];
    offline.on('message', async (message) => {
      heard.push(textOf(message.payload));
      await message.acknowledge();
    });
    await offline.start();
    expect(listed).toEqual(expect.arrayContaining(['negotiated/', 'contact/']));
    await quiet(network, bob, carol);
    await offline.flushed();
    expect(bob.texts.at(-1)).toMatch(/from the tunnel$/);
    await bob.say(alice, 'one');
    await carol.say(alice, 'two');
    await quiet(network, bob, carol);
    await offline.flushed();
    expect(heard.toSorted()).toEqual(['one', 'two']);
    expect((await offline.contacts.list()).map(({ identity }) => identity)).toEqual([bob.identity.publicKey]);
    await offline.close();
  });

  it('a send that fails is tried again by the clock, and at once when the connection is back', async () => {
    const { network, alice, bob } = await two();
    network.disconnect(alice.identity.publicKey);
    await alice.say(bob, 'one');
    await alice.messenger.flushed();
    network.reconnect(alice.identity.publicKey);
    await quiet(network, alice, bob);
    expect(bob.texts).toEqual(['direct alice-1 pq: one']);
    expect(alice.events.status).toEqual(['reconnecting', 'connected']);
  });

  it('messages go out while those before them are being deleted from the outbox', async () => {
    const network = newNetwork();
    let release = () => {};
    let stopped: Promise<void> | undefined;
    const slow = (store: Store): Store => ({
      ...store,
      commit: async (writes, options) => {
        if (writes.every(({ type, key }) => type === 'delete' && key.startsWith('outbox/'))) await stopped;
        return store.commit(writes, options);
      },
    });
    const alice = await newParty(network, 'alice-1', { wrapStore: slow });
    const bob = await newParty(network, 'bob-1');
    await alice.messenger.contacts.add(await bob.messenger.contacts.ownCode());
    await quiet(network, alice, bob);
    stopped = new Promise((resolve) => {
      release = resolve;
    });
    const texts = Array.from({ length: 30 }, (_, i) => `message ${i}`);
    const sends = texts.map((text) => alice.say(bob, text));
    await Promise.all(sends);
    // More than may be on their way at once, and none is deleted yet.
    await expect.poll(() => bob.texts.length).toBe(30);
    expect(alice.events.sent).toEqual([]);
    release();
    await quiet(network, alice, bob);
    expect(bob.texts).toEqual(texts.map((text) => `direct alice-1 pq: ${text}`));
    expect(alice.events.sent).toHaveLength(30);
    expect([...(await alice.messenger.outbox.pending())]).toEqual([]);
  });

  it('a store that fails while receiving: the message comes again, once', async () => {
    const network = newNetwork();
    let failures = 0;
    const failing = (store: Store): Store => ({
      ...store,
      commit: async (writes, options) => {
        if (failures > 0 && writes.some(({ key }) => key.startsWith('inbox/'))) {
          failures--;
          throw new SottoError('STORE_UNAVAILABLE', 'disk full', { reason: 'test' });
        }
        return store.commit(writes, options);
      },
    });
    const alice = await newParty(network, 'alice-1');
    const bob = await newParty(network, 'bob-1', { wrapStore: failing });
    await alice.messenger.contacts.add(await bob.messenger.contacts.ownCode());
    failures = 2;
    await alice.say(bob, 'one');
    await quiet(network, alice, bob);
    expect(bob.texts).toEqual(['direct alice-1 pq: one']);
    expect(bob.events.storageError).toHaveLength(2);
  });

  it('one message received is one commit, one message sent is two', async () => {
    const network = newNetwork();
    let commits: string[][] = [];
    const counting = (store: Store): Store => ({
      ...store,
      commit: async (writes, options) => {
        commits.push(writes.map(({ key }) => key.split('/')[0] as string));
        return store.commit(writes, options);
      },
    });
    const alice = await newParty(network, 'alice-1');
    const bob = await newParty(network, 'bob-1', { wrapStore: counting, acknowledge: false });
    await alice.messenger.contacts.add(await bob.messenger.contacts.ownCode());
    await alice.say(bob, 'one');
    await quiet(network, alice, bob);
    await bob.messenger.requests.accept(alice.identity.publicKey);
    await quiet(network, alice, bob);
    commits = [];
    await alice.say(bob, 'two');
    await quiet(network, alice, bob);
    expect(commits).toHaveLength(1);
    expect(commits[0]?.toSorted()).toEqual(['inbox', 'session']);
    commits = [];
    await bob.say(alice, 'three');
    await quiet(network, alice, bob);
    // The ratchet step with its ciphertext, then the removal of what was sent.
    expect(commits.map((kinds) => kinds.includes('outbox'))).toEqual([true, true]);
  });
});

describe('recovery', () => {
  it('a recovered account talks again after one round trip, and is answered once in 2 h', async () => {
    const { network, alice, bob } = await two();
    await alice.say(bob, 'one');
    await quiet(network, alice, bob);
    await bob.say(alice, 'two');
    await quiet(network, alice, bob);
    await bob.messenger.close();
    const recovered = await newParty(network, 'bob-2', {
      identity: bob.identity,
      clock: manualClock(START + MINUTE),
    });
    await quiet(network, alice, recovered);
    // Its contact code told alice already; had that been lost, the answer to the next message would.
    await alice.say(bob, 'three');
    await quiet(network, alice, recovered);
    expect(recovered.texts.at(-1)).toBe('direct alice-1 pq: three');
    await recovered.say(alice, 'four');
    await quiet(network, alice, recovered);
    expect(alice.texts.at(-1)).toBe('direct bob-2 pq: four');
  });

  it('a message without an entry for us: one reply, the first time at once, then not for 2 h', async () => {
    const { network, alice, bob } = await two();
    const laptop = await newParty(network, 'bob-2', { identity: bob.identity, start: false });
    network.disconnect(alice.identity.publicKey);
    const sent: string[] = [];
    // Alice is cut off from the contact code of the new device, and from its answers.
    for (let i = 0; i < 3; i++) sent.push((await alice.say(bob, `${i}`)).id);
    await laptop.messenger.start();
    await quiet(network, laptop);
    network.reconnect(alice.identity.publicKey);
    await quiet(network, alice, bob, laptop);
    expect(laptop.events.decryptionFailed.map(({ code, answered }) => [code, answered])).toEqual([
      // The user is told once.
      ['DEVICE_NOT_ADDRESSED', true],
    ]);
    expect(laptop.events.decryptionFailed[0]?.reason).toMatch(/next message will be readable/);
    await alice.say(bob, 'now');
    await quiet(network, alice, bob, laptop);
    expect(laptop.texts).toEqual(['direct alice-1 pq: now']);
    expect(bob.texts).toHaveLength(4);
  });

  it('a new device with an empty store is written to by a peer on whose topic it was not', async () => {
    const { network, alice, bob } = await two();
    for (const [from, to] of [
      [alice, bob],
      [bob, alice],
      [alice, bob],
    ] as const) {
      await from.say(to, 'on the negotiated topic');
      await quiet(network, alice, bob);
    }
    const code = await alice.messenger.contacts.ownCode();
    await bob.messenger.close();
    // Alice hears nothing of it by the topic of contact codes.
    await alice.messenger.contacts.remove(bob.identity.publicKey);
    network.disconnect(alice.identity.publicKey);
    const phone = await newParty(network, 'bob-2', {
      identity: bob.identity,
      clock: manualClock(START + MINUTE),
    });
    await quiet(network, phone);
    network.reconnect(alice.identity.publicKey);
    await phone.messenger.contacts.add(code);
    await quiet(network, alice, phone);
    await alice.say(bob, 'to the new phone');
    await quiet(network, alice, phone);
    expect(phone.texts).toEqual(['direct alice-1 pq: to the new phone']);
  });

  it('a device that lost its store under its old name gets through', async () => {
    const { network, alice, bob } = await two();
    await alice.say(bob, 'one');
    await quiet(network, alice, bob);
    await bob.say(alice, 'two');
    await quiet(network, alice, bob);
    await bob.messenger.close();
    // Only the store is lost; its answer is what brings it back, so the contact code is kept from alice.
    network.disconnect(alice.identity.publicKey);
    const again = await newParty(network, 'bob-1', {
      identity: bob.identity,
      clock: manualClock(START + MINUTE),
    });
    await quiet(network, again);
    network.reconnect(alice.identity.publicKey);
    await alice.say(bob, 'lost?');
    await quiet(network, alice, again);
    await alice.say(bob, 'again');
    await quiet(network, alice, again);
    expect(again.texts.at(-1)).toBe('direct alice-1 pq: again');
    await again.say(alice, 'here');
    await quiet(network, alice, again);
    expect(alice.texts.at(-1)).toBe('direct bob-1 pq: here');
  });

  it('resetSession begins a new session', async () => {
    const { network, alice, bob } = await two();
    await alice.say(bob, 'one');
    await quiet(network, alice, bob);
    await bob.say(alice, 'two');
    await quiet(network, alice, bob);
    await alice.messenger.devices.resetSession(bob.identity.publicKey);
    expect(alice.events.sessionReset).toHaveLength(1);
    const { devices } = await alice.say(bob, 'three');
    expect(devices[0]).toMatchObject({ sent: 'pq' });
    await quiet(network, alice, bob);
    expect(bob.texts.at(-1)).toBe('direct alice-1 pq: three');
    expect(bob.events.sessionEstablished).toHaveLength(2);
  });
});

describe('bundles', () => {
  it('are found on the contact-code topic, live and in history', async () => {
    const network = newNetwork();
    const alice = await newParty(network, 'alice-1');
    const bob = await newParty(network, 'bob-1');
    await quiet(network, alice, bob);
    // Published before alice listened.
    expect(await alice.messenger.contacts.lookUp(bob.identity.publicKey)).toEqual({
      identity: bob.identity.publicKey,
      found: true,
      name: undefined,
      answers: [
        { source: 'history', outcome: 'found' },
        { source: 'topic', outcome: 'none' },
      ],
    });
    const stranger = crypto.secp256k1.generateKeyPair().publicKey;
    expect(await alice.messenger.contacts.lookUp(stranger)).toMatchObject({
      identity: stranger,
      found: false,
      answers: [
        { source: 'history', outcome: 'none' },
        { source: 'topic', outcome: 'none' },
      ],
    });
    const { devices } = await alice.say(bob, 'x');
    expect(devices).toEqual([{ installationId: 'bob-1', sent: 'pq' }]);
  });

  it('are published every 6 h, and on rotation', async () => {
    const network = newNetwork();
    const watcher = await newParty(network, 'watcher');
    const bob = await newParty(network, 'bob-1');
    await watcher.messenger.contacts.add(bob.identity.publicKey);
    await quiet(network, bob, watcher);
    const version = async () => (await watcher.messenger.devices.list(bob.identity.publicKey))[0];
    watcher.clock.advance(6 * HOUR);
    bob.clock.advance(6 * HOUR);
    await quiet(network, bob, watcher);
    expect(await version()).toMatchObject({ preKeyVersion: 1, lastActiveAt: START + 6 * HOUR });
    watcher.clock.advance(19 * HOUR);
    bob.clock.advance(19 * HOUR);
    await quiet(network, bob, watcher);
    expect(await version()).toMatchObject({ preKeyVersion: 2 });
    expect(watcher.events.preKeyRotated).toEqual([
      { identity: bob.identity.publicKey, installationId: 'bob-1' },
    ]);
  });

  it('in a contact code: damaged, forged, of someone else', async () => {
    const { alice, bob } = await two();
    const code = await bob.messenger.contacts.ownCode();
    const contact = await alice.messenger.contacts.add(code);
    expect(contact.identity).toEqual(bob.identity.publicKey);
    await expect(alice.messenger.contacts.add('%%%')).rejects.toMatchObject({ code: 'INVALID_TEXT' });
    await expect(alice.messenger.contacts.add(btoa('{"identity":1}'))).rejects.toMatchObject({
      code: 'MALFORMED_MESSAGE',
    });
    const json = JSON.parse(atob(code));
    const forged = btoa(JSON.stringify({ ...json, timestamp: `${BigInt(json.timestamp) + 1n}` }));
    await expect(alice.messenger.contacts.add(forged)).rejects.toMatchObject({
      code: 'BUNDLE_SIGNATURE_INVALID',
    });
    expect(await alice.messenger.contacts.list()).toEqual([
      { identity: bob.identity.publicKey, verified: false },
    ]);
    await alice.messenger.contacts.remove(bob.identity.publicKey);
    expect(await alice.messenger.contacts.list()).toEqual([]);
  });
});

describe('devices of our own', () => {
  it('pair, get copies, and part', async () => {
    const { network, alice, bob } = await two();
    const laptop = await newParty(network, 'alice-2', { identity: alice.identity });
    await laptop.messenger.devices.announce();
    await alice.messenger.devices.announce();
    await quiet(network, alice, bob, laptop);
    expect(alice.events.deviceAdded).toContainEqual({
      identity: alice.identity.publicKey,
      installationId: 'alice-2',
      own: true,
      firstContact: true,
    });
    await alice.messenger.devices.enable('alice-2');
    await laptop.messenger.devices.enable('alice-1');
    expect(alice.events.deviceEnabled).toEqual([{ installationId: 'alice-2', enabled: true }]);
    await alice.messenger.devices.describe('alice-2', { name: 'laptop' });
    expect((await alice.messenger.devices.list())[0]).toMatchObject({
      installationId: 'alice-2',
      enabled: true,
      name: 'laptop',
    });
    const { ownDevices } = await alice.say(bob, 'hello');
    expect(ownDevices).toEqual([{ installationId: 'alice-2', sent: 'pq' }]);
    await quiet(network, alice, bob, laptop);
    expect(laptop.texts).toEqual(['direct copy alice-1 pq: hello']);
    expect(laptop.messages[0]?.conversation).toEqual({ kind: 'direct', peer: bob.identity.publicKey });
    await bob.say(alice, 'to both');
    await quiet(network, alice, bob, laptop);
    expect(alice.texts.at(-1)).toBe('direct bob-1 pq: to both');
    expect(laptop.texts.at(-1)).toBe('direct bob-1 pq: to both');
    await alice.messenger.devices.disable('alice-2');
    expect(alice.events.deviceEnabled.at(-1)).toEqual({ installationId: 'alice-2', enabled: false });
    const { ownDevices: none } = await alice.say(bob, 'alone');
    expect(none).toEqual([]);
    await expect(alice.messenger.devices.enable('tablet')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('are unlinked: nothing is sent to them, and our bundle without them is published', async () => {
    const { network, alice, bob } = await two();
    const laptop = await newParty(network, 'alice-2', { identity: alice.identity });
    await laptop.messenger.devices.announce();
    await alice.messenger.devices.announce();
    await quiet(network, alice, bob, laptop);
    await alice.messenger.devices.enable('alice-2');
    await alice.messenger.devices.describe('alice-2', { name: 'laptop' });
    await alice.messenger.contacts.publishOwnCode();
    await quiet(network, alice, bob, laptop);
    const devicesIn = async () =>
      Object.keys(JSON.parse(atob(await alice.messenger.contacts.ownCode())).signedPreKeys).sort();
    expect(await devicesIn()).toEqual(['alice-1', 'alice-2']);
    await alice.messenger.devices.unlink('alice-2');
    expect(await devicesIn()).toEqual(['alice-1']);
    expect(await alice.messenger.devices.list()).toMatchObject([{ enabled: false, name: '' }]);
    await quiet(network, alice, bob, laptop);
    // Somebody new learns of the one device alone.
    const carol = await newParty(network, 'carol-1');
    await carol.messenger.contacts.add(await alice.messenger.contacts.ownCode());
    await quiet(network, alice, bob, laptop, carol);
    const known = await carol.messenger.devices.list(alice.identity.publicKey);
    expect(known.map(({ installationId }) => installationId)).toEqual(['alice-1']);
    expect((await alice.say(bob, 'alone')).ownDevices).toEqual([]);
    await expect(alice.messenger.devices.unlink('alice-1')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('get what the application makes for them in place of the copy, or nothing', async () => {
    const { network, alice, bob } = await two();
    const laptop = await newParty(network, 'alice-2', { identity: alice.identity });
    await laptop.messenger.devices.announce(bytesOf('I am a laptop'));
    await quiet(network, alice, bob, laptop);
    expect(alice.texts).toEqual(['direct copy alice-2 dh: I am a laptop']);
    await alice.messenger.devices.enable('alice-2');
    const { identity } = bob;
    await alice.messenger.send(identity.publicKey, bytesOf('one'), { ownCopy: bytesOf('one, to Bob') });
    const { ownDevices } = await alice.messenger.send(identity.publicKey, bytesOf('two'), { ownCopy: false });
    expect(ownDevices).toEqual([]);
    await quiet(network, alice, bob, laptop);
    expect(bob.texts).toEqual(['direct alice-1 pq: one', 'direct alice-1 pq: two']);
    expect(laptop.texts).toEqual(['direct copy alice-1 pq: one, to Bob']);
    expect(laptop.messages[0]?.conversation).toEqual({ kind: 'direct', peer: alice.identity.publicKey });
    await expect(
      alice.messenger.send(identity.publicKey, bytesOf('three'), { ownCopy: 'text' as never }),
    ).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });

  it('no one else can say what we sent', async () => {
    const { network, alice, bob } = await two();
    const { encodePayload } = await import('../src/runtime/payload.js');
    const forged = encodePayload({
      kind: 'ownCopy',
      to: alice.identity.publicKey,
      payload: bytesOf('forged'),
    });
    // The escape keeps an application from sending one, so the device below is used.
    const { newNode } = await import('./world.js');
    const mallory = await newNode('mallory');
    const code = await bob.messenger.contacts.ownCode();
    const { decodeContactCode } = await import('@sotto/protocol-codec');
    await mallory.device.transaction((tx) => mallory.device.processBundle(tx, decodeContactCode(code)));
    const { message } = await mallory.device.transaction((tx) =>
      mallory.device.encryptDirect(tx, bob.identity.publicKey, forged),
    );
    const connection = await network
      .transport()
      .connect({ identity: mallory.identity, onMessage: async () => {} });
    await connection.send({ kind: 'partitioned', recipient: bob.identity.publicKey }, message);
    await quiet(network, alice, bob);
    expect(bob.texts).toEqual([]);
    expect(bob.events.decryptionFailed[0]).toMatchObject({
      code: 'NOT_PERMITTED',
      sender: mallory.identity.publicKey,
    });
  });
});

describe('public chats', () => {
  it('join, send, receive, leave', async () => {
    const network = newNetwork();
    const [alice, bob] = [await newParty(network, 'alice-1'), await newParty(network, 'bob-1')];
    await alice.messenger.chats.join('status');
    await bob.messenger.chats.join('status');
    await alice.messenger.send({ kind: 'public', name: 'status' }, bytesOf('hello all'));
    await alice.messenger.send({ kind: 'public', name: 'status' }, bytesOf('hello all'));
    await quiet(network, alice, bob);
    expect(bob.texts).toEqual(['status alice-1 public: hello all', 'status alice-1 public: hello all']);
    expect(alice.texts).toEqual([]);
    expect(bob.messages[0]?.sender).toEqual(alice.identity.publicKey);
    await bob.restart();
    expect(bob.messenger.chats.list()).toEqual(['status']);
    await alice.messenger.send({ kind: 'public', name: 'status' }, bytesOf('still there'));
    await quiet(network, alice, bob);
    expect(bob.texts).toHaveLength(3);
    await bob.messenger.chats.leave('status');
    await alice.messenger.send({ kind: 'public', name: 'status' }, bytesOf('gone'));
    await quiet(network, alice, bob);
    expect(bob.texts).toHaveLength(3);
  });

  it.each(['', 'Status', 'a b', 'ä', 'x'.repeat(129), '#status'])('the name %j is refused', async (name) => {
    const alice = await newParty(newNetwork(), 'alice-1');
    await expect(alice.messenger.chats.join(name)).rejects.toMatchObject({ code: 'INVALID_TEXT' });
    await expect(alice.messenger.send({ kind: 'public', name }, bytesOf('x'))).rejects.toMatchObject({
      code: 'INVALID_TEXT',
    });
  });
});

describe('a store that is not what it was', () => {
  it.each([
    ['lost', 'lost'],
    ['rolled-back', 'restored'],
    ['continued', undefined],
  ] as const)('%s: an event, not silence', async (continuity, how) => {
    const alice = await newParty(newNetwork(), 'alice-1', {
      wrapStore: (store) => Object.assign(store, { continuity }),
    });
    expect(alice.events.storeReplaced).toEqual(how ? [{ how }] : []);
    await alice.restart();
    expect(alice.events.storeReplaced).toHaveLength(how ? 2 : 0);
  });
});

describe('clocks and closing', () => {
  it('+48 h: rotates once and goes on', async () => {
    const { network, alice, bob } = await two();
    await alice.say(bob, 'one');
    await quiet(network, alice, bob);
    for (let day = 0; day < 3; day++) {
      for (const { clock } of [alice, bob]) clock.advance(2 * DAY);
      await quiet(network, alice, bob);
      await bob.say(alice, `from bob ${day}`);
      await alice.say(bob, `from alice ${day}`);
      await quiet(network, alice, bob);
      expect(alice.texts.at(-1)).toBe(`direct bob-1 pq: from bob ${day}`);
      expect(bob.texts.at(-1)).toBe(`direct alice-1 pq: from alice ${day}`);
    }
  });

  it.each(['connect', 'subscribe', 'commit'])(
    'closed in the middle of its start, at %s: leaves no connection and no timer',
    async (point) => {
      const network = newNetwork();
      let close = () => {};
      const reached = (here: string) => {
        if (here === point) close();
      };
      let connections = 0;
      const transport: Transport = {
        ...network.transport(),
        async connect(options) {
          reached('connect');
          const connection = await network.transport().connect(options);
          connections++;
          return {
            ...connection,
            send: (...args) => connection.send(...args),
            async subscribe(channels) {
              await connection.subscribe(channels);
              reached('subscribe');
            },
            async close() {
              connections--;
              await connection.close();
            },
          };
        },
      };
      const wrapStore = (store: Store): Store => ({
        ...store,
        async commit(...args) {
          const revision = await store.commit(...args);
          if (connections > 0) reached('commit');
          return revision;
        },
      });
      const manual = manualClock(START);
      const timers = new Set<object>();
      const clock = {
        ...manual,
        after(milliseconds: number, run: () => void) {
          const timer = {};
          timers.add(timer);
          const cancel = manual.after(milliseconds, run);
          return () => {
            timers.delete(timer);
            cancel();
          };
        },
      };
      const party = await newParty(network, 'alice-1', { transport, wrapStore, clock, start: false });
      let closed: Promise<void> | undefined;
      close = () => {
        closed ??= party.messenger.close();
      };
      const [start] = await Promise.allSettled([party.messenger.start()]);
      await closed;
      if (point !== 'commit') expect(start).toMatchObject({ reason: { code: 'CLOSED' } });
      expect([closed !== undefined, connections, timers.size]).toEqual([true, 0, 0]);
    },
  );

  it('hears whom it wrote to, and added, while it was connecting', async () => {
    const network = newNetwork();
    let connected = () => {};
    const slow: Transport = {
      ...network.transport(),
      async connect(options) {
        const connection = await network.transport().connect(options);
        let first = true;
        return {
          ...connection,
          send: (...send) => connection.send(...send),
          close: () => connection.close(),
          async subscribe(channels) {
            await connection.subscribe(channels);
            if (!first) return;
            first = false;
            await new Promise<void>((resolve) => {
              connected = resolve;
            });
          },
        };
      },
    };
    const alice = await newParty(network, 'alice-1', { start: false, transport: slow });
    const [bob, carol] = [await newParty(network, 'bob-1'), await newParty(network, 'carol-1')];
    await alice.messenger.contacts.add(await bob.messenger.contacts.ownCode());
    const start = alice.messenger.start();
    await new Promise(setImmediate);
    await alice.say(bob, 'hello Bob');
    await alice.messenger.contacts.add(carol.identity.publicKey);
    connected();
    await start;
    await quiet(network, alice, bob, carol);
    await bob.say(alice, 'one');
    await quiet(network, alice, bob);
    await bob.say(alice, 'on the topic of the two');
    await quiet(network, alice, bob);
    expect(alice.texts).toEqual(['direct bob-1 pq: one', 'direct bob-1 pq: on the topic of the two']);
    // Carol has been heard of by nothing but her contact code.
    await carol.messenger.contacts.publishOwnCode();
    await quiet(network, alice, carol);
    expect(await alice.messenger.devices.list(carol.identity.publicKey)).toHaveLength(1);
  });

  it('started twice at once: one connection, and both wait for it', async () => {
    const network = newNetwork();
    let connections = 0;
    const counted: Transport = {
      ...network.transport(),
      connect(options) {
        connections++;
        return network.transport().connect(options);
      },
    };
    const alice = await newParty(network, 'alice-1', { start: false, transport: counted });
    await Promise.all([alice.messenger.start(), alice.messenger.start()]);
    await alice.messenger.start();
    expect(connections).toBe(1);
    expect(alice.events.status).toEqual([]);
  });

  it('closes cleanly, twice, and refuses afterwards', async () => {
    const { alice, bob } = await two();
    await alice.messenger.close();
    await alice.messenger.close();
    await expect(alice.say(bob, 'x')).rejects.toMatchObject({ code: 'CLOSED' });
    await expect(alice.messenger.start()).rejects.toMatchObject({ code: 'CLOSED' });
  });

  it('a listener that throws disturbs no one', async () => {
    const { network, alice, bob } = await two();
    bob.messenger.on('message', () => {
      throw new Error('listener');
    });
    bob.messenger.on('message', async () => {
      throw new Error('listener');
    });
    const off = bob.messenger.on('message', (message) => void bob.texts.push(`again ${labelOf(message)}`));
    await alice.say(bob, 'x');
    await quiet(network, alice, bob);
    off();
    await alice.say(bob, 'y');
    await quiet(network, alice, bob);
    expect(bob.texts).toEqual(['direct alice-1 pq: x', 'again direct alice-1 pq: x', 'direct alice-1 pq: y']);
  });

  it('what came while the connection was lost is fetched when it is back, and no more than that', async () => {
    const clock = manualClock(START);
    const network = createMemoryNetwork({ clock });
    const alice = await newParty(network, 'alice-1', { clock });
    const asked: number[] = [];
    const line: Line = { lost: false };
    const bob = await newParty(network, 'bob-1', {
      clock,
      transport: cuttable(network.transport(), line, asked),
    });
    await quiet(network, alice, bob);
    expect(asked).toHaveLength(1);
    clock.advance(3 * HOUR);
    line.lost = true;
    line.status?.('reconnecting');
    await quiet(network, bob);
    await alice.say(bob, 'while you were gone');
    await quiet(network, alice, bob);
    expect(bob.texts).toEqual([]);
    line.lost = false;
    line.status?.('connected');
    await quiet(network, alice, bob);
    expect(bob.texts).toEqual(['direct alice-1 dh: while you were gone']);
    expect(asked).toHaveLength(2);
    expect(asked[1]).toBeGreaterThan(START + 2 * HOUR);
    line.status?.('connected');
    await quiet(network, alice, bob);
    expect(asked).toHaveLength(2);
  });

  it('history that fails is queried again by itself, later each time', async () => {
    const clock = manualClock(START);
    const network = createMemoryNetwork({ clock });
    const alice = await newParty(network, 'alice-1', { clock });
    const asked: number[] = [];
    const line: Line = { lost: false };
    const transport = cuttable(network.transport(), line, asked);
    const bob = await newParty(network, 'bob-1', { clock, transport });
    await quiet(network, alice, bob);
    clock.advance(3 * HOUR);
    line.lost = true;
    line.status?.('reconnecting');
    await alice.say(bob, 'meanwhile');
    await quiet(network, alice, bob);
    Object.assign(line, { lost: false, fails: true });
    const before = asked.length;
    line.status?.('connected');
    await quiet(network, alice, bob);
    for (let minute = 0; minute < 10; minute++) {
      clock.advance(MINUTE);
      await quiet(network, alice, bob);
    }
    expect(asked.length - before).toBeGreaterThan(3);
    expect(asked.length - before).toBeLessThan(8);
    expect(bob.texts).toEqual([]);
    line.fails = false;
    clock.advance(10 * MINUTE);
    await quiet(network, alice, bob);
    expect(bob.texts).toEqual(['direct alice-1 dh: meanwhile']);
    const after = asked.length;
    clock.advance(HOUR);
    await quiet(network, alice, bob);
    expect(asked).toHaveLength(after);
  });

  it('what came while away is fetched from history', async () => {
    const { network, alice, bob } = await two();
    await bob.messenger.close();
    await alice.say(bob, 'while you were away');
    await quiet(network, alice);
    bob.clock.advance(HOUR);
    await bob.restart();
    await quiet(network, alice, bob);
    expect(bob.texts).toEqual(['direct alice-1 pq: while you were away']);
    await bob.restart();
    await quiet(network, alice, bob);
    expect(bob.texts).toHaveLength(1);
  });
});

describe('what the application keeps, in the same commit', () => {
  const note = (id: string, text: string): Write => ({ type: 'put', key: `app/${id}`, value: bytesOf(text) });
  const notes = async (store: Store) => {
    const found: string[] = [];
    for await (const { key, value } of store.list('app/')) found.push(`${key} ${textOf(value)}`);
    return found;
  };

  it('of a message sent, by its id: 1:1, public and group', async () => {
    const { network, alice, bob } = await two();
    await alice.messenger.chats.join('status');
    const { group } = await alice.messenger.groups.create('friends', [bob.identity.publicKey]);
    const alongside = ({ id, devices }: TakenMessage) => [note(id, `mine ${devices.length}`)];
    const { messenger } = alice;
    const ids = [
      (await messenger.send(bob.identity.publicKey, bytesOf('a'), { alongside })).id,
      (await messenger.send({ kind: 'public', name: 'status' }, bytesOf('b'), { alongside })).id,
      (await messenger.send({ kind: 'group', groupId: group.id }, bytesOf('c'), { alongside })).id,
    ];
    expect(await notes(alice.store)).toEqual(
      ids.map((id, i) => `app/${id} mine ${i === 0 ? 1 : 0}`).toSorted(),
    );
    await quiet(network, alice, bob);
    expect(await messenger.outbox.pending()).toEqual(new Set());
  });

  it('of a message received, once, and only when it was acknowledged', async () => {
    const network = newNetwork();
    const alice = await newParty(network, 'alice-1');
    const bob = await newParty(network, 'bob-1', { acknowledge: false });
    await alice.say(bob, 'hello');
    await quiet(network, alice, bob);
    const [message] = bob.messages;
    expect(await message?.acknowledge({ alongside: [note('in', 'first')] })).toBe(true);
    expect(await message?.acknowledge({ alongside: [note('in', 'second')] })).toBe(false);
    expect(await notes(bob.store)).toEqual(['app/in first']);
  });

  it('of a message acknowledged twice at the same time: one of them is first, and what failed may be tried again', async () => {
    const network = newNetwork();
    const alice = await newParty(network, 'alice-1');
    const bob = await newParty(network, 'bob-1', { acknowledge: false });
    await alice.say(bob, 'hello');
    await quiet(network, alice, bob);
    const [message] = bob.messages;
    const refused = message?.acknowledge({
      alongside: [{ type: 'put', key: 'session/x', value: bytesOf('x') }],
    });
    const answers = ['first', 'second'].map((text) =>
      message?.acknowledge({ alongside: [note('in', text)] }),
    );
    await expect(refused).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    expect(await Promise.all(answers)).toEqual([true, false]);
    expect(await notes(bob.store)).toEqual(['app/in first']);
  });

  it('nothing is sent or stored when a key is not of the application, or the store refuses', async () => {
    const { network, alice, bob } = await two();
    await quiet(network, alice, bob);
    const before = await dump(alice.store);
    const key = 'session/stolen';
    await expect(
      alice.messenger.send(bob.identity.publicKey, bytesOf('a'), {
        alongside: () => [{ type: 'put', key, value: bytesOf('x') }],
      }),
    ).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await expect(
      alice.messenger.send(bob.identity.publicKey, bytesOf('a'), {
        alongside: () => [{ type: 'check', key: 'app/none', expect: 1 }],
      }),
    ).rejects.toMatchObject({ code: 'STORE_CONFLICT' });
    await quiet(network, alice, bob);
    expect(await dump(alice.store)).toBe(before);
    expect(bob.texts).toEqual([]);
  });

  it('says what has not left yet', async () => {
    const { network, alice, bob } = await two();
    await quiet(network, alice, bob);
    network.disconnect(alice.identity.publicKey);
    const { id } = await alice.say(bob, 'later');
    await alice.messenger.flushed();
    expect(await alice.messenger.outbox.pending()).toContain(id);
  });
});

/** The state of a connection that {@link cuttable} loses. */
interface Line {
  lost: boolean;
  /** Whether queries of history fail. */
  fails?: boolean;
  status?: (status: TransportStatus) => void;
}

/** A transport that loses its connection on demand and keeps what it missed; notes from when that is asked for. */
function cuttable(transport: Transport, line: Line, asked: number[]): Transport {
  return {
    capabilities: transport.capabilities,
    async connect(party) {
      const missed: TransportMessage[] = [];
      line.status = (status) => party.onStatus?.(status);
      const connection = await transport.connect({
        ...party,
        onMessage: async (message) => {
          if (line.lost) missed.push({ ...message, fromHistory: true });
          else await party.onMessage(message);
        },
      });
      return {
        send: (...args) => connection.send(...args),
        subscribe: (channels) => connection.subscribe(channels),
        async history(request) {
          asked.push(request.from);
          if (line.fails) throw new SottoError('TRANSPORT_UNAVAILABLE', 'No leader.', { reason: 'test' });
          for (const message of missed.splice(0)) {
            if (message.sentAt >= request.from) await party.onMessage(message);
          }
        },
        close: () => connection.close(),
      };
    },
  };
}
