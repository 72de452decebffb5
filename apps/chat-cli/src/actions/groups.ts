import { conversationKey } from '@sotto/conversations';
import { encodeHex, type PublicKey } from '@sotto/core';
import { groupJson } from '../json-shapes.js';
import { findGroup, findPerson, nameOf } from '../names.js';
import type { Session } from '../session.js';
import { type Action, type Arguments, CURRENT } from './action.js';

const MEMBERS = { name: 'members', kind: 'words' } as const;

const create: Action = {
  name: 'group',
  about: 'creates a private group of contacts: /group "Our hike" Ada Bob',
  parameters: [{ name: 'name', kind: 'word' }, MEMBERS],
  async run(session, args) {
    const { group } = await session.messenger.groups.create(
      args.text('name').trim(),
      membersIn(session, args),
    );
    const conversation = { kind: 'group', groupId: group.id } as const;
    await session.conversations.open(conversation);
    const show = conversationKey(conversation);
    return { value: { conversation: show, group: groupJson(session, group) }, show };
  },
};

const members: Action = {
  name: 'members',
  about: 'lists the members of this group',
  parameters: [CURRENT],
  async run(session, args) {
    const group = await session.messenger.groups.get(findGroup(session, args.text('conversation')));
    const admins = new Set(group.admins.map(encodeHex));
    return {
      value: { group: groupJson(session, group) },
      said: group.members.map(
        (member) => `${nameOf(session, member)}${admins.has(encodeHex(member)) ? '  administrator' : ''}`,
      ),
    };
  },
};

type Change = (session: Session, groupId: string, members: readonly PublicKey[]) => Promise<unknown>;

/** An action that changes members of the open group. */
function change(name: string, about: string, run: Change): Action {
  return {
    name,
    about,
    parameters: [CURRENT, MEMBERS],
    async run(session, args) {
      const groupId = findGroup(session, args.text('conversation'));
      await run(session, groupId, membersIn(session, args));
      return { value: { group: groupJson(session, await session.messenger.groups.get(groupId)) } };
    },
  };
}

function membersIn(session: Session, args: Arguments): readonly PublicKey[] {
  return args.list('members').map((text) => findPerson(session, text));
}

const leave: Action = {
  name: 'leave',
  about: "leaves this group; you can't read later messages",
  parameters: [CURRENT],
  async run(session, args) {
    const groupId = findGroup(session, args.text('conversation'));
    await session.messenger.groups.leave(groupId);
    return { value: { conversation: conversationKey({ kind: 'group', groupId }) } };
  },
};

export const GROUPS: readonly Action[] = [
  create,
  members,
  change('invite', 'adds contacts to this group: /invite Ada Bob', ({ messenger }, groupId, people) =>
    messenger.groups.add(groupId, people),
  ),
  change('kick', 'removes members from this group', ({ messenger }, groupId, people) =>
    messenger.groups.remove(groupId, people),
  ),
  change('promote', 'makes members administrators', ({ messenger }, groupId, people) =>
    messenger.groups.promote(groupId, people),
  ),
  change('demote', 'makes administrators plain members', ({ messenger }, groupId, people) =>
    messenger.groups.demote(groupId, people),
  ),
  leave,
];
