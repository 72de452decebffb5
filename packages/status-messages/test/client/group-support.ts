import { manualClock } from '@sotto/testing/clock';
import { createMemoryNetwork } from '@sotto/whisper-transport/memory';
import {
  CHAT_TYPE,
  decodeChatMessage,
  encodeMembershipUpdate,
  formatIdentity,
  groupChatId,
  MEMBERSHIP_EVENT_TYPE,
  MESSAGE_TYPE,
  type MembershipEvent,
  signMembershipEvent,
} from '../../src/index.js';
import { newParty, type Party, quiet } from './party.js';
import { crypto, StatusPeer } from './status-peer.js';

export const keyOf = (one: Party | StatusPeer) => formatIdentity(crypto, one.identity.publicKey);

/** A signed event, encoded. */
export function event(
  author: StatusPeer,
  chatId: string,
  type: number,
  clock: number,
  more: Partial<MembershipEvent> = {},
): Uint8Array {
  const empty = { members: [], name: '', color: '', image: new Uint8Array() };
  return signMembershipEvent(crypto, author.identity, chatId, {
    ...empty,
    type,
    clock: BigInt(clock),
    ...more,
  }).raw;
}

/** A group that a peer makes by itself: its creation, and the event that adds members. */
export function newGroup(
  creator: StatusPeer,
  n: number,
  members: readonly (Party | StatusPeer)[],
  clock: number,
) {
  const chatId = groupChatId(`00000000-0000-4000-8000-${String(n).padStart(12, '0')}`, keyOf(creator));
  const { created, membersAdded } = MEMBERSHIP_EVENT_TYPE;
  const events = [
    event(creator, chatId, created, clock, { name: 'trap' }),
    event(creator, chatId, membersAdded, clock + 1, { members: members.map(keyOf) }),
  ];
  return { chatId, events };
}

type Group = { readonly chatId: string; readonly events: readonly Uint8Array[] };

/** The events of a group as a message, with a text of a peer or without. */
export function updateOf({ chatId, events }: Group, by?: StatusPeer, text = ''): Uint8Array {
  const message = by && decodeChatMessage(by.chat(chatId, text, { messageType: CHAT_TYPE.group }));
  return encodeMembershipUpdate({ chatId, events, message, emojiReaction: undefined });
}

/** Tells somebody of a group, with a text to it or without. @returns the id of the message */
export async function tell(peer: StatusPeer, to: Party, group: Group, text?: string): Promise<string> {
  const update = text === undefined ? updateOf(group) : updateOf(group, peer, text);
  return peer.say(to.identity, MESSAGE_TYPE.membershipUpdate, update);
}

/** Alice has a friend; Mallory is a stranger. */
export async function people() {
  const network = createMemoryNetwork();
  const clock = manualClock();
  const alice = await newParty(network, clock, 'alice-1');
  const friend = await StatusPeer.open(network, clock, '2024');
  const mallory = await StatusPeer.open(network, clock, '2024');
  for (const peer of [friend, mallory])
    await peer.messenger.contacts.add(await alice.messenger.contacts.ownCode());
  await alice.messenger.contacts.add(await friend.messenger.contacts.ownCode());
  await quiet(network, alice, friend, mallory);
  return { network, clock, alice, friend, mallory };
}
