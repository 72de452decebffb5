import { type Bits, copyBits, eachBit, hasBit, newBits, setBit } from './bits.js';
import { compareChanges, compareRanks, type Entry, type Graph, isRevocation } from './graph.js';

/*
 * Which changes of a set have effect: docs/group-protocol.md, "Effect". A pure function of the set, which holds the
 * ancestors of all its changes.
 */

const UNDECIDED = 0;
const IN = 1;
const OUT = 2;
type Status = typeof UNDECIDED | typeof IN | typeof OUT;

/** What a change rests on: all of it has to stand, of `leave` one. */
export function supportsOf(entry: Entry): readonly number[] {
  const { memberGrants, adminGrant, premises } = entry;
  return adminGrant < 0 || memberGrants.includes(adminGrant)
    ? [...memberGrants, ...premises]
    : [...memberGrants, adminGrant, ...premises];
}

/**
 * Whether a revocation that names the author of a change voids that change, if it has effect itself. It does unless it
 * builds on the change, or the grants that the change rests on build on it. (It may be an ancestor of the change all
 * the same: when among those ancestors it had no effect.)
 */
function reaches(graph: Graph, revocation: number, index: number): boolean {
  const { kind, ancestors, adminGrant, memberGrants, premises } = graph.at(index);
  if (kind === 'leave' || kind === 'create' || revocation === index) return false;
  const by = graph.at(revocation);
  if (hasBit(by.ancestors, index)) return false;
  if (!hasBit(ancestors, revocation)) return true;
  const under = (grant: number) => hasBit(graph.at(grant).ancestors, revocation);
  const ofMembership = by.kind !== 'demote' && !memberGrants.every(under);
  return premises.length > 0 ? ofMembership : ofMembership || !under(adminGrant);
}

/** The revocations of a set that void a change directly, if they have effect. */
export function attackersOf(graph: Graph, index: number, within: Bits): number[] {
  const found: number[] = [];
  for (const revocation of graph.revocationsOf(graph.at(index).author)) {
    if (hasBit(within, revocation) && reaches(graph, revocation, index)) found.push(revocation);
  }
  return found;
}

/** The changes of a set that a revocation voids directly, if it has effect. */
export function victimsOf(graph: Graph, revocation: number, within: Bits): number[] {
  const found: number[] = [];
  for (const name of graph.at(revocation).names) {
    for (const index of graph.byAuthor(name)) {
      if (hasBit(within, index) && reaches(graph, revocation, index)) found.push(index);
    }
  }
  return found;
}

interface Open {
  readonly index: number;
  /** Revocations that void it directly and are not out. */
  readonly attackers: readonly number[];
  readonly supports: readonly number[];
}

/** Notes the change appended last, and what it bears on, among the contested ones, if that is so. */
export function noteContest(graph: Graph): void {
  const index = graph.length - 1;
  const all = newBits(graph.length).fill(0xffffffff);
  if (attackersOf(graph, index, all).length > 0) graph.contested.push(index);
  if (isRevocation(graph.at(index).kind)) graph.contested.push(...victimsOf(graph, index, all));
}

/** Decides which changes of a set have effect. */
export function resolve(graph: Graph, within: Bits): Bits {
  const isContested = graph.contested.some(
    (index) => hasBit(within, index) && attackersOf(graph, index, within).length > 0,
  );
  if (!isContested) return copyBits(within, graph.length);
  const { status } = decideAll(graph, within);
  const effective = newBits(graph.length);
  for (const index of eachBit(within)) if (status[index] === IN) setBit(effective, index);
  return effective;
}

/**
 * The changes of a set that are part of a circle, or hang on one: seniority had to decide. These matter to each other
 * whether they have effect or not.
 */
export function circlesOf(graph: Graph, within: Bits): readonly number[] {
  return graph.contested.length === 0 ? [] : decideAll(graph, within).circular;
}

function decideAll(
  graph: Graph,
  within: Bits,
): { readonly status: Uint8Array; readonly circular: readonly number[] } {
  const status = new Uint8Array(graph.length);
  const open = new Map<number, Open>();
  for (const index of eachBit(within)) {
    const entry = graph.at(index);
    const one: Open = { index, attackers: attackersOf(graph, index, within), supports: supportsOf(entry) };
    const decided = decide(graph, status, one);
    status[index] = decided;
    if (decided === UNDECIDED) open.set(index, one);
  }
  return { status, circular: open.size > 0 ? settle(graph, status, open) : [] };
}

function decide(graph: Graph, status: Uint8Array, { index, attackers, supports }: Open): Status {
  let undecided = false;
  for (const attacker of attackers) {
    if (status[attacker] === IN) return OUT;
    if (status[attacker] === UNDECIDED) undecided = true;
  }
  if (supports.length === 0) return undecided ? UNDECIDED : IN;
  let standing = 0;
  let fallen = 0;
  for (const support of supports) {
    if (status[support] === IN) standing++;
    else if (status[support] === OUT) fallen++;
  }
  if (graph.at(index).kind === 'leave') {
    return standing > 0 ? IN : fallen === supports.length ? OUT : UNDECIDED;
  }
  if (fallen > 0) return OUT;
  return undecided || standing < supports.length ? UNDECIDED : IN;
}

/**
 * Decides what hangs on later revocations: first what has one answer, then circles by seniority.
 * @returns what was left for seniority
 */
function settle(graph: Graph, status: Uint8Array, open: Map<number, Open>): readonly number[] {
  /** By change, the open ones that its outcome matters to. */
  const dependents = new Map<number, number[]>();
  for (const { index, attackers, supports } of open.values()) {
    for (const cause of [...attackers, ...supports]) {
      if (!open.has(cause)) continue;
      const list = dependents.get(cause);
      if (list === undefined) dependents.set(cause, [index]);
      else list.push(index);
    }
  }
  let queue = [...open.keys()];
  const put = (index: number, outcome: Status) => {
    status[index] = outcome;
    open.delete(index);
    queue.push(...(dependents.get(index) ?? []));
  };
  let circular: readonly number[] | undefined;
  for (;;) {
    for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
      const one = open.get(next);
      if (one === undefined) continue;
      const decided = decide(graph, status, one);
      if (decided !== UNDECIDED) put(next, decided);
    }
    circular ??= [...open.keys()];
    if (open.size === 0) return circular;
    queue = [];
    for (const winner of mostSenior(graph, open, dependents)) {
      // It stands with all that it rests on, and what would void any of that falls.
      const standing = [winner];
      for (let next = standing.pop(); next !== undefined; next = standing.pop()) {
        const one = open.get(next);
        if (one === undefined) continue;
        put(next, IN);
        for (const attacker of one.attackers) if (open.has(attacker)) put(attacker, OUT);
        standing.push(...one.supports);
      }
    }
  }
}

/** Of each circle that nothing undecided outside of it bears on, the revocation that seniority lets stand. */
function mostSenior(
  graph: Graph,
  open: ReadonlyMap<number, Open>,
  dependents: ReadonlyMap<number, readonly number[]>,
): number[] {
  const component = components(open, dependents);
  const borneOn = new Set<number>();
  for (const [index, { attackers, supports }] of open) {
    const own = component.get(index) as number;
    for (const cause of [...attackers, ...supports]) {
      if (open.has(cause) && component.get(cause) !== own) borneOn.add(own);
    }
  }
  const best = new Map<number, number>();
  for (const index of open.keys()) {
    const own = component.get(index) as number;
    if (borneOn.has(own) || !isRevocation(graph.at(index).kind)) continue;
    const other = best.get(own);
    if (other === undefined || compareRevocations(graph.at(index), graph.at(other)) < 0) best.set(own, index);
  }
  return [...best.values()];
}

function compareRevocations(a: Entry, b: Entry): number {
  return compareRanks(a.rank, b.rank) || compareChanges(a, b);
}

/** Tarjan's strongly connected components, without recursion: by change, a number that names its component. */
function components(
  open: ReadonlyMap<number, Open>,
  dependents: ReadonlyMap<number, readonly number[]>,
): Map<number, number> {
  const order = new Map<number, number>();
  const low = new Map<number, number>();
  const component = new Map<number, number>();
  const stack: number[] = [];
  let found = 0;
  for (const root of open.keys()) {
    if (order.has(root)) continue;
    const path: { readonly index: number; readonly next: readonly number[]; at: number }[] = [];
    const enter = (index: number) => {
      order.set(index, order.size);
      low.set(index, order.size - 1);
      stack.push(index);
      path.push({ index, next: (dependents.get(index) ?? []).filter((one) => open.has(one)), at: 0 });
    };
    enter(root);
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const to = top.next[top.at++];
      if (to !== undefined) {
        if (!order.has(to)) enter(to);
        else if (!component.has(to))
          low.set(top.index, Math.min(low.get(top.index) as number, order.get(to) as number));
        continue;
      }
      path.pop();
      const { index } = top;
      const below = path.at(-1);
      if (below !== undefined) {
        low.set(below.index, Math.min(low.get(below.index) as number, low.get(index) as number));
      }
      if (low.get(index) !== order.get(index)) continue;
      for (let one = stack.pop(); one !== undefined; one = stack.pop()) {
        component.set(one, found);
        if (one === index) break;
      }
      found++;
    }
  }
  return component;
}
