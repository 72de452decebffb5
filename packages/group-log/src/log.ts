import { decodeHex, encodeHex, isSottoError, SottoError } from '@sotto/core';
import { authorize, CREATOR, checkLimit } from './admission.js';
import { type Bits, clearBit, copyBits, differing, eachBit, hasBit, newBits, setBit } from './bits.js';
import {
  changeIdOf,
  checkSignature,
  type GroupAction,
  type LogCrypto,
  type ParsedChange,
  parseChange,
} from './change.js';
import { type Authority, type Entry, Graph, isRevocation } from './graph.js';
import { CHANGE_PARENTS_MAX, DEFAULT_GROUP_LOG_LIMITS, type GroupLogLimits } from './limits.js';
import { type Orphan, Orphans } from './orphans.js';
import { type Loss, type LossReason, lossOf, voidedBy } from './reasons.js';
import { attackersOf, circlesOf, noteContest, resolve, supportsOf, victimsOf } from './resolution.js';
import { View } from './view.js';
import { ViewCache } from './view-cache.js';

/** A change as it is stored: one record each, in order of the numbers. */
export interface StoredChange {
  /** Grows, with gaps; never given twice in one log. */
  readonly number: number;
  /** The encoded SignedChange. */
  readonly encoded: Uint8Array;
}

/** A group as its log makes it: the same for everyone who has the same changes with effect. */
export interface GroupLogState {
  readonly name: string;
  /** Identities in hex, in the order in which they joined. */
  readonly members: readonly string[];
  /** Identities in hex, the most senior first. Empty when all have left or were put out; the eldest member may claim it. */
  readonly admins: readonly string[];
}

/** A change without effect, and why. */
export interface Ineffective {
  readonly id: string;
  /** Author in hex. */
  readonly author: string;
  readonly kind: GroupAction['kind'];
  /** Identities that it names, in hex. */
  readonly names: readonly string[];
  readonly reason: LossReason;
  /** Id of the revocation that did it. */
  readonly by: string;
}

/** What became of changes that were handed in. */
export interface Applied {
  readonly log: GroupLog;
  /** New changes that are kept, in an order in which ancestors come first. */
  readonly added: readonly StoredChange[];
  /** Numbers of changes that are no longer kept: void ones, in a full log. */
  readonly evicted: readonly number[];
  /** Ids of the new changes that have effect. */
  readonly effective: readonly string[];
  /** New changes that are kept, and have no effect. */
  readonly void: readonly Ineffective[];
  /** Changes of before that have lost their effect. */
  readonly lost: readonly Ineffective[];
  /** Grants with effect that do not do for somebody what they say, since this batch; `names` are those people. */
  readonly overruled: readonly Ineffective[];
  /** Ids of changes that wait for ancestors. */
  readonly pending: readonly string[];
  /** Changes that were not kept. `id` is missing where none could be read. */
  readonly refused: readonly { readonly id: string | undefined; readonly error: SottoError }[];
}

interface Chain {
  /** The changes with effect. */
  readonly effective: Bits;
  /** Their indices by depth and id. */
  readonly order: readonly number[];
  /** The hash up to each. */
  readonly hashes: readonly Uint8Array[];
}

/**
 * The log of one group. Immutable: {@link apply} gives the next one. The rules are in docs/group-protocol.md.
 */
export class GroupLog {
  /** 64 hex digits. */
  readonly groupId: string;
  readonly #crypto: LogCrypto;
  readonly #limits: GroupLogLimits;
  readonly #graph: Graph;
  readonly #views: ViewCache;
  /** How many changes of the graph are this log's. */
  readonly #length: number;
  readonly #nextNumber: number;
  readonly #bytes: number;
  readonly #view: View;
  readonly #orphans: Orphans;
  /** Identities that were found to be points on the curve. Shared by all versions of a log. */
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
      readonly bytes: number;
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
    this.#nextNumber = parts.nextNumber;
    this.#bytes = parts.bytes;
    this.#view = parts.view;
    this.#orphans = parts.orphans;
    this.#points = parts.points;
    this.#chain = parts.chain;
  }

  /** The log of a group of which nothing is known yet: the change that creates it comes through {@link apply}. */
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
        bytes: 0,
        view: new View(graph, newBits(0)),
        orphans: Orphans.none,
        points: new Set(),
      },
    );
  }

  /**
   * The log that was stored. Signatures are not verified again: the records are our own.
   * @param records in order of their numbers
   * @throws STATE_CORRUPT when they are not what a log gave
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
        const parents = change.parents.map((parent) => graph.indexOf(parent) ?? -1);
        if (parents.includes(-1)) throw new Error('a parent is missing');
        graph.append(change, parents, authorityOf(graph, views, parents, change, groupId), number);
        noteContest(graph);
        nextNumber = number + 1;
      }
    } catch (cause) {
      throw new SottoError(
        'STATE_CORRUPT',
        'The stored changes of a group do not belong together.',
        { what: 'group log', reason: isSottoError(cause) ? cause.code : 'a parent is missing' },
        { cause },
      );
    }
    return new GroupLog(crypto, groupId, empty.#limits, {
      graph,
      views,
      nextNumber,
      bytes: graph.bytes,
      view: View.of(graph, allBits(graph.length)),
      orphans: Orphans.none,
      points: empty.#points,
    });
  }

  /** Whether the change that creates the group is known. */
  get isCreated(): boolean {
    return this.#length > 0;
  }

  /** How many changes are kept. */
  get size(): number {
    return this.#length;
  }

  /** Bytes of the changes that are kept. */
  get bytes(): number {
    return this.#bytes;
  }

  /** How many changes wait for ancestors. */
  get waiting(): number {
    return this.#orphans.size;
  }

  /** Bytes of those. */
  get waitingBytes(): number {
    return this.#orphans.all.reduce((bytes, { change }) => bytes + change.encoded.length, 0);
  }

  /** The group as it is. */
  get state(): GroupLogState {
    let name = '';
    let depth = -1;
    let id = '';
    for (const index of eachBit(this.#view.effective)) {
      const entry = this.#graph.at(index);
      if (entry.name === undefined) continue;
      if (entry.depth < depth || (entry.depth === depth && entry.id < id)) continue;
      ({ name, depth, id } = { ...entry, name: entry.name });
    }
    return { name, members: this.#view.members, admins: this.#view.admins };
  }

  isMember(identity: string): boolean {
    return this.#view.isMember(identity);
  }

  isAdmin(identity: string): boolean {
    return this.#view.isAdmin(identity);
  }

  /** Whether a kept change makes an identity a member, with or without effect. */
  names(identity: string): boolean {
    const [first] = this.#graph.memberGrantsOf(identity);
    return first !== undefined && first < this.#length;
  }

  has(id: string): boolean {
    return this.#indexOf(id) !== undefined;
  }

  /**
   * Names the state: `h' = KECCAK-256(h || id)` over the changes with effect by depth and id, from 32 zero bytes on.
   * 32 bytes, borrowed. Worked out once for a log, from where it differs from the one before.
   */
  get membershipHash(): Uint8Array {
    return this.#hashes().hashes.at(-1) ?? new Uint8Array(32);
  }

  /** The kept changes whose number is at least `from`, ancestors first. Borrowed. */
  changes(from = 0): readonly Uint8Array[] {
    return this.#graph.entries
      .slice(0, this.#length)
      .filter(({ number }) => number >= from)
      .map(({ encoded }) => encoded);
  }

  /** The kept changes as they are stored, in order of their numbers. Borrowed. */
  stored(): readonly StoredChange[] {
    return this.#graph.entries.slice(0, this.#length).map(({ number, encoded }) => ({ number, encoded }));
  }

  /** The number that the next change gets. */
  get nextNumber(): number {
    return this.#nextNumber;
  }

  /** A change and all its ancestors, ancestors first: what somebody whom it removes may be told. Borrowed. @throws NOT_FOUND */
  closureOf(id: string): readonly Uint8Array[] {
    const index = this.#indexOf(id);
    if (index === undefined) {
      throw new SottoError('NOT_FOUND', 'No such change is known here.', { what: 'group change', id });
    }
    return [...eachBit(this.#graph.closure([index]))].map((one) => this.#graph.at(one).encoded);
  }

  /** What put an identity out, or keeps it out: the id of a change with effect. `undefined` for members and strangers. */
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

  /** Whether an author has made a change with effect that neither builds on another one nor is built on by it. */
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

  /** Why a kept change has no effect; `undefined` when it has, or isn't kept. */
  explain(id: string): Ineffective | undefined {
    const index = this.#indexOf(id);
    if (index === undefined) return undefined;
    const loss = lossOf(this.#graph, this.#view.effective, allBits(this.#length), index);
    return loss && ineffective(this.#graph, index, loss);
  }

  /**
   * Why somebody whom a kept change adds or promotes is not what it makes them; `undefined` when they are.
   */
  explainSubject(id: string, identity: string): Ineffective | undefined {
    const index = this.#indexOf(id);
    if (index === undefined) return undefined;
    const own = this.explain(id);
    const { kind, names } = this.#graph.at(index);
    if (own !== undefined || !names.includes(identity)) return own;
    const wants = kind === 'promote' ? 'demote' : undefined;
    for (const by of this.#graph.revocationsOf(identity)) {
      if (!hasBit(this.#view.effective, by) || hasBit(this.#graph.at(index).ancestors, by)) continue;
      if (this.#graph.at(by).kind === 'demote' && wants === undefined) continue;
      return ineffective(this.#graph, index, { reason: 'subjectRevoked', by });
    }
    return undefined;
  }

  /** Whether an identity may lead a group that nobody leads: the eldest member then, by promoting itself. */
  mayClaim(identity: string): boolean {
    return this.isCreated && this.#view.admins.length === 0 && this.#view.members[0] === identity;
  }

  /**
   * What a new change of an author builds on: ids of heads with effect, at most {@link CHANGE_PARENTS_MAX}, those of
   * identities that it removes or demotes last. Junk without effect never becomes an ancestor.
   *
   * @param author in hex
   * @param action identities as they will stand in the change
   * @throws NOT_PERMITTED, LIMIT_EXCEEDED when the author may not do this now
   */
  parentsFor(author: string, action: Exclude<GroupAction, { readonly kind: 'create' }>): readonly string[] {
    const named = 'identities' in action ? action.identities.map(encodeHex) : [];
    const change: ParsedChange = {
      id: '',
      author,
      kind: action.kind,
      groupId: this.groupId,
      parents: [],
      time: 0,
      name: undefined,
      names: action.kind === 'leave' ? [author] : named.toSorted(),
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
      // Revocations without effect in the whole log that have some among these: what voids them has to come along.
      const missing = this.#whatVoids(view).filter((index) => !needed.includes(index));
      if (missing.length === 0 || attempt >= CHANGE_PARENTS_MAX) {
        authorize(graph, view, ancestors, change);
        return parents.map((index) => graph.at(index).id).toSorted();
      }
      needed.push(...missing);
    }
  }

  /** What gives author and subjects the standing that a change wants of them. */
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
   * What voids the revocations that would otherwise void a change of an author, and so on for what these rest on: with
   * them among its ancestors, a change can't bring such a revocation back by voiding what it hangs on.
   */
  #guardsOf(author: string, grounds: readonly number[]): number[] {
    const graph = this.#graph;
    const { effective } = this.#view;
    const all = allBits(this.#length);
    const guards = new Set<number>();
    const seen = new Set<number>(grounds);
    const queue = [...grounds];
    const guard = (revocation: number) => {
      if (hasBit(effective, revocation)) return;
      const by = voidedBy(graph, effective, all, revocation);
      if (by === undefined || by === revocation) return;
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
   * Revocations that a new change had better build on, so that it decides nothing but what it says: those of circles,
   * and those with effect of identities that it takes authority from.
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
    // From the latest on, so that few heads cover many.
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

  /** Changes with effect in this log that void, in it, revocations that have effect in a view of a part of it. */
  #whatVoids(view: View): number[] {
    const graph = this.#graph;
    if (graph.contested.length === 0) return [];
    const { effective } = this.#view;
    const found = new Set<number>();
    for (const index of eachBit(differing(view.effective, effective))) {
      if (!hasBit(view.effective, index) || !isRevocation(graph.at(index).kind)) continue;
      const by = voidedBy(graph, effective, allBits(this.#length), index);
      if (by !== undefined && hasBit(effective, by)) found.add(by);
    }
    return [...found];
  }

  /** Changes with effect on which nothing with effect builds. */
  #effectiveHeads(): readonly number[] {
    if (this.#heads === undefined) {
      const effective = [...eachBit(this.#view.effective)];
      const covered = this.#graph.ancestorsOf(effective);
      this.#heads = effective.filter((index) => !hasBit(covered, index));
    }
    return this.#heads;
  }

  /**
   * Takes changes in any order, with repetitions. Each is checked in this order: its form, that its ancestors are known,
   * that its author may do it, its signature. After the first bad signature the rest of the batch is refused unread: no
   * honest sender passes one on.
   *
   * @param batch encoded SignedChanges; borrowed
   * @param sender in hex: whose account changes are on that have to wait for ancestors. Nothing waits for strangers.
   */
  apply(batch: readonly Uint8Array[], sender: string): Applied {
    return new Application(this).run(batch, sender);
  }

  /** @internal */
  static internals(log: GroupLog) {
    return {
      crypto: log.#crypto,
      limits: log.#limits,
      graph: log.#graph,
      views: log.#views,
      length: log.#length,
      nextNumber: log.#nextNumber,
      bytes: log.#bytes,
      view: log.#view,
      orphans: log.#orphans,
      points: log.#points,
    };
  }

  /** @internal The next version of a log. */
  static next(
    log: GroupLog,
    parts: {
      readonly graph: Graph;
      readonly views: ViewCache;
      readonly nextNumber: number;
      readonly bytes: number;
      readonly view: View;
      readonly orphans: Orphans;
    },
  ): GroupLog {
    // Indices stay while the graph does, and so does what was hashed.
    const chain = parts.graph === log.#graph ? log.#chain : undefined;
    return new GroupLog(log.#crypto, log.groupId, log.#limits, { ...parts, points: log.#points, chain });
  }

  #hashes(): Chain {
    const { effective } = this.#view;
    const graph = this.#graph;
    const before = this.#chain ?? { effective: newBits(0), order: [], hashes: [] };
    const changed = [...eachBit(differing(before.effective, effective))];
    if (changed.length === 0) return before;
    const isFirst = (a: Entry, b: Entry) => (a.depth === b.depth ? a.id < b.id : a.depth < b.depth);
    const order = before.order.filter((index) => hasBit(effective, index));
    for (const index of changed) {
      if (!hasBit(effective, index)) continue;
      const entry = graph.at(index);
      let at = order.length;
      while (at > 0 && isFirst(entry, graph.at(order[at - 1] as number))) at--;
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

function ineffective(graph: Graph, index: number, { reason, by }: Loss): Ineffective {
  const { id, author, kind, names } = graph.at(index);
  return { id, author, kind, names, reason, by: graph.at(by).id };
}

function allBits(length: number): Bits {
  const bits = newBits(length).fill(0xffffffff);
  if (length % 32 !== 0) bits[bits.length - 1] = 2 ** (length % 32) - 1;
  return bits;
}

/** @throws NOT_PERMITTED, LIMIT_EXCEEDED, MALFORMED_MESSAGE */
function authorityOf(
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

/** One batch on its way into a log. */
class Application {
  readonly #log: GroupLog;
  readonly #crypto: LogCrypto;
  readonly #limits: GroupLogLimits;
  readonly #points: Set<string>;
  readonly #before: View;
  readonly #first: number;
  readonly #firstNumber: number;
  #graph: Graph;
  #views: ViewCache;
  #view: View;
  #orphans: Orphans;
  #nextNumber: number;
  readonly #refused: { readonly id: string | undefined; readonly error: SottoError }[] = [];
  readonly #evicted: number[] = [];

  constructor(log: GroupLog) {
    const { crypto, limits, graph, views, length, nextNumber, view, orphans, points } =
      GroupLog.internals(log);
    this.#log = log;
    this.#crypto = crypto;
    this.#limits = limits;
    this.#points = points;
    this.#first = length;
    this.#firstNumber = nextNumber;
    this.#nextNumber = nextNumber;
    this.#orphans = orphans;
    this.#graph = graph;
    this.#views = views;
    this.#view = view;
    if (graph.length > length) {
      // Another version went on with the graph, and may have been given up.
      this.#graph = graph.restrictedTo(Array.from({ length }, (_, index) => index));
      this.#views = new ViewCache(this.#graph);
      this.#view = new View(this.#graph, view.effective);
    }
    this.#before = this.#view;
  }

  run(batch: readonly Uint8Array[], sender: string): Applied {
    const waiting = this.#place(this.#parse(batch, sender), sender);
    const pending = this.#keepOrphans(waiting, sender);
    let lost: readonly Ineffective[] = [];
    if (this.#graph.length > this.#first) {
      this.#resolve();
      this.#enforceLimits();
      lost = this.#lost();
    }
    return this.#outcome(pending, lost);
  }

  /** Reads what is new and well-formed. */
  #parse(batch: readonly Uint8Array[], sender: string): Map<string, Orphan> {
    const found = new Map<string, Orphan>();
    for (const [at, encoded] of batch.entries()) {
      try {
        checkLimit('changes of a group at once', this.#limits.batch, at + 1);
        const id = changeIdOf(this.#crypto, encoded);
        if (this.#graph.indexOf(id) !== undefined || found.has(id)) continue;
        found.set(id, { change: parseChange(this.#crypto, encoded), sender });
      } catch (error) {
        this.#refuse(undefined, error);
        if (isSottoError(error, 'LIMIT_EXCEEDED') && at >= this.#limits.batch) break;
      }
    }
    return found;
  }

  #refuse(id: string | undefined, error: unknown): void {
    if (!isSottoError(error)) throw error;
    this.#refused.push({ id, error });
  }

  /** Admits what has its ancestors here, those included that waited. Gives the rest. */
  #place(fresh: ReadonlyMap<string, Orphan>, sender: string): Orphan[] {
    const graph = this.#graph;
    const candidates = [
      ...fresh.values(),
      ...this.#orphans.all.filter(({ change }) => !fresh.has(change.id)),
    ];
    /** By the id of an ancestor that is missing, what waits for it. */
    const waiting = new Map<string, Orphan[]>();
    const refused = new Set<string>();
    const placed = new Set<string>();
    const spare = this.#spare(fresh);
    const queue = candidates.toReversed();
    let forged = false;
    for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
      const { change } = next;
      const { id } = change;
      if (graph.indexOf(id) !== undefined || refused.has(id)) continue;
      const missing = change.parents.find((parent) => graph.indexOf(parent) === undefined);
      if (missing !== undefined && !refused.has(missing)) {
        const list = waiting.get(missing);
        if (list === undefined) waiting.set(missing, [next]);
        else list.push(next);
        continue;
      }
      try {
        if (missing !== undefined) {
          throw new SottoError('NOT_PERMITTED', 'The change builds on one that was refused.', {
            what: change.kind,
          });
        }
        if (forged && next.sender === sender) {
          throw new SottoError('INVALID_SIGNATURE', 'The change came with a forged one.', {
            reason: 'in bad company',
          });
        }
        this.#admit(change, spare);
        placed.add(id);
      } catch (error) {
        if (isSottoError(error, 'INVALID_SIGNATURE')) forged = true;
        refused.add(id);
        this.#refuse(id, error);
      }
      queue.push(...(waiting.get(id) ?? []).toReversed());
      waiting.delete(id);
    }
    this.#orphans = this.#orphans.without(new Set([...placed, ...refused]));
    return [...waiting.values()].flat().filter(({ change }) => fresh.has(change.id));
  }

  /**
   * Refuses, before their signatures are looked at, more changes of one author than can be kept: those that nobody
   * else's in the batch builds on, and that are void, or side by side.
   * @throws LIMIT_EXCEEDED, from what it gives
   */
  #spare(fresh: ReadonlyMap<string, Orphan>): (change: ParsedChange, revoked: boolean) => void {
    const usedByOthers = new Set<string>();
    const mark = [...fresh.values()].flatMap(({ change }) =>
      change.parents.map((parent) => ({ parent, author: change.author })),
    );
    for (let next = mark.pop(); next !== undefined; next = mark.pop()) {
      const { parent, author } = next;
      const below = fresh.get(parent)?.change;
      if (below === undefined || usedByOthers.has(parent)) continue;
      if (below.author === author) continue;
      const stack = [parent];
      for (let id = stack.pop(); id !== undefined; id = stack.pop()) {
        if (usedByOthers.has(id)) continue;
        usedByOthers.add(id);
        stack.push(...(fresh.get(id)?.change.parents ?? []).filter((one) => fresh.has(one)));
      }
    }
    const parents = new Set([...fresh.values()].flatMap(({ change }) => change.parents));
    const taken = new Map<string, number>();
    const heads = new Map<string, number>();
    return ({ id, author, kind }, revoked) => {
      if (usedByOthers.has(id)) return;
      if (revoked) {
        const count = (taken.get(author) ?? this.#voidOf(author)) + 1;
        taken.set(author, count);
        if (count > this.#limits.voidChanges) throw tooManyVoid(this.#limits.voidChanges);
      } else if (!isRevocation(kind) && !parents.has(id)) {
        const count = (heads.get(author) ?? 0) + 1;
        heads.set(author, count);
        checkLimit('changes of one author side by side', this.#limits.looseHeads, count);
      }
    };
  }

  #voidOf(author: string): number {
    return this.#graph
      .byAuthor(author)
      .filter((index) => index < this.#first && !hasBit(this.#before.effective, index)).length;
  }

  #admit(change: ParsedChange, spare: (change: ParsedChange, revoked: boolean) => void): void {
    const graph = this.#graph;
    const parents = change.parents.map((parent) => graph.indexOf(parent) as number);
    const authority = authorityOf(graph, this.#views, parents, change, this.#log.groupId);
    const { effective } = this.#before;
    const revoked =
      change.kind !== 'leave' &&
      graph
        .revocationsOf(change.author)
        .some((by) => hasBit(effective, by) && !parents.some((parent) => graph.isWithin(by, parent)));
    spare(change, revoked);
    checkSignature(this.#crypto, change);
    for (const name of [change.author, ...change.names]) {
      if (this.#points.has(name)) continue;
      this.#crypto.secp256k1.parsePublicKey(decodeHex(name));
      this.#points.add(name);
    }
    graph.append(change, parents, authority, this.#nextNumber++);
    noteContest(graph);
  }

  #keepOrphans(waiting: readonly Orphan[], sender: string): readonly string[] {
    if (waiting.length === 0) return [];
    // Of a group that is being told in parts, the first of which has not come, nobody is known yet.
    const isKnown = this.#graph.length === 0 || this.#graph.memberGrantsOf(sender).length > 0;
    if (!isKnown) {
      for (const { change } of waiting) {
        this.#refuse(
          change.id,
          new SottoError('NOT_PERMITTED', 'The sender is not known to the group.', { what: 'group changes' }),
        );
      }
      return [];
    }
    const { orphans, kept } = this.#orphans.with(waiting, this.#limits);
    this.#orphans = orphans;
    for (const { change } of waiting) {
      if (kept.has(change.id)) continue;
      this.#refuse(
        change.id,
        new SottoError('LIMIT_EXCEEDED', 'Too many changes wait for what they build on.', {
          what: 'waiting changes of one sender',
          limit: this.#limits.orphansOfSender,
          actual: waiting.length,
        }),
      );
    }
    return [...kept];
  }

  /** Decides which changes have effect now: step by step, and all anew only where a revocation reaches back. */
  #resolve(): void {
    const graph = this.#graph;
    const within = copyBits(allBits(this.#first), graph.length);
    const effective = copyBits(this.#view.effective, graph.length);
    for (let index = this.#first; index < graph.length; index++) {
      setBit(within, index);
      const entry = graph.at(index);
      if (isRevocation(entry.kind) && victimsOf(graph, index, within).length > 0) {
        this.#view = this.#view.with(resolve(graph, allBits(graph.length)));
        return;
      }
      if (attackersOf(graph, index, within).some((by) => hasBit(effective, by))) continue;
      const supports = supportsOf(entry);
      const stands = (support: number) => hasBit(effective, support);
      const supported = entry.kind === 'leave' ? supports.some(stands) : supports.every(stands);
      if (supported) setBit(effective, index);
    }
    this.#view = this.#view.with(effective);
  }

  /** Lets go what is beyond the bounds. */
  #enforceLimits(): void {
    const surplus = this.#surplus();
    if (surplus.size > 0) this.#drop(surplus);
    const { changes, bytes, reservedChanges, reservedBytes } = this.#limits;
    const over = (moreChanges: number, moreBytes: number) =>
      this.#graph.length > changes + moreChanges || this.#graph.bytes > bytes + moreBytes;
    if (!over(0, 0)) return;
    this.#drop(this.#unneeded(0));
    if (!over(0, 0)) return;
    const full = new SottoError('LIMIT_EXCEEDED', 'The log of the group is full.', {
      what: 'changes of a group',
      limit: changes,
      actual: this.#graph.length,
    });
    // What revocations and claims build on is kept with them, and so is what was there before.
    const reserved: number[] = [];
    for (let index = 0; index < this.#graph.length; index++) {
      const entry = this.#graph.at(index);
      if (!this.#isNew(entry) || (entry.isReserved && hasBit(this.#view.effective, index)))
        reserved.push(index);
    }
    const kept = this.#graph.closure(reserved);
    this.#drop(this.#except(kept, full));
    if (over(reservedChanges, reservedBytes)) {
      const old = newBits(this.#graph.length);
      for (let index = 0; index < this.#graph.length; index++) {
        if (!this.#isNew(this.#graph.at(index))) setBit(old, index);
      }
      this.#drop(this.#except(old, full));
    }
  }

  #isNew({ number }: Entry): boolean {
    return number >= this.#firstNumber;
  }

  #except(kept: Bits, error: SottoError): Map<number, SottoError> {
    const dropped = new Map<number, SottoError>();
    for (let index = 0; index < this.#graph.length; index++)
      if (!hasBit(kept, index)) dropped.set(index, error);
    return dropped;
  }

  /** Changes from an index on without effect that nothing with effect builds on. */
  #unneeded(from: number): Map<number, SottoError> {
    const graph = this.#graph;
    const needed = graph.closure(eachBit(this.#view.effective));
    const found = new Map<number, SottoError>();
    for (let index = from; index < graph.length; index++) {
      if (!hasBit(needed, index)) found.set(index, tooManyVoid(this.#limits.voidChanges));
    }
    return found;
  }

  /** New changes beyond what one author may have, unless somebody else's change with effect builds on them. */
  #surplus(): Map<number, SottoError> {
    const graph = this.#graph;
    const { effective } = this.#view;
    const surplus = new Map<number, SottoError>();
    const authors = new Set(graph.entries.slice(this.#first).map(({ author }) => author));
    const standing = [...eachBit(effective)];
    const covered = graph.ancestorsOf(standing);
    const heads = standing.filter((index) => !hasBit(covered, index));
    for (const author of authors) {
      const own = graph.byAuthor(author);
      const voids = own.filter((index) => !hasBit(effective, index));
      if (voids.some((index) => index >= this.#first)) this.#surplusOfVoid(author, voids, surplus);
      if (this.#mayExceed(author, heads)) this.#surplusOfLoose(author, heads, own, surplus);
    }
    // What builds on something that goes, goes too.
    if (surplus.size > 0) {
      for (let index = this.#first; index < graph.length; index++) {
        const by = graph.at(index).parentIndices.find((parent) => surplus.has(parent));
        if (by !== undefined && !surplus.has(index)) surplus.set(index, surplus.get(by) as SottoError);
      }
    }
    return surplus;
  }

  #surplusOfVoid(author: string, voids: readonly number[], surplus: Map<number, SottoError>): void {
    const graph = this.#graph;
    const needed = graph.closure(eachBit(this.#view.effective));
    const isGhost = !graph.memberGrantsOf(author).some((grant) => hasBit(this.#view.effective, grant));
    let count = 0;
    for (const index of voids) {
      if (hasBit(needed, index)) continue;
      if (++count <= this.#limits.voidChanges && !isGhost) continue;
      if (index < this.#first) continue;
      surplus.set(
        index,
        isGhost
          ? new SottoError('NOT_PERMITTED', 'The author never was a member.', { what: graph.at(index).kind })
          : tooManyVoid(this.#limits.voidChanges),
      );
    }
  }

  /** Whether it is worth counting what of an author nobody has built on. */
  #mayExceed(author: string, heads: readonly number[]): boolean {
    const { looseHeads, looseLeaves, looseBytes, looseChanges, looseRevocations } = this.#limits;
    const { changes, bytes, reserved, reservedBytes, leaves } = this.#graph.shareOf(author);
    return (
      changes > looseChanges ||
      bytes > looseBytes ||
      reserved - leaves > looseRevocations ||
      reservedBytes > looseBytes ||
      leaves > looseLeaves ||
      heads.filter((index) => this.#graph.at(index).author === author).length > looseHeads
    );
  }

  #surplusOfLoose(
    author: string,
    heads: readonly number[],
    own: readonly number[],
    surplus: Map<number, SottoError>,
  ): void {
    const graph = this.#graph;
    const { effective } = this.#view;
    const { looseChanges, looseBytes, looseRevocations, looseLeaves, looseHeads } = this.#limits;
    const byOthers = [...eachBit(effective)].filter((index) => graph.at(index).author !== author);
    const builtOn = graph.ancestorsOf(byOthers);
    const isHead = new Set(heads);
    const counts = { changes: 0, bytes: 0, revocations: 0, revocationBytes: 0, leaves: 0, heads: 0 };
    for (const index of own) {
      if (!hasBit(effective, index) || hasBit(builtOn, index)) continue;
      const entry = graph.at(index);
      const reserved = entry.isReserved;
      if (entry.kind === 'leave') counts.leaves++;
      else if (reserved) counts.revocations++;
      else counts.changes++;
      if (reserved) counts.revocationBytes += entry.encoded.length;
      else counts.bytes += entry.encoded.length;
      if (!reserved && isHead.has(index)) counts.heads++;
      if (index < this.#first) continue;
      const exceeds =
        entry.kind === 'leave'
          ? counts.leaves > looseLeaves
          : reserved
            ? counts.revocations > looseRevocations || counts.revocationBytes > looseBytes
            : counts.changes > looseChanges || counts.bytes > looseBytes || counts.heads > looseHeads;
      if (!exceeds) continue;
      surplus.set(
        index,
        new SottoError('LIMIT_EXCEEDED', 'The author has made too many changes that nobody built on.', {
          what: 'changes of one author side by side',
          limit: reserved ? looseRevocations : looseHeads,
          actual: own.length,
        }),
      );
    }
  }

  /**
   * Lets changes go. Void revocations among them can matter all the same, in a circle of which they are a part: those
   * that do so are kept, as far as the quota of one author goes for all of them together.
   */
  #drop(dropped: ReadonlyMap<number, SottoError>): void {
    if (dropped.size === 0) return;
    const graph = this.#graph;
    const within = allBits(graph.length);
    const gone = new Map(dropped);
    if (this.#without(gone) === undefined) {
      let spared = 0;
      for (const index of dropped.keys()) {
        if (hasBit(this.#view.effective, index) || !isRevocation(graph.at(index).kind)) continue;
        if (victimsOf(graph, index, within).length === 0 || spared >= this.#limits.voidChanges) continue;
        spared++;
        for (const one of eachBit(graph.closure([index]))) gone.delete(one);
      }
    }
    const kept: number[] = [];
    for (let index = 0; index < graph.length; index++) {
      const error = gone.get(index);
      const entry = graph.at(index);
      if (error === undefined) kept.push(index);
      else if (this.#isNew(entry)) this.#refused.push({ id: entry.id, error });
      else this.#evicted.push(entry.number);
    }
    if (gone.size === 0) return;
    this.#graph = graph.restrictedTo(kept);
    this.#views = new ViewCache(this.#graph);
    this.#view = View.of(this.#graph, allBits(this.#graph.length));
  }

  /** What has effect without some changes; `undefined` when void ones among them made a difference to the others. */
  #without(gone: ReadonlyMap<number, SottoError>): Bits | undefined {
    const graph = this.#graph;
    const { effective } = this.#view;
    const within = allBits(graph.length);
    for (const index of gone.keys()) clearBit(within, index);
    const rest = resolve(graph, within);
    // Where some with effect go, others are meant to change.
    if ([...gone.keys()].some((index) => hasBit(effective, index))) return rest;
    for (const _ of eachBit(differing(effective, rest))) return undefined;
    return rest;
  }

  /** Changes of before that had effect and have none now. */
  #lost(): readonly Ineffective[] {
    const before = GroupLog.internals(this.#log);
    const isSame = this.#graph === before.graph;
    const lost: Ineffective[] = [];
    const within = allBits(this.#graph.length);
    for (const index of eachBit(before.view.effective)) {
      const here = isSame ? index : this.#graph.indexOf(before.graph.at(index).id);
      if (here === undefined) continue;
      const loss = lossOf(this.#graph, this.#view.effective, within, here);
      if (loss !== undefined) lost.push(ineffective(this.#graph, here, loss));
    }
    return lost;
  }

  /** Grants and revocations of the same people side by side, where one of the two is new. */
  #overruled(first: number): readonly Ineffective[] {
    const graph = this.#graph;
    const { effective } = this.#view;
    const found = new Map<string, Ineffective>();
    const meet = (grant: number, by: number, name: string) => {
      if (!hasBit(effective, grant) || !hasBit(effective, by)) return;
      if (graph.isWithin(grant, by) || graph.isWithin(by, grant)) return;
      if (graph.at(by).kind === 'demote' && graph.at(grant).kind !== 'promote') return;
      const loss = ineffective(graph, grant, { reason: 'subjectRevoked', by });
      found.set(`${grant} ${name}`, { ...loss, names: [name] });
    };
    for (let index = first; index < graph.length; index++) {
      const { kind, names } = graph.at(index);
      for (const name of kind === 'rename' ? [] : names) {
        if (isRevocation(kind)) {
          for (const grant of graph.memberGrantsOf(name)) meet(grant, index, name);
          for (const grant of graph.adminGrantsOf(name)) meet(grant, index, name);
        } else for (const by of graph.revocationsOf(name)) meet(index, by, name);
      }
    }
    return [...found.values()];
  }

  #outcome(pending: readonly string[], lost: readonly Ineffective[]): Applied {
    const graph = this.#graph;
    const within = allBits(graph.length);
    const added: StoredChange[] = [];
    const effective: string[] = [];
    const voided: Ineffective[] = [];
    // What is new stands last.
    let first = graph.length;
    while (first > 0 && this.#isNew(graph.at(first - 1))) first--;
    for (let index = first; index < graph.length; index++) {
      const entry = graph.at(index);
      added.push({ number: entry.number, encoded: entry.encoded });
      const loss = lossOf(graph, this.#view.effective, within, index);
      if (loss === undefined) effective.push(entry.id);
      else voided.push(ineffective(graph, index, loss));
    }
    const log = GroupLog.next(this.#log, {
      graph,
      views: this.#views,
      nextNumber: this.#nextNumber,
      bytes: graph.bytes,
      view: this.#view,
      orphans: this.#orphans,
    });
    return {
      log,
      added,
      evicted: this.#evicted,
      effective,
      void: voided,
      lost,
      overruled: this.#overruled(first),
      pending,
      refused: this.#refused,
    };
  }
}

function tooManyVoid(limit: number): SottoError {
  return new SottoError('LIMIT_EXCEEDED', 'The change has no effect, and its author has many such.', {
    what: 'changes without effect',
    limit,
    actual: limit + 1,
  });
}
