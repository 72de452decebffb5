import { decodeHex, encodeHex, isSottoError, SottoError } from '@sotto/core';
import { authorityOf, authorize, type Proposal } from './admission.js';
import { type ApplyOutcome, applyBatch, type StoredChange } from './application.js';
import { allBits, type Bits, differing, eachBit, hasBit, newBits } from './bits.js';
import { type GroupAction, type LogCrypto, parseChange } from './change.js';
import { compareChanges, type Entry, Graph, isRevocation } from './graph.js';
import { CHANGE_PARENTS_MAX, DEFAULT_GROUP_LOG_LIMITS, type GroupLogLimits } from './limits.js';
import { Orphans } from './orphans.js';
import { type Ineffective, ineffective, lossOf, voidedBy } from './reasons.js';
import { attackersOf, circlesOf, noteContest, supportsOf } from './resolution.js';
import { View } from './view.js';
import { ViewCache } from './view-cache.js';

/** The state of a group: the same for everyone who has the same effective changes. */
export interface GroupLogState {
  /** Name of the group, as an administrator chose it: untrusted text. */
  readonly name: string;
  /** Identities in hex, in the order in which they joined. */
  readonly members: readonly string[];
  /** Identities in hex, the most senior first. Empty when all have left or were removed: the eldest member may then claim the role. */
  readonly admins: readonly string[];
}

/** The result of {@link GroupLog.apply}. */
export interface Applied extends ApplyOutcome {
  /** The next log. */
  readonly log: GroupLog;
}

interface Chain {
  /** The changes with effect. */
  readonly effective: Bits;
  /** Their indices by depth and id. */
  readonly order: readonly number[];
  /** The hash up to each. */
  readonly hashes: readonly Uint8Array[];
}

let readViewsResolved: (log: GroupLog) => number;

/** Number of views resolved from scratch: for tests, which count instead of measuring time. */
export function countViewsResolved(log: GroupLog): number {
  return readViewsResolved(log);
}

/**
 * The log of one group. Immutable: {@link apply} returns the next one. The rules are in docs/group-protocol.md.
 */
export class GroupLog {
  static {
    readViewsResolved = (log) => log.#views.resolved;
  }
  /** 64 hex digits. */
  readonly groupId: string;
  readonly #crypto: LogCrypto;
  readonly #limits: GroupLogLimits;
  readonly #graph: Graph;
  readonly #views: ViewCache;
  /** Number of the graph's changes that belong to this log. */
  readonly #length: number;
  readonly #bytes: number;
  readonly #nextNumber: number;
  readonly #view: View;
  readonly #orphans: Orphans;
  /** Identities known to be points on the curve. Shared by all versions of a log. */
  readonly #points: Set<string>;
  #chain: Chain | undefined;
  #heads: readonly number[] | undefined;

  private constructor(
    crypto: LogCrypto,
    groupId: string,
    limits: GroupLogLimits,
    parts: {
      readonly graph: Graph;
      readonly views: ViewCache;
      readonly nextNumber: number;
      readonly view: View;
      readonly orphans: Orphans;
      readonly points: Set<string>;
      readonly chain?: Chain | undefined;
    },
  ) {
    this.#crypto = crypto;
    this.groupId = groupId;
    this.#limits = limits;
    this.#graph = parts.graph;
    this.#views = parts.views;
    this.#length = parts.graph.length;
    this.#bytes = parts.graph.bytes;
    this.#nextNumber = parts.nextNumber;
    this.#view = parts.view;
    this.#orphans = parts.orphans;
    this.#points = parts.points;
    this.#chain = parts.chain;
  }

  /** The log of a group of which nothing is known yet; the change that creates it is applied with {@link apply}. */
  static empty(crypto: LogCrypto, groupId: string, limits: Partial<GroupLogLimits> = {}): GroupLog {
    const graph = new Graph();
    return new GroupLog(
      crypto,
      groupId,
      { ...DEFAULT_GROUP_LOG_LIMITS, ...limits },
      {
        graph,
        views: new ViewCache(graph),
        nextNumber: 0,
        view: new View(graph, newBits(0)),
        orphans: Orphans.none,
        points: new Set(),
      },
    );
  }

  /**
   * Loads a stored log. Signatures are not verified again: the records are our own.
   * @param records in order of their numbers
   * @throws STATE_CORRUPT when they don't form a log
   */
  static open(
    crypto: LogCrypto,
    groupId: string,
    records: Iterable<StoredChange>,
    limits: Partial<GroupLogLimits> = {},
  ): GroupLog {
    const empty = GroupLog.empty(crypto, groupId, limits);
    const graph = empty.#graph;
    const views = empty.#views;
    let nextNumber = 0;
    try {
      for (const { number, encoded } of records) {
        const change = parseChange(crypto, encoded);
        const parents = change.parents.map((parent) => {
          const index = graph.indexOf(parent);
          if (index === undefined) throw new Error('a parent is missing');
          return index;
        });
        graph.append(change, parents, authorityOf(graph, views, parents, change, groupId), number);
        noteContest(graph);
        nextNumber = number + 1;
      }
    } catch (cause) {
      throw new SottoError(
        'STATE_CORRUPT',
        'The stored changes of a group are inconsistent.',
        { what: 'group log', reason: isSottoError(cause) ? cause.code : 'a parent is missing' },
        { cause },
      );
    }
    return new GroupLog(crypto, groupId, empty.#limits, {
      graph,
      views,
      nextNumber,
      view: View.of(graph, allBits(graph.length)),
      orphans: Orphans.none,
      points: empty.#points,
    });
  }

  /** Whether the change that creates the group is known. */
  get isCreated(): boolean {
    return this.#length > 0;
  }

  /** Number of stored changes. */
  get size(): number {
    return this.#length;
  }

  /** Bytes of the stored changes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Number of changes that wait for ancestors. */
  get waiting(): number {
    return this.#orphans.size;
  }

  /** Bytes of those. */
  get waitingBytes(): number {
    return this.#orphans.all.reduce((bytes, { change }) => bytes + change.encoded.length, 0);
  }

  /** The current state of the group. */
  get state(): GroupLogState {
    let named: Entry | undefined;
    for (const index of eachBit(this.#view.effective)) {
      const entry = this.#graph.at(index);
      if (entry.name === undefined) continue;
      if (named === undefined || compareChanges(entry, named) > 0) named = entry;
    }
    return { name: named?.name ?? '', members: this.#view.members, admins: this.#view.admins };
  }

  /** Whether an identity (hex) is a member. */
  isMember(identity: string): boolean {
    return this.#view.isMember(identity);
  }

  /** Whether an identity (hex) is an administrator. */
  isAdmin(identity: string): boolean {
    return this.#view.isAdmin(identity);
  }

  /** Whether a stored change, effective or not, makes an identity a member. */
  names(identity: string): boolean {
    return this.#graph.memberGrantsOf(identity).some((grant) => grant < this.#length);
  }

  /** Whether a change is stored, by its id in hex. */
  has(id: string): boolean {
    return this.#indexOf(id) !== undefined;
  }

  /**
   * Identifies the state: `h' = KECCAK-256(h || id)` over the effective changes by depth and id, starting from 32 zero bytes.
   * 32 bytes, borrowed. Computed once for a log, from where it differs from the previous one.
   */
  get membershipHash(): Uint8Array {
    return this.#hashes().hashes.at(-1) ?? new Uint8Array(32);
  }

  /** The stored changes whose number is at least `from`, ancestors first. Borrowed. */
  changes(from = 0): readonly Uint8Array[] {
    return this.#graph.entries
      .slice(0, this.#length)
      .filter(({ number }) => number >= from)
      .map(({ encoded }) => encoded);
  }

  /** The records to store, in order of their numbers. Borrowed. */
  stored(): readonly StoredChange[] {
    return this.#graph.entries.slice(0, this.#length).map(({ number, encoded }) => ({ number, encoded }));
  }

  /** The number of the next change. */
  get nextNumber(): number {
    return this.#nextNumber;
  }

  /** A change and all its ancestors, ancestors first: what a member whom it removes may see. Borrowed. @throws NOT_FOUND */
  closureOf(id: string): readonly Uint8Array[] {
    const index = this.#indexOf(id);
    if (index === undefined) {
      throw new SottoError('NOT_FOUND', 'No such change is known here.', { what: 'group change', id });
    }
    return [...eachBit(this.#graph.closure([index]))].map((one) => this.#graph.at(one).encoded);
  }

  /** The id of the effective change that removed an identity, or keeps it out; `undefined` for members and strangers. */
  exclusionOf(identity: string): string | undefined {
    if (this.#view.standing(identity) !== undefined) return undefined;
    const effective = this.#view.effective;
    const revocation = this.#graph
      .revocationsOf(identity)
      .filter((index) => hasBit(effective, index) && this.#graph.at(index).kind !== 'demote')
      .at(-1);
    if (revocation !== undefined) return this.#graph.at(revocation).id;
    for (const grant of this.#graph.memberGrantsOf(identity)) {
      if (grant >= this.#length) break;
      const loss = lossOf(this.#graph, effective, allBits(this.#length), grant);
      if (loss !== undefined) return this.#graph.at(loss.by).id;
    }
    return undefined;
  }

  /** Whether an author has made an effective change that is concurrent with another one. */
  isConcurrent(id: string, author: string): boolean {
    const index = this.#indexOf(id);
    if (index === undefined) return false;
    return this.#graph
      .byAuthor(author)
      .some(
        (own) =>
          hasBit(this.#view.effective, own) &&
          !this.#graph.isWithin(own, index) &&
          !this.#graph.isWithin(index, own),
      );
  }

  /** Why a stored change has no effect; `undefined` when it has, or isn't stored. */
  explain(id: string): Ineffective | undefined {
    const index = this.#indexOf(id);
    if (index === undefined) return undefined;
    const loss = lossOf(this.#graph, this.#view.effective, allBits(this.#length), index);
    return loss && ineffective(this.#graph, index, loss);
  }

  /**
   * Why a stored change has no effect on an identity that it adds or promotes; `undefined` when it has.
   */
  explainSubject(id: string, identity: string): Ineffective | undefined {
    const index = this.#indexOf(id);
    if (index === undefined) return undefined;
    const own = this.explain(id);
    const { kind, names } = this.#graph.at(index);
    if (own !== undefined || !names.includes(identity)) return own;
    for (const by of this.#graph.revocationsOf(identity)) {
      if (!hasBit(this.#view.effective, by) || hasBit(this.#graph.at(index).ancestors, by)) continue;
      if (this.#graph.at(by).kind === 'demote' && kind !== 'promote') continue;
      return ineffective(this.#graph, index, { reason: 'subjectRevoked', by });
    }
    return undefined;
  }

  /** Whether an identity may claim a group without administrator, by promoting itself: the eldest member may. */
  mayClaim(identity: string): boolean {
    return this.isCreated && this.#view.admins.length === 0 && this.#view.members[0] === identity;
  }

  /**
   * The parents of a new change: ids of effective heads, at most {@link CHANGE_PARENTS_MAX}, those of identities that it removes
   * or demotes last. Changes without effect never become ancestors.
   *
   * @param author in hex
   * @param action identities as they will stand in the change
   * @throws NOT_PERMITTED, LIMIT_EXCEEDED when the author may not do this now
   */
  parentsFor(author: string, action: Exclude<GroupAction, { readonly kind: 'create' }>): readonly string[] {
    const named = 'identities' in action ? action.identities.map(encodeHex) : [];
    const change: Proposal = {
      author,
      kind: action.kind,
      names: named,
      encoded: new Uint8Array(0),
    };
    const graph = this.#graph;
    authorize(graph, this.#view, allBits(this.#length), change);
    const needed = this.#groundsOf(author, action.kind, named);
    needed.push(
      ...this.#guardsOf(author, needed),
      ...this.#strifeAround(isRevocation(action.kind) ? named : []),
    );
    for (let attempt = 0; ; attempt++) {
      const parents = this.#chooseHeads(needed, isRevocation(action.kind) ? new Set(named) : new Set());
      const { view, ancestors } = this.#views.after(parents);
      // Changes without effect in the whole log that have some among these: what voids them has to come along.
      const missing = this.#whatVoids(view).filter((index) => !needed.includes(index));
      if (missing.length === 0 || attempt >= CHANGE_PARENTS_MAX) {
        authorize(graph, view, ancestors, change);
        return parents.map((index) => graph.at(index).id).toSorted();
      }
      needed.push(...missing);
    }
  }

  /** The changes that give author and subjects the roles that a change requires. */
  #groundsOf(author: string, kind: GroupAction['kind'], named: readonly string[]): number[] {
    const grounds = new Set<number>();
    const ofAuthor = this.#view.standing(author);
    for (const grant of [ofAuthor?.memberGrant, ofAuthor?.adminGrant]) {
      if (grant !== undefined && grant >= 0) grounds.add(grant);
    }
    for (const name of named) {
      const standing = this.#view.standing(name);
      const grant = kind === 'demote' ? standing?.adminGrant : standing?.memberGrant;
      if (grant !== undefined && grant >= 0) grounds.add(grant);
    }
    return [...grounds];
  }

  /**
   * The changes that void the revocations that would otherwise void a change of an author, and, recursively, those that they
   * rest on: with these among its ancestors, a change can't restore such a revocation by voiding what that depends on.
   */
  #guardsOf(author: string, grounds: readonly number[]): number[] {
    const graph = this.#graph;
    const { effective } = this.#view;
    const all = allBits(this.#length);
    const guards = new Set<number>();
    const seen = new Set<number>(grounds);
    const queue = [...grounds];
    const guard = (revocation: number) => {
      const by = voidedBy(graph, effective, all, revocation);
      if (by === undefined) return;
      guards.add(by);
      if (!seen.has(by)) queue.push(by);
      seen.add(by);
    };
    for (const revocation of graph.revocationsOf(author)) if (revocation < this.#length) guard(revocation);
    for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
      for (const attacker of attackersOf(graph, next, all)) guard(attacker);
      for (const support of supportsOf(graph.at(next))) {
        if (!seen.has(support)) queue.push(support);
        seen.add(support);
      }
    }
    return [...guards];
  }

  /**
   * Revocations that a new change should build on, so that it has no side effects: those in circles, and effective ones by
   * identities that it revokes.
   */
  #strifeAround(named: readonly string[]): number[] {
    const graph = this.#graph;
    const circles = circlesOf(graph, allBits(this.#length)).filter((index) =>
      isRevocation(graph.at(index).kind),
    );
    const own = named.flatMap((name) =>
      graph
        .byAuthor(name)
        .filter((index) => hasBit(this.#view.effective, index) && isRevocation(graph.at(index).kind)),
    );
    // Latest first, so that few heads cover many changes.
    return [...circles, ...own].sort((a, b) => b - a);
  }

  #chooseHeads(needed: readonly number[], last: ReadonlySet<string>): number[] {
    const graph = this.#graph;
    const chosen: number[] = [];
    const byPreference = this.#headsByPreference(last);
    for (const index of needed) {
      if (chosen.some((head) => graph.isWithin(index, head))) continue;
      const head = byPreference.find((one) => graph.isWithin(index, one)) ?? index;
      chosen.push(head);
    }
    for (const head of byPreference) {
      if (chosen.length >= CHANGE_PARENTS_MAX) break;
      if (!chosen.includes(head)) chosen.push(head);
    }
    return chosen.slice(0, CHANGE_PARENTS_MAX);
  }

  /** One head of each author, then a second of each, and so on; the longest known first; some authors last of all. */
  #headsByPreference(last: ReadonlySet<string>): readonly number[] {
    const turns = new Map<string, number>();
    return this.#effectiveHeads()
      .map((index) => {
        const { author } = this.#graph.at(index);
        const turn = turns.get(author) ?? 0;
        turns.set(author, turn + 1);
        return { index, turn: turn + (last.has(author) ? this.#length : 0) };
      })
      .sort((a, b) => a.turn - b.turn)
      .map(({ index }) => index);
  }

  /**
   * Changes that void, in this log, others that have effect in a view of a part of it: revocations, and grants on which a change that
   * builds on that part would rest.
   */
  #whatVoids(view: View): number[] {
    const graph = this.#graph;
    if (graph.contested.length === 0) return [];
    const { effective } = this.#view;
    const found = new Set<number>();
    for (const index of eachBit(differing(view.effective, effective))) {
      const by = voidedBy(graph, effective, allBits(this.#length), index);
      if (by !== undefined) found.add(by);
    }
    return [...found];
  }

  /** Effective changes on which no effective change builds. */
  #effectiveHeads(): readonly number[] {
    if (this.#heads === undefined) {
      const effective = [...eachBit(this.#view.effective)];
      const covered = this.#graph.ancestorsOf(effective);
      this.#heads = effective.filter((index) => !hasBit(covered, index));
    }
    return this.#heads;
  }

  /**
   * Applies changes in any order; repetitions are ignored. Checks of each, in this order: its form, that its ancestors are
   * known, its author's permission, its signature. After the first bad signature the rest of the batch is refused unread:
   * no honest sender passes one on.
   *
   * @param batch encoded SignedChanges; borrowed
   * @param sender in hex: changes that wait for ancestors count against their quota. None of a stranger's wait
   */
  apply(batch: readonly Uint8Array[], sender: string): Applied {
    const { next, outcome } = applyBatch(
      {
        crypto: this.#crypto,
        groupId: this.groupId,
        limits: this.#limits,
        graph: this.#graph,
        views: this.#views,
        length: this.#length,
        nextNumber: this.#nextNumber,
        view: this.#view,
        orphans: this.#orphans,
        points: this.#points,
      },
      batch,
      sender,
    );
    // Indices are valid as long as the graph, and so are the hashes.
    const chain = next.graph === this.#graph ? this.#chain : undefined;
    const log = new GroupLog(this.#crypto, this.groupId, this.#limits, {
      ...next,
      points: this.#points,
      chain,
    });
    return { log, ...outcome };
  }

  #hashes(): Chain {
    const { effective } = this.#view;
    const graph = this.#graph;
    const before = this.#chain ?? { effective: newBits(0), order: [], hashes: [] };
    const changed = [...eachBit(differing(before.effective, effective))];
    if (changed.length === 0) return before;
    const order = before.order.filter((index) => hasBit(effective, index));
    for (const index of changed) {
      if (!hasBit(effective, index)) continue;
      const entry = graph.at(index);
      let at = order.length;
      while (at > 0 && compareChanges(entry, graph.at(order[at - 1] as number)) < 0) at--;
      order.splice(at, 0, index);
    }
    let same = 0;
    while (same < order.length && before.order[same] === order[same]) same++;
    const hashes = before.hashes.slice(0, same);
    for (const index of order.slice(same)) {
      hashes.push(this.#crypto.keccak256(hashes.at(-1) ?? new Uint8Array(32), decodeHex(graph.at(index).id)));
    }
    this.#chain = { effective, order, hashes };
    return this.#chain;
  }

  #indexOf(id: string): number | undefined {
    const index = this.#graph.indexOf(id);
    return index !== undefined && index < this.#length ? index : undefined;
  }
}
