import { decodeHex, isSottoError, SottoError } from '@sotto/core';
import { authorityOf, checkLimit } from './admission.js';
import { allBits, type Bits, clearBit, copyBits, differing, eachBit, hasBit, setBit } from './bits.js';
import { changeIdOf, checkSignature, type LogCrypto, type ParsedChange, parseChange } from './change.js';
import { type Entry, type Graph, isRevocation } from './graph.js';
import type { GroupLogLimits } from './limits.js';
import type { Orphan, Orphans } from './orphans.js';
import { type Ineffective, ineffective, lossOf } from './reasons.js';
import { attackersOf, noteContest, resolve, supportsOf, victimsOf } from './resolution.js';
import { View } from './view.js';
import { ViewCache } from './view-cache.js';

/** A stored change: one record each, in order of the numbers. */
export interface StoredChange {
  /** Increases, with gaps; never reused in one log. */
  readonly number: number;
  /** The encoded SignedChange. */
  readonly encoded: Uint8Array;
}

/** What happened to the changes of a batch. */
export interface ApplyOutcome {
  /** New changes to store, ancestors first. */
  readonly added: readonly StoredChange[];
  /** Numbers of records to delete: changes without effect, when the log is full. */
  readonly evicted: readonly number[];
  /** Ids of the new changes that have effect, 64 hex digits each. */
  readonly effective: readonly string[];
  /** New changes that are stored, and have no effect. */
  readonly void: readonly Ineffective[];
  /** Earlier changes that have lost their effect. */
  readonly lost: readonly Ineffective[];
  /** Effective grants that, since this batch, have no effect on some identities: those in `names`. */
  readonly overruled: readonly Ineffective[];
  /** Ids of changes that wait for ancestors. */
  readonly pending: readonly string[];
  /** Changes that were refused. `id` is `undefined` where it could not be read. */
  readonly refused: readonly { readonly id: string | undefined; readonly error: SottoError }[];
}

/** A version of a log, as {@link applyBatch} sees it. */
export interface LogVersion {
  readonly crypto: LogCrypto;
  readonly groupId: string;
  readonly limits: GroupLogLimits;
  /** May have more changes than this version. */
  readonly graph: Graph;
  readonly views: ViewCache;
  /** Number of the graph's changes that belong to this version. */
  readonly length: number;
  readonly nextNumber: number;
  readonly view: View;
  readonly orphans: Orphans;
  /** Identities known to be points on the curve; grows. */
  readonly points: Set<string>;
}

/** What differs in the next version, to which all changes of the graph belong. */
export type NextVersion = Pick<LogVersion, 'graph' | 'views' | 'nextNumber' | 'view' | 'orphans'>;

/** Applies a batch of changes to a log: see `GroupLog.apply`. */
export function applyBatch(
  log: LogVersion,
  batch: readonly Uint8Array[],
  sender: string,
): { readonly next: NextVersion; readonly outcome: ApplyOutcome } {
  return new Application(log).run(batch, sender);
}

/** The application of one batch. */
class Application {
  readonly #log: LogVersion;
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

  constructor(log: LogVersion) {
    const { crypto, limits, graph, views, length, nextNumber, view, orphans, points } = log;
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
      // Another version has extended the graph, and may have been abandoned.
      this.#graph = graph.restrictedTo(Array.from({ length }, (_, index) => index));
      this.#views = new ViewCache(this.#graph);
      this.#view = new View(this.#graph, view.effective);
    }
    this.#before = this.#view;
  }

  run(
    batch: readonly Uint8Array[],
    sender: string,
  ): { readonly next: NextVersion; readonly outcome: ApplyOutcome } {
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

  /** Parses the new changes that are well-formed. */
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

  /** Admits changes whose ancestors are known, including ones that waited. Returns the rest. */
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
    const forgeries = new Set<Orphan>();
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
        if (forgeries.size > 0 && fresh.has(id)) {
          throw new SottoError('INVALID_SIGNATURE', 'The change came in a batch with a forged one.', {
            reason: 'in a batch with a forged change',
          });
        }
        this.#admit(change, spare);
        placed.add(id);
      } catch (error) {
        this.#refuse(id, error);
        if (isSottoError(error, 'INVALID_SIGNATURE')) {
          // Another sender may have the genuine one.
          if (next.sender === sender) forgeries.add(next);
          this.#orphans = this.#orphans.except(next);
          continue;
        }
        refused.add(id);
      }
      queue.push(...(waiting.get(id) ?? []).toReversed());
      waiting.delete(id);
    }
    this.#orphans = this.#orphans.without(new Set([...placed, ...refused]));
    return [...waiting.values()].flat().filter(({ change }) => fresh.has(change.id));
  }

  /**
   * Refuses, before their signatures are looked at, more changes of one author than can be kept: those that no one
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
        stack.push(...(fresh.get(id)?.change.parents ?? []));
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
    // Of a group that is being told in parts, the first of which has not come, no one is known yet.
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

  /** Drops what exceeds the bounds. */
  #enforceLimits(): void {
    const surplus = this.#surplus();
    if (surplus.size > 0) this.#drop(surplus);
    const { changes, bytes, reservedChanges, reservedBytes } = this.#limits;
    const over = (moreChanges: number, moreBytes: number) =>
      this.#graph.length > changes + moreChanges || this.#graph.bytes > bytes + moreBytes;
    if (!over(0, 0)) return;
    const needed = this.#graph.closure(eachBit(this.#view.effective));
    this.#drop(this.#except(needed, tooManyVoid(this.#limits.voidChanges)));
    if (!over(0, 0)) return;
    const full = new SottoError('LIMIT_EXCEEDED', 'The log of the group is full.', {
      what: 'changes of a group',
      limit: changes,
      actual: this.#graph.length,
    });
    // What revocations and claims build on is kept with them, and so is what was there before.
    const keeps = (entry: Entry, index: number) =>
      !this.#isNew(entry) || (entry.isReserved && hasBit(this.#view.effective, index));
    this.#drop(this.#except(this.#graph.closure(this.#where(keeps)), full));
    if (!over(reservedChanges, reservedBytes)) return;
    this.#drop(this.#except(this.#graph.closure(this.#where((entry) => !this.#isNew(entry))), full));
  }

  #where(is: (entry: Entry, index: number) => boolean): number[] {
    return [...this.#graph.entries.keys()].filter((index) => is(this.#graph.at(index), index));
  }

  #isNew({ number }: Entry): boolean {
    return number >= this.#firstNumber;
  }

  #except(kept: Bits, error: SottoError): Map<number, SottoError> {
    return new Map(this.#where((_, index) => !hasBit(kept, index)).map((index) => [index, error]));
  }

  /** New changes beyond what one author may have, unless someone else's change with effect builds on them. */
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
      const unneeded = own.filter((index) => !hasBit(effective, index) && !hasBit(covered, index));
      this.#surplusOfVoid(author, unneeded, surplus);
      if (this.#mayExceed(author, heads)) this.#surplusOfLoose(author, heads, own, surplus);
    }
    // What builds on a dropped change is dropped, too.
    if (surplus.size > 0) {
      for (let index = this.#first; index < graph.length; index++) {
        const by = graph.at(index).parentIndices.find((parent) => surplus.has(parent));
        if (by !== undefined && !surplus.has(index)) surplus.set(index, surplus.get(by) as SottoError);
      }
    }
    return surplus;
  }

  /** @param unneeded what of the author has no effect, and nothing with effect builds on */
  #surplusOfVoid(author: string, unneeded: readonly number[], surplus: Map<number, SottoError>): void {
    const graph = this.#graph;
    const isGhost = !graph.memberGrantsOf(author).some((grant) => hasBit(this.#view.effective, grant));
    let count = 0;
    for (const index of unneeded) {
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

  /** Whether it is worth counting what of an author no one has built on: all that it has is not less. */
  #mayExceed(author: string, heads: readonly number[]): boolean {
    const { changes, bytes, reserved, reservedBytes, leaves } = this.#graph.shareOf(author);
    const most: Loose = {
      changes,
      bytes,
      heads: heads.filter((index) => this.#graph.at(index).author === author).length,
      revocations: reserved - leaves,
      revocationBytes: reservedBytes,
      leaves,
    };
    return (['ordinary', 'revocation', 'leave'] as const).some((sort) => exceeds(most, sort, this.#limits));
  }

  #surplusOfLoose(
    author: string,
    heads: readonly number[],
    own: readonly number[],
    surplus: Map<number, SottoError>,
  ): void {
    const graph = this.#graph;
    const { effective } = this.#view;
    const { looseRevocations, looseHeads } = this.#limits;
    const byOthers = [...eachBit(effective)].filter((index) => graph.at(index).author !== author);
    const builtOn = graph.ancestorsOf(byOthers);
    const isHead = new Set(heads);
    const counts: Loose = { changes: 0, bytes: 0, heads: 0, revocations: 0, revocationBytes: 0, leaves: 0 };
    for (const index of own) {
      if (!hasBit(effective, index) || hasBit(builtOn, index)) continue;
      const { kind, isReserved, encoded } = graph.at(index);
      if (isReserved) {
        counts.revocationBytes += encoded.length;
        if (kind === 'leave') counts.leaves++;
        else counts.revocations++;
      } else {
        counts.changes++;
        counts.bytes += encoded.length;
        if (isHead.has(index)) counts.heads++;
      }
      if (index < this.#first) continue;
      const sort = kind === 'leave' ? kind : isReserved ? 'revocation' : 'ordinary';
      if (!exceeds(counts, sort, this.#limits)) continue;
      surplus.set(
        index,
        new SottoError('LIMIT_EXCEEDED', 'The author has made too many changes on which no one has built.', {
          what: 'changes of one author side by side',
          limit: isReserved ? looseRevocations : looseHeads,
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
        if (!isRevocation(graph.at(index).kind)) continue;
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

  /** Earlier changes that have lost their effect. */
  #lost(): readonly Ineffective[] {
    const before = this.#log;
    const lost: Ineffective[] = [];
    const within = allBits(this.#graph.length);
    for (const index of eachBit(before.view.effective)) {
      const here = this.#graph.indexOf(before.graph.at(index).id);
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
      for (const name of names) {
        if (isRevocation(kind)) {
          for (const grant of graph.memberGrantsOf(name)) meet(grant, index, name);
          for (const grant of graph.adminGrantsOf(name)) meet(grant, index, name);
        } else for (const by of graph.revocationsOf(name)) meet(index, by, name);
      }
    }
    return [...found.values()];
  }

  #outcome(
    pending: readonly string[],
    lost: readonly Ineffective[],
  ): { readonly next: NextVersion; readonly outcome: ApplyOutcome } {
    const graph = this.#graph;
    const within = allBits(graph.length);
    const added: StoredChange[] = [];
    const effective: string[] = [];
    const voided: Ineffective[] = [];
    // New changes come last.
    let first = graph.length;
    while (first > 0 && this.#isNew(graph.at(first - 1))) first--;
    for (let index = first; index < graph.length; index++) {
      const entry = graph.at(index);
      added.push({ number: entry.number, encoded: entry.encoded });
      const loss = lossOf(graph, this.#view.effective, within, index);
      if (loss === undefined) effective.push(entry.id);
      else voided.push(ineffective(graph, index, loss));
    }
    const next = {
      graph,
      views: this.#views,
      nextNumber: this.#nextNumber,
      view: this.#view,
      orphans: this.#orphans,
    };
    const outcome = {
      added,
      evicted: this.#evicted,
      effective,
      void: voided,
      lost,
      overruled: this.#overruled(first),
      pending,
      refused: this.#refused,
    };
    return { next, outcome };
  }
}

/** What an author has on which no one else has built. */
interface Loose {
  changes: number;
  bytes: number;
  heads: number;
  /** And claims. */
  revocations: number;
  /** `leave` included. */
  revocationBytes: number;
  leaves: number;
}

/** Whether there is too much of one sort. */
function exceeds(
  { changes, bytes, heads, revocations, revocationBytes, leaves }: Loose,
  sort: 'ordinary' | 'revocation' | 'leave',
  { looseChanges, looseBytes, looseHeads, looseRevocations, looseLeaves }: GroupLogLimits,
): boolean {
  if (sort === 'leave') return leaves > looseLeaves;
  if (sort === 'revocation') return revocations > looseRevocations || revocationBytes > looseBytes;
  return changes > looseChanges || bytes > looseBytes || heads > looseHeads;
}

function tooManyVoid(limit: number): SottoError {
  return new SottoError('LIMIT_EXCEEDED', 'The change has no effect, and its author has many such.', {
    what: 'changes without effect',
    limit,
    actual: limit + 1,
  });
}
