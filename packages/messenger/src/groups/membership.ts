import { compareBytes, decodeHex, encodeHex, type PublicKey } from '@sotto/core';
import type { CryptoProvider } from '@sotto/crypto';
import type { GroupChange } from '../generated/sotto/messenger/v1/payload.js';
import { deepest, GROUP_MEMBERS_MAX, membershipOf, type VerifiedChange } from './change.js';

/** A group as its signed changes make it. The same for everyone who knows the same changes. */
export interface GroupState {
  /** 64 hex digits. */
  readonly id: string;
  readonly name: string;
  /** Identities in hex, in the order in which they joined. */
  readonly members: ReadonlySet<string>;
  /** Members that may change the group. Never empty while there are members. */
  readonly admins: ReadonlySet<string>;
  /** The changes in the one order in which everyone applies them, those without effect included. */
  readonly ordered: readonly VerifiedChange[];
  /** Names the state: 32 bytes over the changes in order. */
  readonly membership: Uint8Array;
  /** Changes that no other known change follows: the parents of the next one. 64 hex digits each. */
  readonly heads: readonly string[];
}

interface Standing {
  name: string;
  members: Set<string>;
  admins: Set<string>;
}

/**
 * Builds a group from the changes known of it, in any order and with repetitions. Changes whose parents are not
 * known yet have to wait and are left out. The rest is ordered by depth, then by id: a change comes after all that
 * its author knew, and everyone breaks ties in the same way. A change that its author was not allowed to make at
 * its place in the order has no effect.
 *
 * @returns `undefined` when the creating change is not known
 */
export function buildGroup(
  crypto: CryptoProvider,
  groupId: string,
  changes: readonly VerifiedChange[],
): GroupState | undefined {
  const byId = new Map(changes.map((change) => [change.id, change]));
  const root = byId.get(groupId);
  if (root?.change.action?.$case !== 'create') return undefined;
  const ordered = order(byId, groupId);
  const standing: Standing = { name: '', members: new Set(), admins: new Set() };
  for (const change of ordered) apply(standing, change);
  const followed = new Set(ordered.flatMap(({ change }) => change.parents.map(encodeHex)));
  return {
    id: groupId,
    name: standing.name,
    members: standing.members,
    admins: standing.admins,
    ordered,
    membership: membershipOf(crypto, ordered),
    heads: ordered.map(({ id }) => id).filter((id) => !followed.has(id)),
  };
}

/** The members at each moment of the group's order, by the membership that names it, in hex. */
export function membersAt(
  crypto: CryptoProvider,
  group: GroupState,
  membership: Uint8Array,
): ReadonlySet<string> | undefined {
  if (compareBytes(group.membership, membership) === 0) return group.members;
  const standing: Standing = { name: '', members: new Set(), admins: new Set() };
  for (const [index, change] of group.ordered.entries()) {
    apply(standing, change);
    const here = membershipOf(crypto, group.ordered.slice(0, index + 1));
    if (compareBytes(here, membership) === 0) return new Set(standing.members);
  }
  return undefined;
}

/** Changes with all their ancestors known, by depth and then id. */
function order(byId: ReadonlyMap<string, VerifiedChange>, groupId: string): VerifiedChange[] {
  const placed = new Map<string, bigint>();
  const ordered: VerifiedChange[] = [];
  const candidates = [...byId.values()]
    .filter(({ id, change }) => id === groupId || encodeHex(change.groupId) === groupId)
    .sort((a, b) =>
      a.change.depth === b.change.depth
        ? compareBytes(decodeHex(a.id), decodeHex(b.id))
        : a.change.depth < b.change.depth
          ? -1
          : 1,
    );
  for (const candidate of candidates) {
    const { change, id } = candidate;
    const depths = change.parents.map((parent) => placed.get(encodeHex(parent)));
    if (depths.includes(undefined)) continue;
    // A depth that the parents don't give would let an author choose the place of a change.
    if (
      change.depth !== deepest(depths as bigint[]) + 1n ||
      (change.action?.$case === 'create' && id !== groupId)
    )
      continue;
    placed.set(id, change.depth);
    ordered.push(candidate);
  }
  return ordered;
}

function apply(standing: Standing, { change, author }: VerifiedChange): void {
  const { members, admins } = standing;
  const { action } = change;
  if (action?.$case === 'create') {
    standing.name = action.value.name;
    members.add(author);
    admins.add(author);
    for (const member of action.value.members) addMember(standing, encodeHex(member));
    return;
  }
  if (action === undefined || !members.has(author)) return;
  if (action.$case === 'leave') {
    removeMember(standing, author);
    return;
  }
  if (!admins.has(author)) return;
  switch (action.$case) {
    case 'rename':
      standing.name = action.value;
      break;
    case 'add':
      for (const identity of action.value.identities) addMember(standing, encodeHex(identity));
      break;
    case 'remove':
      for (const identity of action.value.identities) removeMember(standing, encodeHex(identity));
      break;
    case 'promote':
      for (const identity of action.value.identities.map(encodeHex)) {
        if (members.has(identity)) admins.add(identity);
      }
      break;
    case 'demote':
      for (const identity of action.value.identities.map(encodeHex)) {
        // The last administrator stays one.
        if (admins.size > 1) admins.delete(identity);
      }
      break;
  }
}

function addMember({ members }: Standing, identity: string): void {
  if (members.size < GROUP_MEMBERS_MAX) members.add(identity);
}

/** When the last administrator goes, the member who joined first becomes one. */
function removeMember({ members, admins }: Standing, identity: string): void {
  members.delete(identity);
  admins.delete(identity);
  const [eldest] = members;
  if (admins.size === 0 && eldest !== undefined) admins.add(eldest);
}

/** Whether an identity may make a change of this kind now. */
export function mayChange(group: GroupState, author: PublicKey, action: GroupChange['action']): boolean {
  const name = encodeHex(author);
  return action?.$case === 'leave' ? group.members.has(name) : group.admins.has(name);
}
