import type { PublicKey } from '@sotto/core';
import type { Group } from '@sotto/messenger';
import type { Session } from './session.js';

/** Whether a group is one of Status users, with rules of its own. It has no state that could be compared. */
export function isStatusGroup(group: Group | undefined): boolean {
  return group?.membershipHash === '';
}

/** What can be done to a group, by whoever may. */
export interface GroupChanges {
  rename(name: string): Promise<unknown>;
  add(members: readonly PublicKey[]): Promise<unknown>;
  remove(member: PublicKey): Promise<unknown>;
  promote(member: PublicKey): Promise<unknown>;
  /** Absent where administrators stay what they are. */
  demote?(member: PublicKey): Promise<unknown>;
  leave(): Promise<unknown>;
}

export function changesOf({ messenger, statusClient }: Session, group: Group): GroupChanges {
  const { id } = group;
  const isOfStatus = statusClient !== undefined && isStatusGroup(group);
  const groups = isOfStatus ? statusClient.groups : messenger.groups;
  return {
    rename: (name) => groups.rename(id, name),
    add: (members) => groups.add(id, members),
    remove: (member) => groups.remove(id, [member]),
    promote: (member) => groups.promote(id, [member]),
    ...(!isOfStatus && { demote: (member: PublicKey) => messenger.groups.demote(id, [member]) }),
    leave: () => groups.leave(id),
  };
}
