import type { Write } from '@sotto/core';
import { createMemoryNetwork } from '@sotto/whisper-transport/memory';
import { describe, expect, expectTypeOf, it } from 'vitest';
import type {
  Conversation,
  DirectSendResult,
  GroupSendResult,
  PublicSendResult,
  SendOptions,
  SendResult,
  TakenMessage,
} from '../src/index.js';
import { newParty, quiet } from './party.js';
import { manualClock } from './support.js';
import { bytesOf, crypto, dump, START } from './world.js';

async function two() {
  const network = createMemoryNetwork({ clock: manualClock(START) });
  const [alice, bob] = [await newParty(network, 'alice-1'), await newParty(network, 'bob-1')];
  await alice.messenger.contacts.add(await bob.messenger.contacts.ownCode());
  await quiet(network, alice, bob);
  return { network, alice, bob };
}

/** Options that note what they are called with. */
function noting() {
  const taken: TakenMessage[] = [];
  const progress: [number, number][] = [];
  const options: SendOptions = {
    alongside(message): readonly Write[] {
      taken.push(message);
      return [{ type: 'put', key: `app/${message.id}`, value: bytesOf('noted') }];
    },
    onProgress: (done, total) => progress.push([done, total]),
  };
  return { options, taken, progress };
}

describe('send', () => {
  it('takes a person, a group and a public chat as received messages have them, and gives what fits', async () => {
    const { network, alice, bob } = await two();
    const peer = bob.identity.publicKey;
    const { group } = await alice.messenger.groups.create('g', [peer]);
    await bob.messenger.chats.join('cats');

    const direct = await alice.messenger.send({ kind: 'direct', peer }, bytesOf('to Bob'));
    expectTypeOf(direct).toEqualTypeOf<DirectSendResult>();
    expect(direct).toMatchObject({ kind: 'direct', devices: [{ installationId: 'bob-1' }], ownDevices: [] });
    const bare = await alice.messenger.send(peer, bytesOf('to Bob again'));
    expectTypeOf(bare).toEqualTypeOf<DirectSendResult>();
    const long = crypto.secp256k1.uncompressPublicKey(peer);
    await alice.messenger.send({ kind: 'direct', peer: long }, bytesOf('to Bob, by his long key'));
    const inGroup = await alice.messenger.send({ kind: 'group', groupId: group.id }, bytesOf('to all'));
    expectTypeOf(inGroup).toEqualTypeOf<GroupSendResult>();
    expect(inGroup.members.map(({ member }) => member)).toEqual([peer]);
    const inPublic = await alice.messenger.send({ kind: 'public', name: 'cats' }, bytesOf('to the world'));
    expectTypeOf(inPublic).toEqualTypeOf<PublicSendResult>();
    await quiet(network, alice, bob);
    expect(bob.texts.map((text) => text.replace(/ alice.*: /, ': '))).toEqual([
      'direct: to Bob',
      'direct: to Bob again',
      'direct: to Bob, by his long key',
      'group: to all',
      'cats: to the world',
    ]);

    // An answer goes back where the message came from.
    for (const { conversation, sender } of bob.messages.slice(2)) {
      const to: Conversation =
        conversation.kind === 'direct' ? { kind: 'direct', peer: sender } : conversation;
      const result = await bob.messenger.send(to, bytesOf('answer'));
      expectTypeOf(result).toEqualTypeOf<SendResult>();
      expect(result.kind).toBe(conversation.kind);
    }
  });

  it('honours alongside and onProgress in each kind of conversation', async () => {
    const { alice, bob } = await two();
    const { group } = await alice.messenger.groups.create('g', [bob.identity.publicKey]);
    const conversations: Conversation[] = [
      { kind: 'direct', peer: bob.identity.publicKey },
      { kind: 'public', name: 'cats' },
      { kind: 'group', groupId: group.id },
    ];
    for (const conversation of conversations) {
      const { options, taken, progress } = noting();
      const { id } = await alice.messenger.send(conversation, bytesOf('x'), options);
      expect(taken.map((one) => [one.id, one.conversation])).toEqual([[id, conversation]]);
      expect(progress.at(-1)?.[0]).toBe(progress.at(-1)?.[1]);
      expect(progress).toHaveLength(1);
      expect((await alice.store.get(`app/${id}`))?.value).toEqual(bytesOf('noted'));
    }
  });

  it('that was given up before is refused, in each kind of conversation, and nothing is stored', async () => {
    const { alice, bob } = await two();
    const { group } = await alice.messenger.groups.create('g', [bob.identity.publicKey]);
    await alice.messenger.flushed();
    const before = await dump(alice.store);
    const { messenger } = alice;
    const signal = AbortSignal.abort();
    const peer = bob.identity.publicKey;
    for (const call of [
      () => messenger.send(peer, bytesOf('x'), { signal }),
      () => messenger.send({ kind: 'public', name: 'cats' }, bytesOf('x'), { signal }),
      () => messenger.send({ kind: 'group', groupId: group.id }, bytesOf('x'), { signal }),
      () => messenger.groups.create('h', [peer], { signal }),
      () => messenger.groups.rename(group.id, 'h', { signal }),
      () => messenger.groups.remove(group.id, [peer], { signal }),
      () => messenger.groups.leave(group.id, { signal }),
    ]) {
      await expect(call()).rejects.toMatchObject({ code: 'ABORTED' });
    }
    expect(await dump(alice.store)).toBe(before);
  });
});

describe('changes of a group', () => {
  it('each honour alongside and onProgress; without anything to do neither is called', async () => {
    const { network, alice, bob } = await two();
    const carol = await newParty(network, 'carol-1');
    await alice.messenger.contacts.add(await carol.messenger.contacts.ownCode());
    const { groups } = alice.messenger;
    const [b, c] = [bob.identity.publicKey, carol.identity.publicKey];
    const created = noting();
    const { group, result } = await groups.create('g', [b], created.options);
    const conversation = { kind: 'group', groupId: group.id };
    expect(created.taken).toEqual([{ id: result.id, conversation, devices: [], sealedSender: false }]);
    expect(created.progress.length).toBeGreaterThan(0);
    const renamed = noting();
    expect(await groups.rename(group.id, 'h', renamed.options)).toMatchObject({ id: renamed.taken[0]?.id });
    expect(renamed.progress.length).toBeGreaterThan(0);
    for (const change of [
      (options: SendOptions) => groups.add(group.id, [c], options),
      (options: SendOptions) => groups.promote(group.id, [b], options),
      (options: SendOptions) => groups.demote(group.id, [b], options),
      (options: SendOptions) => groups.remove(group.id, [c], options),
    ]) {
      const first = noting();
      const sent = await change(first.options);
      expect(first.taken).toEqual([{ id: sent?.id, conversation, devices: [], sealedSender: false }]);
      expect(first.progress.length).toBeGreaterThan(0);
      expect(await alice.store.get(`app/${sent?.id}`)).toBeDefined();
      const again = noting();
      expect(await change(again.options)).toBeUndefined();
      expect([...again.taken, ...again.progress]).toEqual([]);
    }
    const left = noting();
    expect(await groups.leave(group.id, left.options)).toMatchObject({ kind: 'group' });
    expect(left.taken).toHaveLength(1);
  });
});

describe('contacts', () => {
  it('are stored with what the application keeps of them, and their changes are told', async () => {
    const { alice, bob } = await two();
    const { contacts, requests } = alice.messenger;
    const identity = bob.identity.publicKey;
    alice.events.contactChanged.length = 0;
    const key = 'app/name/bob';
    const put: Write = { type: 'put', key, value: bytesOf('Bob') };
    const added = await contacts.add(identity, {
      alongside: (contact) => (contact.verified ? [] : [put]),
    });
    expect(added).toEqual({ identity, verified: false });
    expect(await alice.store.get(key)).toBeDefined();
    await contacts.setVerified(identity, true);
    await contacts.remove(identity, { alongside: [{ type: 'delete', key }] });
    expect(await alice.store.get(key)).toBeUndefined();
    // No longer a contact: nothing to tell.
    await contacts.setVerified(identity, false);
    await contacts.add(identity);
    await requests.block(identity, { alongside: [put] });
    expect(await alice.store.get(key)).toBeDefined();
    expect(await contacts.list()).toEqual([]);
    expect(alice.events.contactChanged).toEqual([
      { identity, contact: { identity, verified: false } },
      { identity, contact: { identity, verified: true } },
      { identity, contact: undefined },
      { identity, contact: { identity, verified: false } },
      { identity, contact: undefined },
    ]);
  });

  it('are not added when the records of the application are not valid', async () => {
    const { alice, bob } = await two();
    await alice.messenger.contacts.remove(bob.identity.publicKey);
    const alongside = (): readonly Write[] => [{ type: 'put', key: 'device', value: bytesOf('x') }];
    await expect(alice.messenger.contacts.add(bob.identity.publicKey, { alongside })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    });
    expect(await alice.messenger.contacts.list()).toEqual([]);
  });
});
