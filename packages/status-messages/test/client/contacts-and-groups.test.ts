import { SottoError } from '@sotto/core';
import { manualClock } from '@sotto/testing/clock';
import { createMemoryNetwork } from '@sotto/whisper-transport/memory';
import { describe, expect, it } from 'vitest';
import { statusGroupId } from '../../src/client/index.js';
import {
  CHAT_TYPE,
  CONTACT_STATE,
  CONTENT_TYPE,
  decodeContactRequestAnswer,
  decodeContactUpdate,
  decodeMembershipUpdate,
  encodeContactRequestAnswer,
  encodeContactUpdate,
  encodeMembershipUpdate,
  encodePairInstallation,
  formatIdentity,
  groupChatId,
  MEMBERSHIP_EVENT_TYPE,
  MESSAGE_TYPE,
  type MembershipEvent,
  openGroup,
  PROFILE_2020,
  PROFILE_2024,
  type StatusGroup,
  signMembershipEvent,
} from '../../src/index.js';
import { linesOf, newParty, type Party, quiet } from './party.js';
import { crypto, StatusPeer } from './status-peer.js';

const direct = (other: Party | StatusPeer) => ({ kind: 'direct', peer: other.identity.publicKey }) as const;

/** Alice doesn't know the peer; the peer knows her. */
async function strangers(generation: '2020' | '2024' = '2024') {
  const network = createMemoryNetwork();
  const clock = manualClock();
  const profile = generation === '2020' ? PROFILE_2020 : PROFILE_2024;
  const alice = await newParty(network, clock, 'alice-1', { profile });
  const peer = await StatusPeer.open(network, clock, generation);
  await peer.messenger.contacts.add(await alice.messenger.contacts.ownCode());
  await quiet(network, alice, peer);
  return { network, clock, alice, peer };
}

describe('contact requests', () => {
  it('are message requests; nothing leaves until the user accepts, then the answer and acknowledgements do', async () => {
    const { network, alice, peer } = await strangers();
    const id = await peer.text(alice.identity, 'shall we?', {
      contentType: CONTENT_TYPE.contactRequest,
      contactRequestState: {
        localClock: 5n,
        localState: CONTACT_STATE.sent,
        remoteClock: 0n,
        remoteState: 0,
      },
    });
    await quiet(network, alice, peer);
    expect(linesOf(alice)).toEqual(['contact received', 'direct contact-request: shall we?']);
    expect(await alice.messenger.requests.list()).toHaveLength(1);
    expect(peer.heard).toEqual([]);
    expect(peer.acks).toEqual([]);

    await alice.stop();
    await alice.open();
    await quiet(network, alice, peer);
    expect(peer.heard).toEqual([]);

    await alice.messenger.requests.accept(peer.identity.publicKey);
    await quiet(network, alice, peer);
    const [answer] = peer.ofType(MESSAGE_TYPE.acceptContactRequest);
    expect(decodeContactRequestAnswer(answer?.payload as Uint8Array).id).toBe(id);
    expect(peer.acks).toHaveLength(1);
    expect((await alice.status.contacts.get(peer.identity.publicKey)).state).toBe('mutual');
    await alice.status.contacts.accept(peer.identity.publicKey);
    await quiet(network, alice, peer);
    expect(peer.ofType(MESSAGE_TYPE.acceptContactRequest)).toHaveLength(1);
  });

  it('are answered after a restart when the program ended between accepting and answering', async () => {
    const { network, alice, peer } = await strangers();
    await peer.text(alice.identity, 'shall we?', { contentType: CONTENT_TYPE.contactRequest });
    await quiet(network, alice, peer);
    await alice.status.close();
    await alice.messenger.requests.accept(peer.identity.publicKey);
    await alice.messenger.close();
    await alice.open();
    await quiet(network, alice, peer);
    expect(peer.ofType(MESSAGE_TYPE.acceptContactRequest)).toHaveLength(1);
    expect(peer.acks).toHaveLength(1);
  });

  it('of ours are accepted by their id only', async () => {
    const { network, alice, peer } = await strangers();
    const { messageId } = await alice.status.contacts.request(peer.identity.publicKey, 'shall we?');
    await quiet(network, alice, peer);
    expect(peer.chats[0]).toMatchObject({
      contentType: CONTENT_TYPE.contactRequest,
      contactRequestState: { localState: CONTACT_STATE.sent },
    });
    const accept = (id: string) =>
      peer.say(
        alice.identity,
        MESSAGE_TYPE.acceptContactRequest,
        encodeContactRequestAnswer({ id, clock: BigInt(alice.clock.now()) }),
      );
    await accept(`0x${'1'.repeat(64)}`);
    await quiet(network, alice, peer);
    expect(alice.refused).toEqual(['MALFORMED_MESSAGE']);
    expect((await alice.status.contacts.get(peer.identity.publicKey)).state).toBe('sent');
    await accept(messageId);
    await quiet(network, alice, peer);
    expect(linesOf(alice)).toEqual(['contact mutual']);
    await alice.status.contacts.retract(peer.identity.publicKey);
    await quiet(network, alice, peer);
    const [retracted] = peer.ofType(MESSAGE_TYPE.retractContactRequest);
    expect(decodeContactRequestAnswer(retracted?.payload as Uint8Array).id).toBe(messageId);
    expect((await alice.status.contacts.get(peer.identity.publicKey)).state).toBe('received');
  });

  it('that cross make both sides contacts', async () => {
    const { network, alice, peer } = await strangers();
    await alice.status.contacts.request(peer.identity.publicKey, 'shall we?');
    await peer.text(alice.identity, 'and you?', { contentType: CONTENT_TYPE.contactRequest });
    await quiet(network, alice, peer);
    expect((await alice.status.contacts.get(peer.identity.publicKey)).state).toBe('mutual');
    expect(peer.ofType(MESSAGE_TYPE.acceptContactRequest)).toHaveLength(1);
  });

  it('are contact updates with a client of 2020', async () => {
    const { network, alice, peer } = await strangers('2020');
    const update = (clock: bigint, ensName: string) =>
      encodeContactUpdate({
        clock,
        ensName,
        profileImage: '',
        displayName: '',
        contactRequestClock: 0n,
        contactRequestState: undefined,
        publicKey: '',
        customizationColor: 0,
      });
    const now = BigInt(alice.clock.now());
    await peer.say(alice.identity, MESSAGE_TYPE.contactUpdate, update(now, 'carol.eth'));
    await peer.say(alice.identity, MESSAGE_TYPE.contactUpdate, update(now - 9n, 'old.eth'));
    await quiet(network, alice, peer);
    expect(linesOf(alice)).toEqual(['contact received']);
    expect(await alice.status.contacts.get(peer.identity.publicKey)).toEqual({
      state: 'received',
      displayName: '', // the ENS name is a claim that nobody has checked
    });
    await alice.status.contacts.accept(peer.identity.publicKey);
    await quiet(network, alice, peer);
    const [answer] = peer.ofType(MESSAGE_TYPE.contactUpdate);
    expect(decodeContactUpdate(answer?.payload as Uint8Array)).toMatchObject({
      displayName: '',
      publicKey: '',
    });
  });
});

/** A Status group that a peer makes by itself. */
function groupOf(peer: StatusPeer, name: string, members: readonly string[], clock: bigint) {
  const chatId = groupChatId('2b8c1d7e-9f3a-4c5d-8e6f-0123456789ab', peer.key);
  const base = { members: [], name: '', color: '', image: new Uint8Array(0) };
  const sign = (event: Partial<MembershipEvent> & Pick<MembershipEvent, 'type' | 'clock'>, by = peer) =>
    signMembershipEvent(crypto, by.identity, chatId, { ...base, ...event }).raw;
  const types = MEMBERSHIP_EVENT_TYPE;
  const events = [
    sign({ type: types.created, name, clock }),
    sign({ type: types.membersAdded, members, clock: clock + 1n }),
  ];
  const update = (raw: readonly Uint8Array[] = events, text?: string) =>
    encodeMembershipUpdate({
      chatId,
      events: raw,
      message:
        text === undefined
          ? undefined
          : {
              clock: clock + 9n,
              timestamp: clock + 9n,
              text,
              responseTo: '',
              ensName: '',
              chatId,
              messageType: CHAT_TYPE.group,
              contentType: CONTENT_TYPE.text,
              content: undefined,
              displayName: '',
              contactRequestState: undefined,
              customizationColor: 0,
            },
      emojiReaction: undefined,
    });
  return { chatId, id: statusGroupId(crypto, chatId), events, update, sign };
}

function groupsHeard(peer: StatusPeer): readonly { group: StatusGroup; text: string | undefined }[] {
  return peer.ofType(MESSAGE_TYPE.membershipUpdate).map(({ payload }) => {
    const { chatId, events, message } = decodeMembershipUpdate(payload);
    const profile = peer.generation === '2020' ? PROFILE_2020 : PROFILE_2024;
    const group = openGroup(crypto, chatId, events, { profile, nowMs: BigInt(2 ** 50) });
    return { group, text: message?.text };
  });
}

const textKeyOf = ({ identity }: Party) => formatIdentity(crypto, identity.publicKey);

describe.each(['2020', '2024'] as const)('groups with a client of %s', (generation) => {
  it('of theirs: we join as soon as the user accepts them, and before a text of ours', async () => {
    const { network, alice, peer } = await strangers(generation);
    const { id, chatId, update, events } = groupOf(
      peer,
      'crew',
      [textKeyOf(alice)],
      BigInt(alice.clock.now()),
    );
    await peer.say(alice.identity, MESSAGE_TYPE.membershipUpdate, update());
    await quiet(network, alice, peer);
    expect(linesOf(alice)).toEqual(['group crew invited']);
    await expect(
      alice.status.send({ kind: 'group', groupId: id }, { kind: 'text', text: 'too early' }),
    ).rejects.toMatchObject({ code: 'NOT_PERMITTED' });
    expect(peer.heard).toEqual([]);

    await alice.messenger.requests.accept(peer.identity.publicKey);
    await quiet(network, alice, peer);
    await alice.status.send({ kind: 'group', groupId: id }, { kind: 'text', text: 'thanks' });
    await quiet(network, alice, peer);
    const heard = groupsHeard(peer);
    expect(heard.map(({ text }) => text)).toEqual([undefined, 'thanks']);
    expect(heard[0]?.group.joined.has(textKeyOf(alice))).toBe(true);
    expect(peer.acks).toHaveLength(1);

    await peer.say(alice.identity, MESSAGE_TYPE.membershipUpdate, update(events, 'welcome'));
    await quiet(network, alice, peer);
    expect(linesOf(alice).at(-1)).toBe('group text: welcome');
    expect(alice.contents.at(-1)).toMatchObject({ conversation: { kind: 'group', groupId: id } });
    expect((await alice.status.groups.get(id))?.chatId).toBe(chatId);
  });

  it('of ours: members are told, and their texts are taken once they have joined', async () => {
    const { network, alice, peer } = await strangers(generation);
    await alice.messenger.requests.accept(peer.identity.publicKey);
    const made = await alice.status.groups.create('ours', [peer.identity.publicKey]);
    expect(made).toMatchObject({ name: 'ours', state: 'joined', members: { length: 2 } });
    await quiet(network, alice, peer);
    const [first] = groupsHeard(peer);
    expect(first?.group.name).toBe('ours');
    const { chatId } = made;
    const chat = peer.chat(chatId, 'am I in?', { messageType: CHAT_TYPE.group });
    await peer.say(alice.identity, MESSAGE_TYPE.chatMessage, chat);
    await quiet(network, alice, peer);
    const joined = signMembershipEvent(crypto, peer.identity, chatId, {
      type: MEMBERSHIP_EVENT_TYPE.memberJoined,
      clock: BigInt(alice.clock.now()) + 5n,
      members: [],
      name: '',
      color: '',
      image: new Uint8Array(0),
    }).raw;
    const events = [...(first?.group.events ?? []).map(({ raw }) => raw), joined];
    await peer.say(
      alice.identity,
      MESSAGE_TYPE.membershipUpdate,
      encodeMembershipUpdate({ chatId, events, message: undefined, emojiReaction: undefined }),
    );
    await peer.say(
      alice.identity,
      MESSAGE_TYPE.chatMessage,
      peer.chat(chatId, 'now I am', { messageType: CHAT_TYPE.group }),
    );
    await quiet(network, alice, peer);
    const texts = linesOf(alice).filter((line) => line.startsWith('group text'));
    expect(texts).toEqual([
      ...(generation === '2024' ? ['group text: am I in?'] : []),
      'group text: now I am',
    ]);
    expect(alice.refused).toEqual(generation === '2024' ? [] : ['NOT_PERMITTED']);
    await alice.status.groups.rename(made.id, 'still ours');
    await alice.status.groups.promote(made.id, [peer.identity.publicKey]);
    await expect(alice.status.groups.remove(made.id, [peer.identity.publicKey])).rejects.toMatchObject({
      code: 'NOT_PERMITTED',
    });
    const left = await alice.status.groups.leave(made.id);
    expect(left.state).toBe('left');
    await quiet(network, alice, peer);
    expect(groupsHeard(peer).at(-1)?.group.members.has(textKeyOf(alice))).toBe(false);
  });
});

describe('groups', () => {
  it('are refused from outsiders, with forged events, and beyond the limit; nothing changes', async () => {
    const { network, alice, peer, clock } = await strangers();
    await alice.messenger.requests.accept(peer.identity.publicKey);
    const outsider = await StatusPeer.open(network, clock, '2024');
    await outsider.messenger.contacts.add(await alice.messenger.contacts.ownCode());
    const now = BigInt(clock.now());
    const group = groupOf(peer, 'crew', [textKeyOf(alice)], now);
    await outsider.say(alice.identity, MESSAGE_TYPE.membershipUpdate, group.update());
    const withoutUs = groupOf(peer, 'others', [outsider.key], now);
    await peer.say(alice.identity, MESSAGE_TYPE.membershipUpdate, withoutUs.update());
    await quiet(network, alice, peer, outsider);
    expect(alice.refused).toEqual(['NOT_PERMITTED', 'NOT_PERMITTED']);
    expect(await alice.status.groups.list()).toEqual([]);

    await peer.say(alice.identity, MESSAGE_TYPE.membershipUpdate, group.update());
    await quiet(network, alice, peer);
    const before = await alice.status.groups.get(group.id);
    const forged = group.sign(
      { type: MEMBERSHIP_EVENT_TYPE.membersAdded, members: [outsider.key], clock: now + 7n },
      outsider,
    );
    await peer.say(alice.identity, MESSAGE_TYPE.membershipUpdate, group.update([...group.events, forged]));
    await quiet(network, alice, peer);
    expect(alice.refused.at(-1)).toBe('NOT_PERMITTED');
    expect(await alice.status.groups.get(group.id)).toEqual(before);
  });

  it('whose texts come before them are learnt from the repeat', async () => {
    const { network, alice, peer } = await strangers();
    await alice.messenger.requests.accept(peer.identity.publicKey);
    const group = groupOf(peer, 'crew', [textKeyOf(alice)], BigInt(alice.clock.now()));
    const chat = peer.chat(group.chatId, 'early', { messageType: CHAT_TYPE.group });
    const early = peer.wrap(alice.identity, peer.sign(MESSAGE_TYPE.chatMessage, chat).bytes);
    await peer.sync(alice.identity, early);
    await quiet(network, alice, peer);
    expect(alice.refused).toEqual(['NOT_FOUND']);
    expect(peer.acks).toEqual([]);
    await peer.say(alice.identity, MESSAGE_TYPE.membershipUpdate, group.update());
    await peer.sync(alice.identity, early);
    await quiet(network, alice, peer);
    expect(linesOf(alice)).toContain('group text: early');
    expect(peer.acks).toContain(peer.idOf(early));
  });
});

describe('devices of our own', () => {
  async function pair() {
    const { network, alice, peer, clock } = await strangers();
    const laptop = await newParty(network, clock, 'alice-2', { identity: alice.identity });
    await laptop.status.announceDevice({ name: 'laptop', deviceType: 'desktop' });
    await alice.status.announceDevice({ name: 'phone', deviceType: 'android' });
    await quiet(network, alice, laptop);
    await alice.messenger.devices.enable('alice-2');
    await laptop.messenger.devices.enable('alice-1');
    await quiet(network, alice, laptop);
    return { network, alice, laptop, peer, clock };
  }

  it('ask to be paired, both ways', async () => {
    const { alice, laptop } = await pair();
    expect(alice.contents).toEqual([
      { what: 'pairing', installationId: 'alice-2', name: 'laptop', deviceType: 'desktop' },
    ]);
    expect(laptop.contents).toEqual([
      { what: 'pairing', installationId: 'alice-1', name: 'phone', deviceType: 'android' },
    ]);
  });

  it('get the same message addressed to our identity, and show it in the right conversation', async () => {
    const { network, alice, laptop, peer } = await pair();
    await alice.messenger.contacts.add(await peer.messenger.contacts.ownCode());
    const { messageId } = await alice.status.send(direct(peer), { kind: 'text', text: 'hello' });
    const group = await alice.status.groups.create('crew', [peer.identity.publicKey]);
    await quiet(network, alice, laptop, peer);
    expect(linesOf(laptop).slice(1)).toEqual(['direct own text: hello', 'group crew joined']);
    expect(laptop.contents[1]).toMatchObject({ messageId, own: true, conversation: direct(peer) });
    // Only the one that sent it repeats it, and knows what became of it.
    expect(alice.delivered).toContain(messageId);
    expect((await laptop.messenger.requests.list()).length).toBe(0);
    await laptop.status.send({ kind: 'group', groupId: group.id }, { kind: 'text', text: 'from laptop' });
    await quiet(network, alice, laptop, peer);
    expect(linesOf(alice).at(-1)).toBe('group own text: from laptop');
  });

  it('cannot be paired by others', async () => {
    const { network, alice, peer } = await pair();
    const payload = encodePairInstallation({
      clock: BigInt(alice.clock.now()),
      installationId: 'evil',
      deviceType: 'ios',
      name: 'evil',
      version: 1,
      targetInstallationId: '',
    });
    await peer.say(alice.identity, MESSAGE_TYPE.pairInstallation, payload);
    await quiet(network, alice, peer);
    expect(alice.refused).toEqual(['NOT_PERMITTED']);
  });
});

describe('the commit', () => {
  it('of a message has all of it or nothing', async () => {
    const { network, alice, peer } = await strangers();
    await alice.messenger.contacts.add(await peer.messenger.contacts.ownCode());
    const key = 'app/test/last';
    alice.alongside = () => [{ type: 'put', key, value: Uint8Array.of(1) }];
    alice.failing = (writes) => {
      if (writes.some((write) => write.key === key))
        throw new SottoError('STORE_UNAVAILABLE', 'The disk is full.', { reason: 'test' });
    };
    const message = peer.wrap(
      alice.identity,
      peer.sign(MESSAGE_TYPE.chatMessage, peer.chat(peer.key, 'hello')).bytes,
    );
    await peer.sync(alice.identity, message);
    await quiet(network, alice, peer);
    expect(alice.contents).toEqual([]);
    expect(peer.acks).toEqual([]);
    expect(await alice.store.get(key)).toBeUndefined();
    alice.failing = undefined;
    await alice.stop();
    await alice.open();
    await quiet(network, alice, peer);
    expect(linesOf(alice)).toEqual(['direct text: hello']);
    expect(peer.acks).toEqual([peer.idOf(message)]);
    expect(await alice.store.get(key)).toBeDefined();
  });

  it('of a text to a group survives the end of the program before anything is sent', async () => {
    const { network, alice, peer } = await strangers();
    await alice.messenger.contacts.add(await peer.messenger.contacts.ownCode());
    const group = await alice.status.groups.create('crew', [peer.identity.publicKey]);
    await quiet(network, alice, peer);
    const before = peer.heard.length;
    // Every commit after that of the message itself fails, as when the process is killed there.
    let isStored = false;
    alice.failing = (writes) => {
      if (isStored) throw new SottoError('STORE_UNAVAILABLE', 'Killed.', { reason: 'test' });
      isStored ||= writes.some((write) => write.key.startsWith('app/status/outgoing/'));
    };
    const { messageId } = await alice.status.send(
      { kind: 'group', groupId: group.id },
      { kind: 'text', text: 'hello' },
    );
    expect(alice.status.unsent()).toEqual(new Set([messageId]));
    await alice.stop();
    alice.failing = undefined;
    expect(peer.heard).toHaveLength(before);
    await alice.open();
    await alice.clock.advanceAndRest(100);
    await quiet(network, alice, peer);
    expect(peer.heard.slice(before).map((heard) => heard.messageId)).toEqual([messageId]);
    expect(alice.status.unsent()).toEqual(new Set());
  });
});
