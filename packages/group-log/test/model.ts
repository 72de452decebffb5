import { dice } from '@sotto/testing/fuzz';
import { type Applied, type GroupAction, GroupLog, parseChange } from '../src/index.js';
import {
  act,
  cheapCrypto,
  create,
  forge,
  hashOf,
  keysOf,
  type Person,
  person,
  promote,
  shuffled,
  sign,
} from './world.js';

/*
 * Honest devices and members who sign whatever they like with their own keys, over a network that partitions. What must
 * hold is named as in docs/group-protocol.md.
 */

interface Honest {
  readonly who: Person;
  log: GroupLog;
  /** Ids of own changes. */
  readonly made: Set<string>;
  /** Ids of own changes of which the log said that they are without effect. */
  readonly told: Set<string>;
}

type Change = Exclude<GroupAction, { kind: 'create' }>;

export interface ModelResult {
  readonly steps: number;
  readonly made: number;
  readonly forged: number;
  readonly admitted: number;
  readonly voided: number;
}

const KINDS = [
  'rename',
  'add',
  'add',
  'remove',
  'remove',
  'promote',
  'promote',
  'demote',
  'demote',
  'leave',
] as const;
/** What a scenario of much strife is made of. */
const STRIFE = ['remove', 'demote', 'promote', 'remove'] as const;

/** Plays one scenario and checks it. @throws when an invariant is broken */
export function playScenario(seed: number, steps: number): ModelResult {
  const roll = dice(seed);
  const everyone = Array.from({ length: 4 + roll(4) }, (_, at) => person(`p${at}`));
  const outsider = person('outsider');
  const evilCount = roll(Math.min(4, everyone.length - 1));
  const evil = shuffled(everyone, roll).slice(0, evilCount);
  const creator = everyone[0] as Person;
  const first = everyone.slice(1, 2 + roll(everyone.length - 1));
  const { log: empty, root } = create(creator, first, { salt: seed });
  // Some lead from the beginning, so that there is something to fight about.
  const leaders = [creator, ...shuffled(first, roll).slice(0, roll(first.length + 1))];
  const begun = leaders
    .slice(1)
    .reduce((log, one, at) => act(log, leaders[at] as Person, promote(one)), empty);
  const strife = roll(2) === 0;
  const { groupId } = begun;
  const honest: Honest[] = everyone
    .filter((one) => !evil.includes(one))
    .map((who) => ({
      who,
      log: GroupLog.empty(cheapCrypto, groupId).apply(begun.changes(), creator.hex).log,
      made: new Set(),
      told: new Set(),
    }));
  /** What the evil ones know, with the ids. */
  const pool = new Map(begun.changes().map((one) => [parseChange(cheapCrypto, one).id, one]));
  let known = begun;
  let part = new Map<Person, number>();
  let made = 0;
  let forged = 0;

  const take = (node: Honest, changes: readonly Uint8Array[], from: Person): Applied => {
    const applied = node.log.apply(changes, from.hex);
    node.log = applied.log;
    for (const { id } of [...applied.void, ...applied.lost]) if (node.made.has(id)) node.told.add(id);
    return applied;
  };
  const some = <T>(list: readonly T[]): T => list[roll(list.length)] as T;
  const randomAction = (): Change => {
    const kind = some(strife ? STRIFE : KINDS);
    if (kind === 'rename') return { kind, name: `n${roll(1000)}` };
    if (kind === 'leave') return { kind };
    return {
      kind,
      identities: keysOf(...new Set(Array.from({ length: 1 + roll(2) }, () => some(everyone)))),
    };
  };
  const send = (from: Honest, to: Honest) => {
    const all = from.log.changes();
    take(to, roll(4) === 0 ? shuffled(all, roll).slice(0, 1 + roll(all.length)) : all, from.who);
  };
  const actHonestly = (node: Honest) => {
    let action = randomAction();
    if (node.log.mayClaim(node.who.hex)) action = { kind: 'promote', identities: keysOf(node.who) };
    if (action.kind === 'leave' && roll(8) > 0) return;
    let change: Uint8Array | undefined;
    for (let tries = 0; tries < 4 && change === undefined; tries++) {
      try {
        change = sign(node.log, node.who, action, roll(1000));
      } catch {
        action = randomAction(); // not allowed now
      }
    }
    if (change === undefined) return;
    const { effective, refused, void: voided } = take(node, [change], node.who);
    if (effective.length !== 1) {
      const why = refused[0]?.error.message ?? voided[0]?.reason;
      throw new Error(`AdminsCanAct: ${node.who.name} could not ${action.kind}: ${why}`);
    }
    node.made.add(effective[0] as string);
    made++;
  };
  const forgeSomething = () => {
    const author = roll(12) === 0 ? outsider : some(evil);
    const ids = [...pool.keys()];
    const recent = () => (roll(2) === 0 ? some(ids) : some(ids.slice(-6)));
    const parents = [...new Set(Array.from({ length: 1 + roll(3) }, recent))];
    const change = forge(groupId, author, parents, randomAction(), roll(1000));
    const tried = known.apply([change], creator.hex);
    const allowed = tried.log.has(parseChange(cheapCrypto, change).id);
    // Mostly what others have to take for allowed: the rest is refused at once.
    if (!allowed && roll(8) > 0) return;
    known = tried.log;
    pool.set(parseChange(cheapCrypto, change).id, change);
    forged++;
  };

  for (let step = 0; step < steps; step++) {
    const chance = roll(10);
    const node = some(honest);
    if (chance < 3) actHonestly(node);
    else if (chance < 6) {
      const other = some(honest);
      if (other !== node && part.get(node.who) === part.get(other.who)) send(node, other);
    } else if (evil.length > 0 && chance < 8) {
      for (let tries = 0; tries < 3; tries++) forgeSomething();
    } else if (evil.length > 0 && chance === 8) {
      if (roll(2) === 0) {
        for (const change of node.log.changes()) pool.set(parseChange(cheapCrypto, change).id, change);
        known = known.apply(node.log.changes(), creator.hex).log;
      } else take(node, shuffled([...pool.values()], roll).slice(0, 1 + roll(pool.size)), some(evil));
    } else if (roll(4) === 0) part = new Map(everyone.map((one) => [one, roll(2)]));
    else part = new Map();
  }

  // Everything reaches every honest one: what the evil ones have said to one of them, and what they tell each other.
  for (let round = 0; ; round++) {
    const before = honest.map(({ log }) => hashOf(log)).join();
    const [middle, ...others] = honest as [Honest, ...Honest[]];
    for (const from of others) take(middle, from.log.changes(), from.who);
    for (const to of others) take(to, middle.log.changes(), middle.who);
    if (before === honest.map(({ log }) => hashOf(log)).join() && round > 0) break;
    if (round > 6) throw new Error('Convergence: the views go on changing');
  }
  for (const node of honest) check(node, honest[0] as Honest, outsider, root);
  const result = honest[0] as Honest;
  return {
    steps,
    made,
    forged,
    admitted: result.log.size,
    voided: result.log.changes().filter((one) => result.log.explain(parseChange(cheapCrypto, one).id)).length,
  };
}

function check(node: Honest, other: Honest, outsider: Person, root: Uint8Array): void {
  const { log, who } = node;
  const fail = (invariant: string, what: string) => {
    throw new Error(`${invariant}: ${who.name}: ${what}`);
  };
  if (hashOf(log) !== hashOf(other.log)) fail('Convergence', 'another hash');
  if (JSON.stringify(log.state) !== JSON.stringify(other.log.state)) fail('Convergence', 'another state');
  for (const change of log.changes()) {
    const { id } = parseChange(cheapCrypto, change);
    if (!other.log.has(id)) continue;
    const [own, theirs] = [log, other.log].map((one) => JSON.stringify(one.explain(id)));
    if (own !== theirs) fail('Convergence', 'another reason');
  }
  for (const id of node.made) {
    const loss = log.explain(id);
    if (loss === undefined) continue;
    if (!node.told.has(id)) fail('HonestLossIsTold', `${loss.kind} was not told of`);
    if (log.explain(loss.by) !== undefined) fail('HonestLossIsTold', 'by a change without effect');
  }
  if (node !== other) return;
  const changes = log.changes();
  const parsed = changes.map((one) => parseChange(cheapCrypto, one));
  // The state is a function of the set: from scratch, backwards, and from the store.
  const again = GroupLog.empty(cheapCrypto, log.groupId)
    .apply([root], who.hex)
    .log.apply(changes.toReversed(), who.hex);
  if (hashOf(again.log) !== hashOf(log)) fail('Convergence', 'another hash when taken backwards');
  const opened = GroupLog.open(
    cheapCrypto,
    log.groupId,
    changes.map((encoded, number) => ({ number, encoded })),
  );
  if (hashOf(opened) !== hashOf(log)) fail('Convergence', 'another hash when opened');

  const ancestors = new Map<string, Set<string>>();
  for (const { id, parents } of parsed) {
    const all = new Set(parents);
    for (const parent of parents) for (const one of ancestors.get(parent) ?? []) all.add(one);
    ancestors.set(id, all);
  }
  const effective = parsed.filter(({ id }) => log.explain(id) === undefined);
  for (const revocation of effective) {
    if (!['remove', 'demote', 'leave'].includes(revocation.kind)) continue;
    for (const change of effective) {
      if (!revocation.names.includes(change.author) || change.kind === 'leave' || change === revocation)
        continue;
      if (ancestors.get(revocation.id)?.has(change.id)) continue;
      const restored = effective.some(
        ({ id, kind, names }) =>
          ['add', 'promote'].includes(kind) &&
          names.includes(change.author) &&
          ancestors.get(id)?.has(revocation.id) &&
          ancestors.get(change.id)?.has(id),
      );
      const claims = change.kind === 'promote' && change.names.join() === change.author;
      if (!restored && !(claims && revocation.kind === 'demote')) {
        fail('RevocationIsFinal', `${change.kind} after ${revocation.kind}`);
      }
    }
    if (revocation.kind === 'demote') continue;
    for (const name of revocation.names) {
      const back = effective.some(
        ({ id, kind, names }) =>
          kind === 'add' && names.includes(name) && ancestors.get(id)?.has(revocation.id),
      );
      if (log.isMember(name) && !back) fail('RevocationIsFinal', 'still a member');
    }
  }
  if (parsed.some(({ author }) => author === outsider.hex))
    fail('NoGrowthWithoutAuthority', 'by an outsider');
  for (const { id, author, kind } of parsed) {
    if (id === log.groupId) continue;
    const before = log.closureOf(id).slice(0, -1);
    const then = GroupLog.empty(cheapCrypto, log.groupId).apply(before, who.hex).log;
    const allowed = kind === 'leave' ? then.isMember(author) : then.isAdmin(author) || then.mayClaim(author);
    if (!allowed) fail('NoGrowthWithoutAuthority', `${kind} by someone who may not`);
  }
}
