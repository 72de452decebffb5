import { encodeHex } from '@sotto/core';
import { manualClock } from '@sotto/testing/clock';
import { createMemoryNetwork } from '@sotto/whisper-transport/memory';
import { describe, expect, it } from 'vitest';
import {
  PROFILE_PICTURE_MAX_BYTES,
  PROFILE_PICTURE_MAX_PIXELS,
  PROFILE_TIMES_MAX,
  profilePictureType,
  STRANGER_PROFILES_MAX,
} from '../src/profile.js';
import { nameSkeleton, parseProfileName, shownProfileName } from '../src/profile-name.js';
import { profileChangedAfter, replacesProfile } from '../src/profile-records.js';
import { direct, newParty, type Party, quiet } from './party.js';

const ascii = (text: string) => [...text].map((character) => character.charCodeAt(0));
const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
/** The beginning of a picture. @param width, height below 65,536 */
const png = (width: number, height: number) =>
  Uint8Array.of(
    ...SIGNATURE,
    ...[0, 0, 0, 13],
    ...ascii('IHDR'),
    ...[0, 0, width >> 8, width & 255, 0, 0, height >> 8, height & 255],
  );
const jpeg = (width: number, height: number) =>
  Uint8Array.of(
    ...[0xff, 0xd8, 0xff, 0xe0, 0, 6, 0xff, 0xc0, 1, 2, 0xff, 0xff],
    ...[0xc2, 0, 11, 8, height >> 8, height & 255, width >> 8, width & 255, 1],
  );
const riff = (chunk: string, ...content: readonly number[]) =>
  Uint8Array.of(...ascii('RIFF'), 9, 9, 9, 9, ...ascii(`WEBP${chunk}`), 9, 9, 9, 9, ...content);
const webp = {
  lossy: (width: number, height: number) =>
    riff('VP8 ', 0, 0, 0, 0x9d, 0x01, 0x2a, width & 255, width >> 8, height & 255, height >> 8),
  lossless: (width: number, height: number) => {
    const bits = (width - 1) | ((height - 1) << 14);
    return riff('VP8L', 0x2f, bits & 255, (bits >> 8) & 255, (bits >> 16) & 255, bits >>> 24, 0, 0, 0, 0, 0);
  },
  extended: (width: number, height: number) =>
    riff(
      'VP8X',
      0,
      0,
      0,
      0,
      (width - 1) & 255,
      (width - 1) >> 8,
      0,
      (height - 1) & 255,
      (height - 1) >> 8,
      0,
    ),
};
const PNG = png(256, 256);
const JPEG = jpeg(256, 256);
const DAY = 24 * 60 * 60_000;

const newNetwork = () => createMemoryNetwork({ clock: manualClock() });

async function people(names: readonly string[], { befriend = true, status = false } = {}) {
  const network = newNetwork();
  const parties: Party[] = [];
  for (const name of names) parties.push(await newParty(network, `${name}-1`, { profiles: true, status }));
  if (befriend)
    for (const one of parties)
      for (const other of parties)
        if (one !== other) await one.conversations.addContact(await other.messenger.contacts.ownCode());
  const settle = async (...more: readonly Party[]) => {
    for (let i = 0; i < 3; i++) {
      await quiet(network, ...parties, ...more);
      for (const { profiles } of [...parties, ...more]) await profiles.settled();
    }
  };
  await settle();
  return { network, parties, settle };
}

/** Profiles that a party has sent since this was called. */
function countSent(party: Party) {
  let sent = 0;
  const { conversations } = party;
  const send = conversations.sendHidden.bind(conversations);
  conversations.sendHidden = async (...given) => {
    sent++;
    return send(...given);
  };
  return () => sent;
}

describe('a profile', () => {
  it.each([{ status: false }, { status: true }])(
    'goes to a person with the first message to them, and again with the next one after a change; Status clients $status',
    async ({ status }) => {
      const { parties, settle } = await people(['alice', 'bob'], { status });
      const [alice, bob] = parties as [Party, Party];
      await alice.profiles.set({ name: 'Alice Liddell', picture: PNG });
      expect(await alice.profiles.own()).toEqual({ name: 'Alice Liddell', picture: PNG });
      await settle();
      expect(bob.profiles.get(alice.identity.publicKey)?.name ?? '').not.toBe('Alice Liddell');
      const sent = countSent(alice);
      const heard: string[] = [];
      bob.profiles.subscribe((identity) => heard.push(encodeHex(identity)));
      for (const text of ['one', 'two']) await alice.conversations.send(direct(bob.identity), text);
      await settle();
      expect(sent()).toBe(1);
      expect(heard).toContain(encodeHex(alice.identity.publicKey));
      expect(bob.profiles.get(alice.identity.publicKey)).toMatchObject({
        name: 'Alice Liddell',
        hasPicture: true,
      });
      expect(await bob.profiles.picture(alice.identity.publicKey)).toEqual({
        picture: PNG,
        mediaType: 'image/png',
      });
      // Nothing of it is shown in the conversation, and what the user calls her stays.
      expect(await bob.conversations.entries(direct(alice.identity))).toHaveLength(2);
      expect(bob.profiles.shownName(alice.identity.publicKey)).toEqual({
        text: 'Alice Liddell',
        source: 'own',
        resembles: undefined,
      });
      await bob.conversations.addContact(alice.identity.publicKey, 'My sister');
      expect(bob.profiles.shownName(alice.identity.publicKey)).toMatchObject({
        text: 'My sister',
        source: 'given',
      });
      await alice.profiles.set({ name: 'Alice' });
      await alice.conversations.send(direct(bob.identity), 'three');
      await settle();
      expect(sent()).toBe(2);
      expect(bob.profiles.get(alice.identity.publicKey)).toMatchObject({ name: 'Alice', hasPicture: false });
      expect(await bob.profiles.picture(alice.identity.publicKey)).toBeUndefined();
      for (const party of parties) await party.stop();
      for (const party of parties) await party.open();
      await alice.conversations.send(direct(bob.identity), 'four');
      await settle();
      expect(bob.profiles.get(alice.identity.publicKey)).toMatchObject({ name: 'Alice', hasPicture: false });
      expect(await alice.profiles.own()).toEqual({ name: 'Alice' });
    },
  );

  it('goes to nobody who only wrote, to no public chat, and to no one who is blocked', async () => {
    const { network, parties, settle } = await people(['alice']);
    const [alice] = parties as [Party];
    const mallory = await newParty(network, 'mallory-1', { profiles: true });
    await mallory.conversations.addContact(await alice.messenger.contacts.ownCode());
    await alice.profiles.set({ name: 'Alice' });
    const sent = countSent(alice);
    await mallory.conversations.send(direct(alice.identity), 'Who are you?');
    await alice.conversations.open({ kind: 'public', name: 'harbour' });
    await alice.conversations.send({ kind: 'public', name: 'harbour' }, 'Ahoy!');
    await settle(mallory);
    expect(sent()).toBe(0);
    expect(mallory.profiles.get(alice.identity.publicKey)).toBeUndefined();
    await alice.conversations.accept(mallory.identity.publicKey);
    await alice.conversations.block(mallory.identity.publicKey);
    await alice.conversations.send(direct(mallory.identity), 'Leave me alone.').catch(() => undefined);
    await settle(mallory);
    expect(sent()).toBe(0);
  });

  it('goes to the members of a group once, also to those who come later', async () => {
    const { network, parties, settle } = await people(['alice', 'bob', 'carol']);
    const [alice, bob, carol] = parties as [Party, Party, Party];
    const { group } = await bob.messenger.groups.create('Sailing', [
      alice.identity.publicKey,
      carol.identity.publicKey,
    ]);
    const conversation = { kind: 'group', groupId: group.id } as const;
    await settle();
    await alice.profiles.set({ name: 'Alice', picture: JPEG });
    const sent = countSent(alice);
    for (const text of ['one', 'two']) await alice.conversations.send(conversation, text);
    await settle();
    expect(sent()).toBe(1);
    for (const party of [bob, carol])
      expect(party.profiles.get(alice.identity.publicKey)).toMatchObject({ name: 'Alice', hasPicture: true });
    // Whoever has it from the group doesn't get it again alone.
    await alice.conversations.send(direct(bob.identity), 'hello');
    await settle();
    expect(sent()).toBe(1);
    const dave = await newParty(network, 'dave-1', { profiles: true });
    await bob.conversations.addContact(await dave.messenger.contacts.ownCode());
    await bob.messenger.groups.add(group.id, [dave.identity.publicKey]);
    await settle(dave);
    await alice.conversations.send(conversation, 'three');
    await settle(dave);
    expect(sent()).toBe(2);
    expect(dave.profiles.get(alice.identity.publicKey)?.name).toBe('Alice');
  });

  it("of somebody who isn't accepted has a name, and a picture only once they are", async () => {
    const { network, parties, settle } = await people(['alice']);
    const [alice] = parties as [Party];
    const bob = await newParty(network, 'bob-1', { profiles: true });
    await bob.conversations.addContact(await alice.messenger.contacts.ownCode());
    await bob.profiles.set({ name: 'Bob', picture: PNG });
    await bob.conversations.send(direct(alice.identity), 'It is me.');
    await settle(bob);
    const { publicKey } = bob.identity;
    expect(alice.profiles.get(publicKey)).toMatchObject({ name: 'Bob', hasPicture: false });
    expect(await alice.profiles.picture(publicKey)).toBeUndefined();
    await alice.conversations.accept(publicKey);
    await settle(bob);
    expect(await alice.profiles.picture(publicKey)).toMatchObject({ picture: PNG });
    await alice.conversations.block(publicKey);
    await settle(bob);
    expect(alice.profiles.get(publicKey)).toBeUndefined();
  });

  it('that takes the name of a contact, or of the user, is noticed', async () => {
    const { network, parties, settle } = await people(['alice', 'bob']);
    const [alice, bob] = parties as [Party, Party];
    await alice.conversations.addContact(bob.identity.publicKey, 'Bob Builder');
    await alice.profiles.set({ name: 'Alice' });
    const mallory = await newParty(network, 'mallory-1', { profiles: true });
    await mallory.conversations.addContact(await alice.messenger.contacts.ownCode());
    for (const [name, whom] of [
      ['BOB  builder', bob.identity.publicKey],
      ['Ｂob Builder', bob.identity.publicKey],
      ['alice', alice.identity.publicKey],
      ['Robert', undefined],
    ] as const) {
      await mallory.profiles.set({ name });
      await mallory.conversations.send(direct(alice.identity), 'Hello, it is me.');
      await settle(mallory);
      expect(alice.profiles.shownName(mallory.identity.publicKey)).toMatchObject({
        source: 'own',
        resembles: whom,
      });
    }
    // Bob has the same name himself, and resembles nobody.
    await bob.profiles.set({ name: 'Bob Builder' });
    await bob.conversations.send(direct(alice.identity), 'Hello.');
    await settle(mallory);
    await alice.conversations.addContact(bob.identity.publicKey, '');
    expect(alice.profiles.shownName(bob.identity.publicKey)).toEqual({
      text: 'Bob Builder',
      source: 'own',
      resembles: undefined,
    });
  });

  it('that is older, from the future, or the same again changes nothing', async () => {
    const { parties, settle } = await people(['alice', 'bob']);
    const [alice, bob] = parties as [Party, Party];
    const now = Math.floor(bob.clock.now() / 1_000);
    const send = (name: string, changedAt: number, picture = new Uint8Array(0)) =>
      alice.conversations.sendHidden(direct(bob.identity), { kind: 'profile', name, picture, changedAt });
    await send('Alice', now);
    await send('Old', now - 1);
    await send('Future', now + 2 * 24 * 60 * 60);
    await settle();
    expect(bob.profiles.get(alice.identity.publicKey)).toMatchObject({ name: 'Alice', changedAt: now });
    // What is no picture, or hides something, is left away.
    await send('Al\u200bice \u00ad', now + 1, Uint8Array.of(0x3c, 0x73, 0x76, 0x67));
    await settle();
    expect(bob.profiles.get(alice.identity.publicKey)).toMatchObject({ name: 'Alice', hasPicture: false });
  });

  it('is the same on all devices of the user that are enabled, whichever set it last', async () => {
    const { network, parties, settle } = await people(['alice', 'bob']);
    const [phone, bob] = parties as [Party, Party];
    const laptop = await newParty(network, 'alice-2', { identity: phone.identity, profiles: true });
    for (const device of [phone, laptop]) await device.messenger.devices.announce();
    await settle(laptop);
    await phone.profiles.set({ name: 'Alice', picture: PNG });
    await settle(laptop);
    expect(await laptop.profiles.own()).toEqual({ name: '' });
    await phone.messenger.devices.enable('alice-2');
    await settle(laptop);
    await laptop.messenger.devices.enable('alice-1');
    await settle(laptop);
    // When the phone enabled it and told it, the laptop had not enabled the phone yet; it is told again, some time later.
    expect(await laptop.profiles.own()).toEqual({ name: '' });
    for (const { clock } of [phone, laptop, bob]) clock.jump(DAY);
    await phone.conversations.send(direct(bob.identity), 'a day later');
    await settle(laptop);
    expect(await laptop.profiles.own()).toEqual({ name: 'Alice', picture: PNG });
    await laptop.profiles.set({ name: 'Alice in the study' });
    await settle(laptop);
    expect(await phone.profiles.own()).toEqual({ name: 'Alice in the study' });
    // What one device has sent to somebody, the other doesn't send again.
    await phone.conversations.send(direct(bob.identity), 'from the phone');
    await settle(laptop);
    const sentByLaptop = countSent(laptop);
    await laptop.conversations.send(direct(bob.identity), 'from the laptop');
    await settle(laptop);
    expect(sentByLaptop()).toBe(0);
    expect(bob.profiles.get(phone.identity.publicKey)?.name).toBe('Alice in the study');
  });

  it('goes once more to somebody with a new device, but not with every message', async () => {
    const { network, parties, settle } = await people(['alice', 'bob']);
    const [alice, bob] = parties as [Party, Party];
    await alice.profiles.set({ name: 'Alice' });
    await alice.conversations.send(direct(bob.identity), 'hello');
    await settle();
    const sent = countSent(alice);
    for (let i = 2; i < PROFILE_TIMES_MAX + 4; i++) {
      const more = await newParty(network, `bob-${i}`, { identity: bob.identity, profiles: true });
      more.clock.set(alice.clock.now());
      await more.conversations.addContact(await alice.messenger.contacts.ownCode());
      await more.conversations.send(direct(alice.identity), 'from another one');
      await settle(more);
      for (const { clock } of [alice, bob, more]) clock.jump(DAY);
      for (const text of ['one', 'two']) await alice.conversations.send(direct(bob.identity), text);
      await settle(more);
      if (i === 2) expect(more.profiles.get(alice.identity.publicKey)?.name).toBe('Alice');
      await more.stop();
    }
    expect(sent()).toBe(PROFILE_TIMES_MAX - 1);
  });

  it('of strangers is kept for so many of them; contacts stay', async () => {
    const { network, parties, settle } = await people(['alice', 'bob']);
    const [alice, bob] = parties as [Party, Party];
    await bob.profiles.set({ name: 'Bob' });
    await bob.conversations.send(direct(alice.identity), 'hello');
    await settle();
    const stranger = await newParty(network, 'carol-1', { profiles: true });
    await stranger.conversations.addContact(await alice.messenger.contacts.ownCode());
    const kept = async () => {
      let count = 0;
      for await (const _ of alice.kept.store.list('app/conversations/profile/of/')) count++;
      return count;
    };
    await alice.stop();
    const person = { version: 1, name: 'x', pictureBytes: 0, changedAt: 1, receivedAt: 1, request: true };
    await alice.kept.store.commit(
      Array.from({ length: STRANGER_PROFILES_MAX }, (_, i) => ({
        type: 'put' as const,
        key: `app/conversations/profile/of/02${String(i).padStart(64, '0')}`,
        value: new TextEncoder().encode(JSON.stringify(person)),
      })),
    );
    await alice.open();
    await stranger.profiles.set({ name: 'Carol' });
    await stranger.conversations.send(direct(alice.identity), 'hello');
    await settle(stranger);
    expect(await kept()).toBe(STRANGER_PROFILES_MAX + 1);
    expect(alice.profiles.get(stranger.identity.publicKey)?.name).toBe('Carol');
    expect(alice.profiles.get(bob.identity.publicKey)?.name).toBe('Bob');
  });

  it('that can not be used is refused, and nothing changes', async () => {
    const { parties } = await people(['alice']);
    const [alice] = parties as [Party];
    await alice.profiles.set({ name: ' Alice \t Liddell ', picture: JPEG });
    expect((await alice.profiles.own()).name).toBe('Alice Liddell');
    for (const [profile, code] of [
      [{ name: 'x'.repeat(65) }, 'LIMIT_EXCEEDED'],
      [{ name: 'Al\u202eice' }, 'INVALID_TEXT'],
      [{ name: 'Al\u200bice' }, 'INVALID_TEXT'],
      [{ name: 'Alice', picture: Uint8Array.of(0x47, 0x49, 0x46, 0x38) }, 'INVALID_ARGUMENT'],
      [{ name: 'Alice', picture: new Uint8Array(0) }, 'INVALID_ARGUMENT'],
      [
        { name: 'Alice', picture: new Uint8Array(PROFILE_PICTURE_MAX_BYTES + 1).fill(0xff) },
        'LIMIT_EXCEEDED',
      ],
    ] as const)
      await expect(alice.profiles.set(profile)).rejects.toMatchObject({ code });
    await expect(alice.profiles.set({} as never)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    expect(await alice.profiles.own()).toEqual({ name: 'Alice Liddell', picture: JPEG });
  });

  it('whose records are damaged is as if there were none', async () => {
    const { parties, settle } = await people(['alice', 'bob']);
    const [alice, bob] = parties as [Party, Party];
    await bob.profiles.set({ name: 'Bob', picture: PNG });
    await bob.conversations.send(direct(alice.identity), 'hello');
    await settle();
    await alice.stop();
    for (const key of ['own', `of/${encodeHex(bob.identity.publicKey)}`])
      await alice.kept.store.commit([
        { type: 'put', key: `app/conversations/profile/${key}`, value: Uint8Array.of(1) },
      ]);
    await alice.open();
    expect(alice.profiles.get(bob.identity.publicKey)).toBeUndefined();
    expect(await alice.profiles.own()).toEqual({ name: '' });
  });
});

describe('names', () => {
  it('that others give themselves are shown without what can not be seen', () => {
    expect(shownProfileName('A\u200bl\u2066i\u061cce\u2069')).toBe('Alice');
    expect(shownProfileName(' \u200d \u200b')).toBe('');
    expect(shownProfileName(`e${'\u0301'.repeat(50)}`)).toBe(`e${'\u0301'.repeat(4)}`);
    // Letters and signs for which nothing is drawn, in between and alone.
    for (const unseen of [
      '\u034f',
      '\u115f',
      '\u3164',
      '\uffa0',
      '\u2800',
      '\u180b',
      '\u17b4',
      '\u{e01ef}',
    ]) {
      expect(shownProfileName(`Al${unseen}ice`)).toBe('Alice');
      expect(shownProfileName(unseen)).toBe('');
      expect(() => parseProfileName(`Alice${unseen}`)).toThrow(
        expect.objectContaining({ code: 'INVALID_TEXT' }),
      );
    }
    const joined = `e${'\u0301\u0301\u0301\u0301\u200d'.repeat(9)}`;
    expect(shownProfileName(joined)).toBe('e\u0301\u0301\u0301\u0301\u200d');
    // Emoji that are joined, and letters that need a joiner, stay.
    for (const name of [
      '👩‍🚀 Eve',
      '❤\ufe0f Eve',
      '\u0646\u0627\u0645\u0647\u200c\u0627\u06cc',
      'Zoë',
      '李小龙',
    ]) {
      expect(shownProfileName(name)).toBe(name);
      expect(parseProfileName(name)).toBe(name);
    }
  });

  it('that look alike by case, width, spaces and punctuation have the same skeleton', () => {
    for (const name of ['alice b', 'ALICE B.', '\uff21\uff4c\uff49\uff43\uff45\u00a0B', 'Alice\u200bB'])
      expect(nameSkeleton(name)).toBe(['alice', 'b'].join(''));
    for (const name of [
      'Al\u0307ice',
      'Ali\u0307ce',
      'Alice\ufe0f',
      'Alice \u2705',
      'Alice\u3164',
      'Al\u034fice',
    ])
      expect(nameSkeleton(name)).toBe('alice');
    expect(nameSkeleton('Zo\u00eb')).not.toBe(nameSkeleton('Zoe'));
    expect(nameSkeleton('\u2764\ufe0f')).toBe('\u2764');
    expect(nameSkeleton('GROSS')).toBe(nameSkeleton('gro\u00df'));
    expect(nameSkeleton('Alice')).not.toBe(nameSkeleton('Bob'));
  });
});

describe('versions of a profile', () => {
  const now = 1_800_000_000_000;
  const version = (changedAt: number, name = 'A', picture = new Uint8Array(0)) => ({
    changedAt,
    name,
    picture,
  });
  const stored = (changedAt: number, name = 'A') => ({ changedAt, name, pictureBytes: 0 });
  const none = async () => new Uint8Array(0);

  it('the later one counts; of the same second always the same one; none from far ahead', async () => {
    const seconds = now / 1_000;
    expect(await replacesProfile(version(seconds), stored(seconds - 1), none, now)).toBe(true);
    expect(await replacesProfile(version(seconds - 1), stored(seconds), none, now)).toBe(false);
    expect(await replacesProfile(version(seconds, 'B'), stored(seconds), none, now)).toBe(true);
    expect(await replacesProfile(version(seconds), stored(seconds, 'B'), none, now)).toBe(false);
    expect(await replacesProfile(version(seconds), stored(seconds), none, now)).toBe(false);
    expect(await replacesProfile(version(seconds, 'A', PNG), stored(seconds), none, now)).toBe(true);
    expect(await replacesProfile(version(seconds + 2 * 86_400), stored(1), none, now)).toBe(false);
    // One that was set while a clock was years ahead keeps no other from counting.
    expect(await replacesProfile(version(seconds), stored(seconds + 9 * 86_400), none, now)).toBe(true);
    expect(profileChangedAfter(stored(seconds + 9 * 86_400), now)).toBe(seconds);
    expect(profileChangedAfter(stored(seconds + 5), now)).toBe(seconds + 6);
  });
});

it('the type of a picture is that of its first bytes', () => {
  const { lossy } = webp;
  expect([PNG, JPEG, lossy(1, 1), PNG.subarray(0, 4), new Uint8Array(0)].map(profilePictureType)).toEqual([
    'image/png',
    'image/jpeg',
    'image/webp',
    undefined,
    undefined,
  ]);
});

it('a picture that takes a gigabyte to show, or does not say how large it is, is none', () => {
  const most = PROFILE_PICTURE_MAX_PIXELS;
  for (const picture of [png, jpeg, webp.lossy, webp.lossless, webp.extended]) {
    for (const [width, height] of [
      [1, 1],
      [most, 200],
      [200, most],
    ] as const)
      expect(profilePictureType(picture(width, height))).toBeDefined();
    for (const [width, height] of [
      [most + 1, 1],
      [1, most + 1],
      [16_000, 16_000],
    ] as const)
      expect(profilePictureType(picture(width, height))).toBeUndefined();
    const whole = picture(256, 256);
    for (let length = 0; length < whole.length - 5; length++)
      expect(profilePictureType(whole.subarray(0, length))).toBeUndefined();
  }
  expect(profilePictureType(png(0, 1))).toBeUndefined();
  // Pixels before a header, and segments without an end.
  for (const rest of [
    [0xff, 0xda, 0, 4],
    [0xff, 0xe0, 0, 0],
    [0xff, 0xd8],
    [0, 0, 0, 0],
  ])
    expect(
      profilePictureType(Uint8Array.of(0xff, 0xd8, 0xff, 0xe0, 0, 2, ...rest, ...new Array(99).fill(0))),
    ).toBe(undefined);
});
