import { type Bits, differing, eachBit, hasBit, newBits, setBit } from './bits.js';
import { compareChanges, compareRanks, type Graph, type Rank } from './graph.js';
import { GROUP_ADMINS_MAX, GROUP_MEMBERS_MAX } from './limits.js';
import { resolve } from './resolution.js';

/** What an identity is in a group. */
export interface Standing {
  /** Where it joined: the first of the grants that count. */
  readonly joined: Rank;
  /** Its membership rests on this grant: the one by the most senior granter. */
  readonly memberGrant: number;
  /** All grants of membership that count. */
  readonly memberGrants: readonly number[];
  /** Its administration rests on this grant; -1 when it has none. */
  readonly adminGrant: number;
  /** Seniority as administrator: where that grant stands. */
  readonly seniority: Rank | undefined;
}

/** The state of a group, derived from its effective changes. Immutable. */
export class View {
  readonly #graph: Graph;
  /** The changes with effect. */
  readonly effective: Bits;
  #standings: ReadonlyMap<string, Standing> | undefined;
  #members: readonly string[] | undefined;
  #admins: readonly string[] | undefined;
  #seats: { readonly members: ReadonlySet<string>; readonly admins: ReadonlySet<string> } | undefined;

  constructor(graph: Graph, effective: Bits) {
    this.#graph = graph;
    this.effective = effective;
  }

  /** Of a set of changes that holds the ancestors of all it has. */
  static of(graph: Graph, within: Bits): View {
    return new View(graph, resolve(graph, within));
  }

  /** The view for another set of effective changes: recomputes only identities named in those that differ. */
  with(effective: Bits): View {
    const next = new View(this.#graph, effective);
    const touched = new Set<string>();
    for (const index of eachBit(differing(this.effective, effective))) {
      const { kind, names, author } = this.#graph.at(index);
      if (kind === 'rename') continue;
      for (const name of names) touched.add(name);
      if (kind === 'create') touched.add(author);
    }
    if (touched.size === 0) {
      next.#standings = this.#standings;
      next.#members = this.#members;
      next.#admins = this.#admins;
      next.#seats = this.#seats;
      return next;
    }
    if (this.#standings === undefined) return next;
    const standings = new Map(this.#standings);
    next.#standings = standings;
    for (const identity of touched) {
      const standing = next.#find(identity);
      if (standing === undefined) standings.delete(identity);
      else standings.set(identity, standing);
    }
    return next;
  }

  /** The view with one more change, which builds on all the others. */
  followedBy(index: number): View {
    const effective = newBits(index + 1);
    effective.set(this.effective.subarray(0, effective.length));
    setBit(effective, index);
    return this.with(effective);
  }

  /** What an identity is, the bounds on members and administrators apart. */
  standing(identity: string): Standing | undefined {
    return this.#standings === undefined ? this.#find(identity) : this.#standings.get(identity);
  }

  /** Members in the order in which they joined, the first {@link GROUP_MEMBERS_MAX} of them. */
  get members(): readonly string[] {
    this.#members ??= [...this.#all()]
      .sort(([, a], [, b]) => compareRanks(a.joined, b.joined))
      .slice(0, GROUP_MEMBERS_MAX)
      .map(([identity]) => identity);
    return this.#members;
  }

  /** Administrators by seniority, the first {@link GROUP_ADMINS_MAX} of them that are members. */
  get admins(): readonly string[] {
    if (this.#admins === undefined) {
      const found: { readonly identity: string; readonly seniority: Rank }[] = [];
      for (const identity of this.#graph.administrators()) {
        const seniority = this.standing(identity)?.seniority;
        if (seniority !== undefined && this.isMember(identity)) found.push({ identity, seniority });
      }
      this.#admins = found
        .sort((a, b) => compareRanks(a.seniority, b.seniority))
        .slice(0, GROUP_ADMINS_MAX)
        .map(({ identity }) => identity);
    }
    return this.#admins;
  }

  get memberCount(): number {
    return Math.min(this.#all().size, GROUP_MEMBERS_MAX);
  }

  isMember(identity: string): boolean {
    if (this.standing(identity) === undefined) return false;
    return this.#allFit() || this.#seated().members.has(identity);
  }

  isAdmin(identity: string): boolean {
    return this.#seated().admins.has(identity);
  }

  /** Whether there are no more members than allowed; usually without checking each. */
  #allFit(): boolean {
    return this.#graph.identityCount <= GROUP_MEMBERS_MAX || this.#all().size <= GROUP_MEMBERS_MAX;
  }

  #seated(): { readonly members: ReadonlySet<string>; readonly admins: ReadonlySet<string> } {
    if (this.#seats === undefined) {
      const members = new Set(this.#allFit() ? [] : this.members);
      // The administrators ask for members, so that these have to be there first.
      this.#seats = { members, admins: new Set() };
      this.#seats = { members, admins: new Set(this.admins) };
    }
    return this.#seats;
  }

  #all(): ReadonlyMap<string, Standing> {
    if (this.#standings === undefined) {
      const standings = new Map<string, Standing>();
      for (const identity of this.#graph.identities()) {
        const standing = this.#find(identity);
        if (standing !== undefined) standings.set(identity, standing);
      }
      this.#standings = standings;
    }
    return this.#standings;
  }

  #find(identity: string): Standing | undefined {
    const graph = this.#graph;
    const removals: number[] = [];
    const demotions: number[] = [];
    for (const index of graph.revocationsOf(identity)) {
      if (!hasBit(this.effective, index)) continue;
      (graph.at(index).kind === 'demote' ? demotions : removals).push(index);
    }
    const counting = (grants: readonly number[], revocations: readonly number[]) =>
      grants.filter(
        (grant) =>
          hasBit(this.effective, grant) &&
          revocations.every((revocation) => hasBit(graph.at(grant).ancestors, revocation)),
      );
    const memberGrants = counting(graph.memberGrantsOf(identity), removals);
    if (memberGrants.length === 0) return undefined;
    const adminGrants = counting(graph.adminGrantsOf(identity), [...removals, ...demotions]);
    const adminGrant = adminGrants.length === 0 ? -1 : mostSeniorGrant(graph, adminGrants);
    return {
      joined: memberGrants.map((grant) => graph.rankIn(grant, identity)).sort(compareRanks)[0] as Rank,
      memberGrant: mostSeniorGrant(graph, memberGrants),
      memberGrants,
      adminGrant,
      seniority: adminGrant < 0 ? undefined : graph.rankIn(adminGrant, identity),
    };
  }
}

/** The grant by the most senior granter; of several by one, the first by depth and id. */
function mostSeniorGrant(graph: Graph, grants: readonly number[]): number {
  return grants.reduce((best, grant) => {
    const [a, b] = [graph.at(grant), graph.at(best)];
    return (compareRanks(a.rank, b.rank) || compareChanges(a, b)) < 0 ? grant : best;
  });
}

/** The revocations with effect that keep an identity from what grants would give it: for each of these the first one. */
export function exclusions(
  graph: Graph,
  view: View,
  identity: string,
  of: 'membership' | 'administration',
): number[] {
  const grants = of === 'membership' ? graph.memberGrantsOf(identity) : graph.adminGrantsOf(identity);
  const revocations = graph.inOrder(
    graph
      .revocationsOf(identity)
      .filter(
        (index) =>
          hasBit(view.effective, index) && (of === 'administration' || graph.at(index).kind !== 'demote'),
      ),
  );
  const found = new Set<number>();
  for (const grant of grants) {
    if (!hasBit(view.effective, grant)) continue;
    const by = revocations.find((revocation) => !hasBit(graph.at(grant).ancestors, revocation));
    if (by !== undefined) found.add(by);
  }
  return [...found];
}
