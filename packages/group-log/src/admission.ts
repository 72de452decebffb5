import { SottoError } from '@sotto/core';
import { type Bits, hasBit } from './bits.js';
import type { ParsedChange } from './change.js';
import {
  type Authority,
  addToShare,
  compareRanks,
  type Graph,
  isRevocation,
  newShare,
  type Rank,
  type Share,
  type Unplaced,
} from './graph.js';
import {
  AUTHOR_BYTES_MAX,
  AUTHOR_CHANGES_MAX,
  AUTHOR_NAMES_MAX,
  AUTHOR_REVOCATIONS_MAX,
  GROUP_ADMINS_MAX,
  GROUP_MEMBERS_MAX,
} from './limits.js';
import { voidedBy } from './reasons.js';
import { exclusions, type View } from './view.js';
import type { ViewCache } from './view-cache.js';

/** Behind every administrator. */
const LAST: Rank = { depth: Number.MAX_SAFE_INTEGER, id: '', position: 0 };

/** The authority of the change that creates a group. */
const CREATOR: Authority = {
  memberGrants: [],
  adminGrant: -1,
  premises: [],
  rank: { depth: -1, id: '', position: 0 },
};

function notPermitted(what: string, message: string): SottoError {
  return new SottoError('NOT_PERMITTED', message, { what });
}

/**
 * Whether the author of a change may make it, judged by the ancestors of the change alone, so that everyone decides alike.
 *
 * @param view the group as those ancestors make it
 * @param ancestors the set of them
 * @returns what the change rests on
 * @throws NOT_PERMITTED, LIMIT_EXCEEDED
 */
export function authorize(graph: Graph, view: View, ancestors: Bits, change: ParsedChange): Authority {
  const { author, kind, names } = change;
  const standing = view.standing(author);
  if (standing === undefined || !view.isMember(author)) {
    throw notPermitted(kind, 'Only members may change the group.');
  }
  if (kind === 'leave') {
    const authority = { memberGrants: standing.memberGrants, adminGrant: -1, premises: [], rank: LAST };
    checkShare(graph, ancestors, change, authority);
    return authority;
  }
  const isAdmin = view.isAdmin(author);
  const isClaim = !isAdmin && kind === 'promote' && names.length === 1 && names[0] === author;
  if (!isAdmin && !(isClaim && view.admins.length === 0 && view.members[0] === author)) {
    throw notPermitted(kind, 'Only an administrator of the group may do this.');
  }
  if (kind === 'create') throw notPermitted(kind, 'A group can only be created once.');
  checkTargets(view, change);
  const authority: Authority = {
    memberGrants: [standing.memberGrant],
    adminGrant: isClaim ? -1 : standing.adminGrant,
    premises: isClaim ? premisesOf(graph, view, ancestors, author) : [],
    rank: isClaim ? LAST : (standing.seniority ?? LAST),
  };
  checkShare(graph, ancestors, change, authority);
  return authority;
}

function checkTargets(view: View, { kind, names, author }: ParsedChange): void {
  const all = (allowed: (name: string) => boolean) => names.every(allowed);
  switch (kind) {
    case 'add':
      if (!all((name) => view.standing(name) === undefined)) {
        throw notPermitted(kind, 'An identity to add is already a member.');
      }
      checkLimit('members of a group', GROUP_MEMBERS_MAX, view.memberCount + names.length);
      break;
    case 'remove':
      if (names.includes(author)) throw notPermitted(kind, 'Members cannot remove themselves; they leave.');
      if (!all((name) => view.standing(name) !== undefined)) {
        throw notPermitted(kind, 'An identity to remove is not a member.');
      }
      break;
    case 'promote':
      if (!all((name) => view.isMember(name) && view.standing(name)?.adminGrant === -1)) {
        throw notPermitted(kind, 'An identity to promote is not a plain member.');
      }
      checkLimit('administrators of a group', GROUP_ADMINS_MAX, view.admins.length + names.length);
      break;
    case 'demote':
      if (!all((name) => (view.standing(name)?.adminGrant ?? -1) >= 0)) {
        throw notPermitted(kind, 'An identity to demote is not an administrator.');
      }
      if (view.admins.every((admin) => names.includes(admin))) {
        throw notPermitted(kind, 'The last administrator has to promote another one first.');
      }
      break;
    default:
  }
}

/** What left the group without administrator, and the author with no one who joined earlier. */
function premisesOf(graph: Graph, view: View, ancestors: Bits, author: string): number[] {
  const found = new Set<number>();
  const own = view.standing(author)?.joined ?? LAST;
  const note = (identity: string, of: 'membership' | 'administration') => {
    for (const index of exclusions(graph, view, identity, of)) found.add(index);
    for (const grant of graph.memberGrantsOf(identity)) {
      const by = hasBit(ancestors, grant) ? voidedBy(graph, view.effective, ancestors, grant) : undefined;
      if (by !== undefined && isRevocation(graph.at(by).kind)) found.add(by);
    }
  };
  for (const identity of graph.administrators()) if (identity !== author) note(identity, 'administration');
  for (const identity of graph.identities()) {
    if (view.standing(identity) !== undefined) continue;
    const elder = graph
      .memberGrantsOf(identity)
      .some((grant) => hasBit(ancestors, grant) && compareRanks(graph.rankIn(grant, identity), own) < 0);
    if (elder) note(identity, 'membership');
  }
  return [...found].sort((a, b) => a - b);
}

/** What one author may have among the ancestors of a change, the change included. */
function checkShare(graph: Graph, ancestors: Bits, change: ParsedChange, { premises }: Authority): void {
  const isReserved = isRevocation(change.kind) || premises.length > 0;
  const own: Unplaced = { ...change, isReserved };
  const most = { ...graph.shareOf(change.author) };
  addToShare(most, own);
  if (isWithinShare(most)) return;
  const share = newShare();
  addToShare(share, own);
  for (const index of graph.byAuthor(change.author)) {
    if (hasBit(ancestors, index)) addToShare(share, graph.at(index));
  }
  if (isReserved) {
    checkLimit('revocations by one author', AUTHOR_REVOCATIONS_MAX, share.reserved);
    checkLimit('bytes of revocations by one author', AUTHOR_BYTES_MAX, share.reservedBytes);
    return;
  }
  checkLimit('changes of a group by one author', AUTHOR_CHANGES_MAX, share.changes);
  checkLimit('bytes of changes by one author', AUTHOR_BYTES_MAX, share.bytes);
  if (change.kind === 'add') checkLimit('identities added by one author', AUTHOR_NAMES_MAX, share.names);
}

function isWithinShare({ changes, bytes, reserved, reservedBytes, names }: Share): boolean {
  return (
    changes <= AUTHOR_CHANGES_MAX &&
    bytes <= AUTHOR_BYTES_MAX &&
    reserved <= AUTHOR_REVOCATIONS_MAX &&
    reservedBytes <= AUTHOR_BYTES_MAX &&
    names <= AUTHOR_NAMES_MAX
  );
}

/** @throws LIMIT_EXCEEDED */
export function checkLimit(what: string, limit: number, actual: number): void {
  if (actual > limit) {
    throw new SottoError('LIMIT_EXCEEDED', `Too many ${what}.`, { what, limit, actual });
  }
}

/**
 * What a change rests on, if its author may make it.
 * @throws NOT_PERMITTED, LIMIT_EXCEEDED, MALFORMED_MESSAGE
 */
export function authorityOf(
  graph: Graph,
  views: ViewCache,
  parents: readonly number[],
  change: ParsedChange,
  groupId: string,
): Authority {
  if (change.groupId !== groupId) {
    throw new SottoError('MALFORMED_MESSAGE', 'The change is of another group.', {
      what: 'Change',
      reason: 'of another group',
    });
  }
  if (change.kind === 'create') return CREATOR;
  const { view, ancestors } = views.after(parents);
  return authorize(graph, view, ancestors, change);
}
