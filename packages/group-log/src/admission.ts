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

/** What of a change its author's permission depends on, beside the ancestors. */
export type Proposal = Pick<ParsedChange, 'author' | 'kind' | 'names' | 'encoded'>;

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
export function authorize(graph: Graph, view: View, ancestors: Bits, change: Proposal): Authority {
  const { author, kind, names } = change;
  const standing = view.isMember(author) ? view.standing(author) : undefined;
  if (standing === undefined) {
    throw notPermitted(kind, 'Only members may change the group.');
  }
  if (kind === 'leave') {
    const authority = { memberGrants: standing.memberGrants, adminGrant: -1, premises: [], rank: LAST };
    checkShare(graph, ancestors, change, authority);
    return authority;
  }
  const isAdmin = view.isAdmin(author);
  const isClaim = kind === 'promote' && names.length === 1 && names[0] === author;
  if (!isAdmin && !(isClaim && view.admins.length === 0 && view.members[0] === author)) {
    throw notPermitted(kind, 'Only an administrator of the group may do this.');
  }
  checkTargets(view, change);
  const authority: Authority = {
    memberGrants: [standing.memberGrant],
    adminGrant: isClaim ? -1 : standing.adminGrant,
    premises: isClaim ? premisesOf(graph, view, ancestors, author, standing.joined) : [],
    rank: isClaim ? LAST : (standing.seniority ?? LAST),
  };
  checkShare(graph, ancestors, change, authority);
  return authority;
}

function checkTargets(view: View, { kind, names, author }: Proposal): void {
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
      if (!all((name) => view.standing(name)?.adminGrant === -1 && view.isMember(name))) {
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

/**
 * What left the group without administrator, and the author with no one who joined earlier: the revocations that keep others from what
 * the grants among the ancestors would give them, or that void such a grant. Everyone has to find the same, whatever else is known.
 */
function premisesOf(graph: Graph, view: View, ancestors: Bits, author: string, joined: Rank): number[] {
  const found = new Set<number>();
  const among = (grants: readonly number[]) => grants.filter((grant) => hasBit(ancestors, grant));
  const note = (identity: string, of: 'membership' | 'administration', grants: readonly number[]) => {
    for (const index of exclusions(graph, view, identity, of)) found.add(index);
    for (const grant of grants) {
      const by = voidedBy(graph, view.effective, ancestors, grant);
      if (by !== undefined) found.add(by);
    }
  };
  for (const identity of graph.identities()) {
    if (identity === author) continue;
    const memberGrants = among(graph.memberGrantsOf(identity));
    const adminGrants = among(graph.adminGrantsOf(identity));
    if (adminGrants.length > 0) note(identity, 'administration', [...memberGrants, ...adminGrants]);
    if (memberGrants.some((grant) => compareRanks(graph.rankIn(grant, identity), joined) < 0)) {
      note(identity, 'membership', memberGrants);
    }
  }
  return [...found].sort((a, b) => a - b);
}

interface Cap {
  readonly what: string;
  readonly of: keyof Share;
  readonly limit: number;
}

/** What one author may have among the ancestors of an ordinary change, the change included. */
const ORDINARY_CAPS: readonly Cap[] = [
  { what: 'changes of a group by one author', of: 'changes', limit: AUTHOR_CHANGES_MAX },
  { what: 'bytes of changes by one author', of: 'bytes', limit: AUTHOR_BYTES_MAX },
  { what: 'identities added by one author', of: 'names', limit: AUTHOR_NAMES_MAX },
];
/** The same for revocations and claims. */
const RESERVED_CAPS: readonly Cap[] = [
  { what: 'revocations by one author', of: 'reserved', limit: AUTHOR_REVOCATIONS_MAX },
  { what: 'bytes of revocations by one author', of: 'reservedBytes', limit: AUTHOR_BYTES_MAX },
];

function checkShare(graph: Graph, ancestors: Bits, change: Proposal, { premises }: Authority): void {
  const isReserved = isRevocation(change.kind) || premises.length > 0;
  const caps = isReserved ? RESERVED_CAPS : ORDINARY_CAPS;
  const own: Unplaced = { ...change, isReserved };
  const most = { ...graph.shareOf(change.author) };
  addToShare(most, own);
  if (caps.every(({ of, limit }) => most[of] <= limit)) return;
  const share = newShare();
  addToShare(share, own);
  for (const index of graph.byAuthor(change.author)) {
    if (hasBit(ancestors, index)) addToShare(share, graph.at(index));
  }
  for (const { what, of, limit } of caps) checkLimit(what, limit, share[of]);
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
