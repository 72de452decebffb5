import { conversationKey } from '@sotto/conversations';
import { encodeHex, type PublicKey } from '@sotto/core';
import type { Group } from '@sotto/messenger';
import { CliError } from '../cli-error.js';
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
    const group = await groupOf(session, findGroup(session, args.text('conversation')));
    const admins = new Set(group.admins.map(encodeHex));
    return {
      value: { group: groupJson(session, group) },
      said: group.members.map(
        (member) => `${nameOf(session, member)}${admins.has(encodeHex(member)) ? '  administrator' : ''}`,
      ),
    };
  },
};

/** A Status group, or one of the messenger. @throws NOT_FOUND */
async function groupOf(session: Session, groupId: string): Promise<Group> {
  const group = session.conversations.get({ kind: 'group', groupId })?.group;
  if (await session.statusClient?.groups.get(groupId)) return group as Group;
  return session.messenger.groups.get(groupId);
}

/** What changes a group: both kinds have the same methods, but for one. @throws CliError WRONG_KIND */
async function changesOf(session: Session, groupId: string): Promise<GroupChanges> {
  const { statusClient, messenger } = session;
  if (statusClient === undefined || (await statusClient.groups.get(groupId)) === undefined)
    return messenger.groups;
  const { groups } = statusClient;
  return {
    add: (id, people) => groups.add(id, people),
    remove: (id, people) => groups.remove(id, people),
    promote: (id, people) => groups.promote(id, people),
    leave: (id) => groups.leave(id),
    async demote() {
      throw new CliError(
        'WRONG_KIND',
        'In a Status group administrators only leave their office themselves.',
      );
    },
  };
}

interface GroupChanges {
  add(groupId: string, people: readonly PublicKey[]): Promise<unknown>;
  remove(groupId: string, people: readonly PublicKey[]): Promise<unknown>;
  promote(groupId: string, people: readonly PublicKey[]): Promise<unknown>;
  demote(groupId: string, people: readonly PublicKey[]): Promise<unknown>;
  leave(groupId: string): Promise<unknown>;
}

type Change = (groups: GroupChanges, groupId: string, members: readonly PublicKey[]) => Promise<unknown>;

/** An action that changes members of the open group. */
function change(name: string, about: string, run: Change): Action {
  return {
    name,
    about,
    parameters: [CURRENT, MEMBERS],
    async run(session, args) {
      const groupId = findGroup(session, args.text('conversation'));
      await run(await changesOf(session, groupId), groupId, membersIn(session, args));
      return { value: { group: groupJson(session, await groupOf(session, groupId)) } };
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
    await (await changesOf(session, groupId)).leave(groupId);
    return { value: { conversation: conversationKey({ kind: 'group', groupId }) } };
  },
};

export const GROUPS: readonly Action[] = [
  create,
  members,
  change('invite', 'adds contacts to this group: /invite Ada Bob', (groups, groupId, people) =>
    groups.add(groupId, people),
  ),
  change('kick', 'removes members from this group', (groups, groupId, people) =>
    groups.remove(groupId, people),
  ),
  change('promote', 'makes members administrators', (groups, groupId, people) =>
    groups.promote(groupId, people),
  ),
  change('demote', 'makes administrators plain members', (groups, groupId, people) =>
    groups.demote(groupId, people),
  ),
  leave,
];
