import { addBits, type Bits, hasBit, newBits, setBit } from './bits.js';
import type { ChangeKind, ParsedChange } from './change.js';

/** Place in an order: by depth of a change, its id, and the position among the identities that it names. */
export interface Rank {
  readonly depth: number;
  readonly id: string;
  readonly position: number;
}

/** By depth, then id: an order that is the same for everyone. Negative when the first comes first. */
export function compareChanges(a: Omit<Rank, 'position'>, b: Omit<Rank, 'position'>): number {
  if (a.depth !== b.depth) return a.depth - b.depth;
  return a.id === b.id ? 0 : a.id < b.id ? -1 : 1;
}

/** Negative when the first comes first. */
export function compareRanks(a: Rank, b: Rank): number {
  return compareChanges(a, b) || a.position - b.position;
}

/** What gave a change its authority, judged by its own ancestors. Numbers are indices into the graph. */
export interface Authority {
  /**
   * Membership of the author: the grant by the most senior granter. Of `leave`, all grants that count: it stands while
   * one of them does.
   */
  readonly memberGrants: readonly number[];
  /** Administration of the author: the grant by the most senior granter; -1 for `leave` and for claims. */
  readonly adminGrant: number;
  /** Of a claim: the revocations that left the group without administrator, and with no one more senior. */
  readonly premises: readonly number[];
  /** Seniority of the author: where the grant of administration stands. Last of all for `leave` and claims. */
  readonly rank: Rank;
}

/** A change in the graph. */
export interface Entry extends ParsedChange, Authority {
  /** Increases in order of admission and is never reused: the key of the record. */
  readonly number: number;
  /** Length of the longest path to the change that created the group. */
  readonly depth: number;
  /** Indices of the parents. */
  readonly parentIndices: readonly number[];
  /** All changes that this one builds on, directly or not. */
  readonly ancestors: Bits;
  /** Whether it is a revocation or a claim, for which capacity is reserved. */
  readonly isReserved: boolean;
}

/** What one author has in a graph. */
export interface Share {
  /** Ordinary changes. */
  changes: number;
  /** Bytes of those. */
  bytes: number;
  /** Revocations and claims. */
  reserved: number;
  /** Bytes of those. */
  reservedBytes: number;
  /** How many of those are `leave`. */
  leaves: number;
  /** Identities named by additions. */
  names: number;
}

/** Nothing yet. */
export function newShare(): Share {
  return { changes: 0, bytes: 0, reserved: 0, reservedBytes: 0, leaves: 0, names: 0 };
}

/** Counts one more change. */
export function addToShare(share: Share, { kind, names, encoded, isReserved }: Entry | Unplaced): void {
  if (isReserved) {
    share.reserved++;
    share.reservedBytes += encoded.length;
  } else {
    share.changes++;
    share.bytes += encoded.length;
  }
  if (kind === 'leave') share.leaves++;
  if (kind === 'add') share.names += names.length;
}

/** The counted properties of a change that is not in the graph yet. */
export type Unplaced = Pick<Entry, 'kind' | 'names' | 'encoded' | 'isReserved'>;

/** Whether a change takes authority away. */
export function isRevocation(kind: ChangeKind): boolean {
  return kind === 'remove' || kind === 'demote' || kind === 'leave';
}

/**
 * Changes with all their ancestors, in an order in which ancestors come first. Append-only; versions of a log share one, each reading its own
 * prefix of it.
 */
export class Graph {
  readonly entries: Entry[] = [];
  readonly #byId = new Map<string, number>();
  /** By author, the indices of what it wrote, ascending. */
  readonly #byAuthor = new Map<string, number[]>();
  /** By identity, the indices of the revocations that name it. */
  readonly #revocations = new Map<string, number[]>();
  /** By identity, the indices of what makes it a member: `create` (its author too) and `add`. */
  readonly #memberGrants = new Map<string, number[]>();
  /** By identity, the indices of what makes it an administrator: `create` for its author, and `promote`. */
  readonly #adminGrants = new Map<string, number[]>();
  readonly #shares = new Map<string, Share>();
  /** Bytes of all changes. */
  bytes = 0;
  /**
   * Changes that some revocation of the graph would void: in a set without both of a pair, all have effect. Kept by
   * who appends.
   */
  readonly contested: number[] = [];

  get length(): number {
    return this.entries.length;
  }

  at(index: number): Entry {
    return this.entries[index] as Entry;
  }

  indexOf(id: string): number | undefined {
    return this.#byId.get(id);
  }

  byAuthor(author: string): readonly number[] {
    return this.#byAuthor.get(author) ?? [];
  }

  /** All that an author has here: no set of these changes holds more. */
  shareOf(author: string): Readonly<Share> {
    return this.#shares.get(author) ?? newShare();
  }

  revocationsOf(identity: string): readonly number[] {
    return this.#revocations.get(identity) ?? [];
  }

  memberGrantsOf(identity: string): readonly number[] {
    return this.#memberGrants.get(identity) ?? [];
  }

  adminGrantsOf(identity: string): readonly number[] {
    return this.#adminGrants.get(identity) ?? [];
  }

  /** All identities that any change names as members. */
  identities(): Iterable<string> {
    return this.#memberGrants.keys();
  }

  /** How many those are. */
  get identityCount(): number {
    return this.#memberGrants.size;
  }

  /** All identities that any change names as administrators. */
  administrators(): Iterable<string> {
    return this.#adminGrants.keys();
  }

  /** Some changes by depth and id. Indices follow the order of arrival, which is not the same for everyone. */
  inOrder(indices: readonly number[]): number[] {
    return indices.toSorted((a, b) => compareChanges(this.at(a), this.at(b)));
  }

  /** Whether a change is another one, or one of its ancestors. */
  isWithin(index: number, of: number): boolean {
    return index === of || hasBit(this.at(of).ancestors, index);
  }

  /** Changes with all their ancestors. */
  closure(indices: Iterable<number>): Bits {
    const own = [...indices];
    const bits = this.ancestorsOf(own);
    for (const index of own) setBit(bits, index);
    return bits;
  }

  /** The ancestors of some changes. */
  ancestorsOf(indices: readonly number[]): Bits {
    const bits = newBits(this.length);
    // From the latest on: what is covered brings nothing new.
    for (const index of indices.toSorted((a, b) => b - a)) {
      if (!hasBit(bits, index)) addBits(bits, this.at(index).ancestors);
    }
    return bits;
  }

  /** Adds a change whose parents are here. */
  append(
    change: ParsedChange,
    parentIndices: readonly number[],
    authority: Authority,
    number: number,
  ): number {
    const index = this.length;
    const ancestors = newBits(index);
    let depth = 0;
    for (const parent of parentIndices) {
      const entry = this.at(parent);
      addBits(ancestors, entry.ancestors);
      setBit(ancestors, parent);
      depth = Math.max(depth, entry.depth + 1);
    }
    const { kind, author, names } = change;
    const isReserved = isRevocation(change.kind) || authority.premises.length > 0;
    const entry = { ...change, ...authority, number, depth, parentIndices, ancestors, isReserved };
    this.entries.push(entry);
    const share = { ...this.shareOf(change.author) };
    addToShare(share, entry);
    this.#shares.set(change.author, share);
    this.#byId.set(change.id, index);
    this.bytes += change.encoded.length;
    note(this.#byAuthor, author, index);
    if (isRevocation(kind)) for (const name of names) note(this.#revocations, name, index);
    if (kind === 'create') {
      note(this.#memberGrants, author, index);
      note(this.#adminGrants, author, index);
    }
    if (kind === 'create' || kind === 'add') for (const name of names) note(this.#memberGrants, name, index);
    if (kind === 'promote') for (const name of names) note(this.#adminGrants, name, index);
    return index;
  }

  /** A graph of some of the changes of this one: a set that holds the ancestors of all it has. */
  restrictedTo(kept: Iterable<number>): Graph {
    const graph = new Graph();
    const moved = new Map<number, number>();
    const place = (index: number) => moved.get(index) as number;
    for (const index of kept) {
      const entry = this.at(index);
      const { memberGrants, adminGrant, premises, rank } = entry;
      const authority = {
        memberGrants: memberGrants.map(place),
        adminGrant: adminGrant < 0 ? -1 : place(adminGrant),
        premises: premises.map(place),
        rank,
      };
      moved.set(index, graph.append(entry, entry.parentIndices.map(place), authority, entry.number));
    }
    for (const index of this.contested) {
      const here = moved.get(index);
      if (here !== undefined) graph.contested.push(here);
    }
    return graph;
  }

  /** Where an identity stands in the order in which a grant names several: the author of `create`, whom it doesn't name, comes first. */
  rankIn(grant: number, identity: string): Rank {
    const { depth, id, names } = this.at(grant);
    return { depth, id, position: names.indexOf(identity) };
  }
}

function note(index: Map<string, number[]>, key: string, value: number): void {
  const list = index.get(key);
  if (list === undefined) index.set(key, [value]);
  else list.push(value);
}
