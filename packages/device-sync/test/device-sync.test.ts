import type { Write } from '@sotto/core';
import { createMemoryStore } from '@sotto/store-adapters/memory';
import { manualClock } from '@sotto/testing/clock';
import { createMemoryNetwork } from '@sotto/whisper-transport/memory';
import { describe, expect, it } from 'vitest';
import {
  type Device,
  type DeviceOptions,
  direct,
  newDevice,
  newIdentity,
  pair,
  quiet,
  stateOf,
} from './devices.js';

const DAY = 24 * 60 * 60_000;

describe.each([{ status: false }, { status: true }])(
  'devices of one person, with status: $status',
  (options) => {
    /** Devices of Alice, paired, and Bob's only one. */
    async function people(count = 2, more: DeviceOptions = {}) {
      const network = createMemoryNetwork({ clock: manualClock() });
      const identity = newIdentity();
      const alices: Device[] = [];
      for (let i = 1; i <= count; i++)
        alices.push(await newDevice(network, `alice-${i}`, identity, { ...options, ...more }));
      const bob = await newDevice(network, 'bob-1', newIdentity(), { ...options, sync: false });
      await pair(network, ...alices);
      const [phone, laptop] = alices as [Device, Device];
      const settle = () => quiet(network, ...alices, bob);
      const stop = async () => {
        for (const device of [...alices, bob]) await device.stop();
      };
      return { network, identity, alices, phone, laptop, bob, settle, stop };
    }

    it('agree on contacts, their names, and their removal', async () => {
      const { phone, laptop, bob, settle, stop } = await people();
      const { publicKey } = bob.identity;
      await phone.conversations.addContact(await bob.messenger.contacts.ownCode(), 'Bob');
      await settle();
      expect(laptop.conversations.person(publicKey)).toMatchObject({ contact: true, name: 'Bob' });
      await laptop.conversations.addContact(publicKey, 'Robert');
      await settle();
      expect(phone.conversations.person(publicKey)).toMatchObject({ contact: true, name: 'Robert' });
      await phone.conversations.removeContact(publicKey);
      await settle();
      expect(laptop.conversations.person(publicKey)).toMatchObject({ contact: false, name: '' });
      await stop();
    });

    it('agree on what comparing safety numbers has shown', async () => {
      const { phone, laptop, bob, settle, stop } = await people();
      const { publicKey } = bob.identity;
      await phone.conversations.addContact(publicKey, 'Bob');
      await phone.conversations.setVerified(publicKey, true);
      await settle();
      expect(laptop.conversations.person(publicKey)).toMatchObject({ verified: true });
      await laptop.conversations.reportMismatch(publicKey);
      await settle();
      expect(phone.conversations.person(publicKey)).toMatchObject({ verified: false, mismatch: true });
      await phone.conversations.clearMismatch(publicKey);
      await settle();
      expect(laptop.conversations.person(publicKey)).toMatchObject({ verified: false, mismatch: false });
      await stop();
    });

    it('agree on whom the user has accepted', async () => {
      const { phone, laptop, bob, settle, stop } = await people();
      await bob.conversations.send(direct(phone), 'hello');
      await settle();
      expect(laptop.conversations.get(direct(bob))?.request).toBe(true);
      await phone.conversations.accept(bob.identity.publicKey);
      await settle();
      expect(laptop.conversations.get(direct(bob))?.request).toBe(false);
      await stop();
    });

    it('agree on whom the user has blocked, and unblocked', async () => {
      const { phone, laptop, bob, settle, stop } = await people();
      const { publicKey } = bob.identity;
      await phone.conversations.addContact(publicKey, 'Bob');
      await settle();
      await laptop.conversations.block(publicKey);
      await settle();
      expect(phone.conversations.person(publicKey)).toMatchObject({ blocked: true, contact: false });
      await bob.conversations.send(direct(phone), 'hello?');
      await settle();
      expect(phone.conversations.get(direct(bob))?.lastMessage).toBeUndefined();
      await phone.conversations.unblock(publicKey);
      await settle();
      expect(laptop.conversations.person(publicKey)).toMatchObject({ blocked: false, contact: false });
      await stop();
    });

    it('agree on public chats and what is muted', async () => {
      const { phone, laptop, settle, stop } = await people();
      const sailing = { kind: 'public', name: 'sailing' } as const;
      await phone.conversations.open(sailing);
      await phone.conversations.setMuted(sailing, Number.POSITIVE_INFINITY);
      await settle();
      expect(laptop.conversations.get(sailing)).toMatchObject({ muted: true });
      expect(laptop.messenger.chats.list()).toEqual(['sailing']);
      await laptop.conversations.setMuted(sailing, 0);
      await settle();
      expect(phone.conversations.get(sailing)).toMatchObject({ muted: false });
      await laptop.conversations.remove(sailing);
      await settle();
      expect(phone.messenger.chats.list()).toEqual([]);
      expect(phone.conversations.get(sailing)).toBeUndefined();
      await stop();
    });

    it('agree on drafts, which end everywhere when the message is sent', async () => {
      const { phone, laptop, bob, settle, stop } = await people();
      await phone.conversations.open(direct(bob));
      await phone.conversations.setDraft(direct(bob), 'Dear B');
      await settle();
      expect(laptop.conversations.draft(direct(bob))).toBe('Dear B');
      await laptop.conversations.setDraft(direct(bob), 'Dear Bob');
      await settle();
      expect(phone.conversations.draft(direct(bob))).toBe('Dear Bob');
      await phone.conversations.send(direct(bob), 'Dear Bob!');
      await settle();
      expect(laptop.conversations.draft(direct(bob))).toBe('');
      await stop();
    });

    it('agree on what was read, and nothing becomes unread', async () => {
      const { phone, laptop, bob, settle, stop } = await people();
      const unread = (device: Device) => device.conversations.get(direct(bob))?.unread;
      await phone.conversations.addContact(await bob.messenger.contacts.ownCode(), 'Bob');
      await bob.conversations.addContact(await phone.messenger.contacts.ownCode(), 'Alice');
      await settle();
      await phone.conversations.send(direct(bob), 'hi');
      await settle();
      await bob.conversations.send(direct(phone), 'one');
      await bob.conversations.send(direct(phone), 'two');
      await settle();
      expect([unread(phone), unread(laptop)]).toEqual([2, 2]);
      await phone.conversations.markRead(direct(bob));
      await settle();
      expect([unread(phone), unread(laptop)]).toEqual([0, 0]);
      await bob.conversations.send(direct(phone), 'three');
      await settle();
      expect([unread(phone), unread(laptop)]).toEqual([1, 1]);
      await laptop.conversations.markRead(direct(bob));
      await settle();
      expect([unread(phone), unread(laptop)]).toEqual([0, 0]);
      await stop();
    });

    it('tell nobody else, and show nothing of it', async () => {
      const { phone, laptop, bob, settle, stop } = await people();
      await phone.conversations.addContact(await bob.messenger.contacts.ownCode(), 'Bob');
      await settle();
      for (const device of [phone, laptop, bob]) {
        device.sent.length = 0;
        device.received.length = 0;
      }
      await phone.conversations.setDraft(direct(bob), 'a secret');
      await phone.conversations.addContact(bob.identity.publicKey, 'Bobby');
      await phone.conversations.setMuted(direct(bob), Number.POSITIVE_INFINITY);
      await settle();
      expect(laptop.conversations.draft(direct(bob))).toBe('a secret');
      expect(phone.sent.length).toBeGreaterThan(0);
      expect(laptop.received).toEqual(phone.sent);
      expect(laptop.sent).toEqual([]);
      expect(bob.received).toEqual([]);
      for (const device of [phone, laptop]) expect(device.conversations.get(direct(phone))).toBeUndefined();
      expect(bob.conversations.list().filter(({ lastMessage }) => lastMessage !== undefined)).toEqual([]);
      await stop();
    });

    it('say nothing but digests once they agree', async () => {
      const { phone, laptop, bob, settle, stop } = await people();
      await phone.conversations.addContact(bob.identity.publicKey, 'Bob');
      await settle();
      for (const device of [phone, laptop]) device.sent.length = 0;
      await settle();
      expect([phone.sent, laptop.sent]).toEqual([[], []]);
      await phone.sync?.compare();
      await settle();
      expect([phone.sent.length, laptop.sent.length]).toEqual([1, 0]);
      await stop();
    });

    it('agree after messages were lost, by the next digest', async () => {
      const { alices, phone, laptop, bob, settle, stop } = await people(3);
      phone.isMute = true;
      await phone.conversations.addContact(bob.identity.publicKey, 'Bob');
      await phone.conversations.open({ kind: 'public', name: 'sailing' });
      await settle();
      phone.isMute = false;
      expect(laptop.conversations.contacts()).toEqual([]);
      await laptop.conversations.open({ kind: 'public', name: 'rowing' });
      await laptop.clock.advanceAndRest(6 * 60 * 60_000);
      await settle();
      for (const device of alices) expect(stateOf(device)).toEqual(stateOf(phone));
      expect(stateOf(phone)).toMatchObject({
        chats: ['rowing', 'sailing'],
        contacts: [[expect.anything(), { name: 'Bob' }]],
      });
      await stop();
    });

    it('that were both changed while offline for weeks agree: the later change counts', async () => {
      const { phone, laptop, bob, settle, stop } = await people();
      const { publicKey } = bob.identity;
      await phone.conversations.addContact(publicKey, 'Bob');
      await settle();
      for (const device of [phone, laptop]) device.isMute = true;
      phone.clock.jump(10 * DAY);
      laptop.clock.jump(11 * DAY);
      await phone.conversations.addContact(publicKey, 'Robert');
      await phone.conversations.open({ kind: 'public', name: 'sailing' });
      await laptop.conversations.addContact(publicKey, 'Bobby');
      await laptop.conversations.open({ kind: 'public', name: 'rowing' });
      await settle();
      for (const device of [phone, laptop]) device.isMute = false;
      await phone.sync?.compare();
      await settle();
      expect(stateOf(laptop)).toEqual(stateOf(phone));
      expect(phone.conversations.person(publicKey).name).toBe('Bobby');
      expect(phone.messenger.chats.list()).toEqual(['rowing', 'sailing']);
      await stop();
    });

    it('one of which is far ahead does not keep the others from changing things', async () => {
      const { phone, laptop, bob, settle, stop } = await people();
      const { publicKey } = bob.identity;
      phone.clock.jump(100 * 365 * DAY);
      await phone.conversations.addContact(publicKey, 'Bob');
      await settle();
      await laptop.conversations.addContact(publicKey, 'Robert');
      await settle();
      expect(phone.conversations.person(publicKey).name).toBe('Robert');
      await stop();
    });

    it('of which one is not enabled: it neither learns nor changes anything', async () => {
      const { network, identity, phone, laptop, bob, stop } = await people();
      const stranger = await newDevice(network, 'alice-x', identity, options);
      for (const device of [stranger, phone, laptop]) await device.messenger.devices.announce();
      await quiet(network, phone, laptop, stranger);
      for (const other of [phone, laptop]) await stranger.messenger.devices.enable(other.name);
      await stranger.conversations.open({ kind: 'public', name: 'evil' });
      await stranger.conversations.block(bob.identity.publicKey);
      await phone.conversations.open({ kind: 'public', name: 'sailing' });
      await quiet(network, phone, laptop, stranger);
      await stranger.sync?.compare();
      await quiet(network, phone, laptop, stranger);
      expect(laptop.messenger.chats.list()).toEqual(['sailing']);
      expect(laptop.conversations.blocked()).toEqual([]);
      expect(stranger.messenger.chats.list()).toEqual(['evil']);
      // Once it is enabled, they agree.
      for (const other of [phone, laptop]) await other.messenger.devices.enable('alice-x');
      await quiet(network, phone, laptop, stranger);
      expect(laptop.messenger.chats.list()).toEqual(['evil', 'sailing']);
      expect(stranger.messenger.chats.list()).toEqual(['evil', 'sailing']);
      await stranger.stop();
      await stop();
    });

    it('are not changed by what others send', async () => {
      const { phone, laptop, bob, settle, stop } = await people();
      await phone.conversations.addContact(await bob.messenger.contacts.ownCode(), 'Bob');
      await settle();
      const before = [stateOf(phone), stateOf(laptop)];
      let content: Uint8Array | undefined;
      const send = phone.conversations.sendHidden.bind(phone.conversations);
      phone.conversations.sendHidden = async (to, message, how) => {
        if (message.kind === 'sync') content = message.content;
        await send(to, message, how);
      };
      await phone.conversations.open({ kind: 'public', name: 'sailing' });
      await settle();
      await laptop.conversations.remove({ kind: 'public', name: 'sailing' });
      await settle();
      // What they say to each other, from Bob, in a conversation with him; and what is old or not valid, from ourselves.
      await bob.conversations.sendHidden(direct(phone), { kind: 'sync', content: content as Uint8Array });
      await bob.conversations.sendHidden(direct(phone), { kind: 'sync', content: Uint8Array.of(1, 2, 3) });
      await send(direct(phone), { kind: 'sync', content: Uint8Array.of(1, 2, 3) });
      await laptop.conversations.sendHidden(direct(phone), { kind: 'sync', content: content as Uint8Array });
      await settle();
      expect([stateOf(phone), stateOf(laptop)]).toEqual(before);
      await stop();
    });

    it('agree over restarts, on what was changed without it, too', async () => {
      const { phone, laptop, bob, settle, stop } = await people();
      await laptop.stop();
      await phone.sync?.close();
      await phone.conversations.addContact(bob.identity.publicKey, 'Bob');
      await phone.conversations.open({ kind: 'public', name: 'sailing' });
      await phone.stop();
      await phone.open();
      await laptop.open();
      await settle();
      expect(stateOf(laptop)).toEqual(stateOf(phone));
      expect(laptop.messenger.chats.list()).toEqual(['sailing']);
      await stop();
    });
    it('both know the groups that one of them has created or was added to, without it', async () => {
      const { phone, laptop, bob, settle, stop } = await people();
      await phone.conversations.addContact(await bob.messenger.contacts.ownCode(), 'Bob');
      await bob.conversations.addContact(await phone.messenger.contacts.ownCode(), 'Alice');
      await settle();
      await phone.messenger.groups.create('ours', [bob.identity.publicKey]);
      await bob.messenger.groups.create('theirs', [phone.identity.publicKey]);
      await settle();
      const groups = async (device: Device) =>
        (await device.messenger.groups.list()).map(({ name, joined }) => [name, joined]).sort();
      expect(await groups(laptop)).toEqual(await groups(phone));
      expect(await groups(laptop)).toEqual([
        ['ours', true],
        ['theirs', true],
      ]);
      await stop();
    });

    it('what the user changes while something arrives for it is not lost', async () => {
      const { phone, laptop, bob, settle, stop } = await people();
      await phone.conversations.addContact(bob.identity.publicKey, 'Bob');
      await settle();
      await phone.conversations.addContact(bob.identity.publicKey, 'from the phone');
      await phone.sync?.flush();
      laptop.clock.jump(60_000);
      // Neither sent nor seen yet when the other one comes.
      await laptop.conversations.addContact(bob.identity.publicKey, 'from the laptop');
      await settle();
      expect(phone.conversations.person(bob.identity.publicKey).name).toBe('from the laptop');
      expect(laptop.conversations.person(bob.identity.publicKey).name).toBe('from the laptop');
      await stop();
    });

    it('of the same moment, a block counts before an acceptance', async () => {
      const { phone, laptop, bob, settle, stop } = await people();
      await bob.conversations.send(direct(phone), 'hello');
      await settle();
      for (const device of [phone, laptop]) device.isMute = true;
      const later = Date.parse('2030-01-01');
      for (const device of [phone, laptop]) device.clock.set(later);
      await phone.conversations.accept(bob.identity.publicKey);
      await laptop.conversations.block(bob.identity.publicKey);
      await settle();
      for (const device of [phone, laptop]) device.isMute = false;
      await laptop.sync?.compare();
      await settle();
      for (const device of [phone, laptop])
        expect(device.conversations.person(bob.identity.publicKey).blocked).toBe(true);
      await stop();
    });

    it('a read position waits for its message', async () => {
      const { network, phone, laptop, bob, settle, stop } = await people();
      const unread = (device: Device) => device.conversations.get(direct(bob))?.unread;
      await phone.conversations.addContact(await bob.messenger.contacts.ownCode(), 'Bob');
      await bob.conversations.addContact(await phone.messenger.contacts.ownCode(), 'Alice');
      await settle();
      await phone.conversations.send(direct(bob), 'hi');
      await settle();
      await laptop.stop();
      await bob.conversations.send(direct(phone), 'one');
      await quiet(network, phone, bob);
      await phone.conversations.markRead(direct(bob));
      await quiet(network, phone, bob);
      await laptop.open();
      await settle();
      expect([unread(phone), unread(laptop)]).toEqual([0, 0]);
      await bob.conversations.send(direct(phone), 'two');
      await settle();
      expect([unread(phone), unread(laptop)]).toEqual([1, 1]);
      await stop();
    });

    it('agree on what was read in a conversation that was removed and has begun again', async () => {
      const { phone, laptop, bob, settle, stop } = await people();
      await phone.conversations.accept(bob.identity.publicKey);
      for (const text of ['one', 'two', 'three']) await bob.conversations.send(direct(phone), text);
      await settle();
      await phone.conversations.markRead(direct(bob));
      await settle();
      expect(laptop.conversations.get(direct(bob))?.unread).toBe(0);
      await phone.conversations.remove(direct(bob));
      await settle();
      await bob.conversations.send(direct(phone), 'four');
      await settle();
      expect(laptop.conversations.get(direct(bob))?.unread).toBe(1);
      await phone.conversations.markRead(direct(bob));
      await settle();
      expect(laptop.conversations.get(direct(bob))?.unread).toBe(0);
      await stop();
    });

    it('are not told as news what one of them reads here again because its records are damaged', async () => {
      const store = createMemoryStore();
      const { network, identity, phone, bob, settle, stop } = await people(1);
      const laptop = await newDevice(network, 'alice-2', identity, { ...options, store });
      await pair(network, phone, laptop);
      const [{ publicKey }, carol] = [bob.identity, newIdentity().publicKey];
      for (const person of [publicKey, carol]) await phone.conversations.addContact(person, 'A name');
      await quiet(network, phone, laptop);
      await laptop.stop();
      await phone.conversations.block(publicKey);
      await settle();
      const value = Uint8Array.of(0xff, 0xff);
      const damage: Write[] = [];
      for await (const { key } of store.list('app/device-sync/entry/'))
        damage.push({ type: 'put', key, value });
      await store.commit(damage);
      laptop.clock.jump(DAY);
      phone.clock.jump(DAY);
      bob.clock.jump(DAY);
      await laptop.open();
      await quiet(network, phone, laptop);
      expect(phone.conversations.person(publicKey)).toMatchObject({ blocked: true, contact: false });
      expect(stateOf(laptop)).toEqual(stateOf(phone));
      expect(laptop.conversations.person(carol)).toMatchObject({ contact: true, name: 'A name' });
      await laptop.stop();
      await stop();
    });

    it('a long draft stays on its device, and no error comes of it', async () => {
      const { phone, laptop, bob, settle, stop } = await people();
      await phone.conversations.open(direct(bob));
      await phone.conversations.setDraft(direct(bob), 'a'.repeat(20_000));
      await settle();
      expect(laptop.conversations.draft(direct(bob))).toBe('');
      await phone.conversations.setDraft(direct(bob), 'short');
      await settle();
      expect(laptop.conversations.draft(direct(bob))).toBe('short');
      await stop();
    });

    it('a draft is sent some seconds after it was begun, and gone at once when it is sent', async () => {
      const { network, phone, laptop, bob, stop } = await people();
      const rest = async (ms: number) => {
        await phone.clock.advanceAndRest(ms);
        await phone.messenger.flushed();
        await network.idle();
      };
      await phone.conversations.open(direct(bob));
      await rest(10_000);
      for (const text of ['D', 'De', 'Dear B']) await phone.conversations.setDraft(direct(bob), text);
      phone.sent.length = 0;
      await rest(4_000);
      expect(phone.sent).toEqual([]);
      await rest(1_000);
      expect(phone.sent.length).toBe(1);
      await quiet(network, laptop);
      expect(laptop.conversations.draft(direct(bob))).toBe('Dear B');
      await phone.conversations.setDraft(direct(bob), '');
      await rest(500);
      await quiet(network, laptop);
      expect(laptop.conversations.draft(direct(bob))).toBe('');
      await stop();
    });
  },
);
