import { dice } from '@sotto/testing/fuzz';
import { describe, expect, it } from 'vitest';
import { authorityOf } from '../src/admission.js';
import { allBits, eachBit, hasBit } from '../src/bits.js';
import { compareRanks, Graph, isRevocation } from '../src/graph.js';
import { GroupLog, parseChange } from '../src/index.js';
import { circlesOf, noteContest, resolve } from '../src/resolution.js';
import { ViewCache } from '../src/view-cache.js';
import {
  act,
  add,
  cheapCrypto,
  create,
  demote,
  forge,
  hashOf,
  idOf,
  leave,
  namesIn,
  type Person,
  people,
  promote,
  remove,
  rename,
  shuffled,
} from './world.js';

const everyone = people('ann', 'bob', 'cid', 'dan', 'eve', 'fay', 'gil', 'hal');
const [ann, bob, cid, dan, eve, fay, gil, hal] = everyone as [
  Person,
  Person,
  Person,
  Person,
  Person,
  Person,
  Person,
  Person,
];
// Ann, Bob, Cid and Dan lead, the more senior first; Gil and Hal are members.
const { log: created } = create(ann, [bob, cid, dan, gil, hal]);
const base = [bob, cid, dan].reduce((log, one) => act(log, ann, promote(one)), created);
const { groupId } = base;
const start = idOf(base.changes().at(-1) as Uint8Array);
const by = (author: Person, action: Parameters<typeof forge>[3], on: readonly Uint8Array[] = []) =>
  forge(groupId, author, on.length === 0 ? [start] : on.map(idOf).toSorted(), action);

/**
 * The group after some changes, which is the same when they come one by one, at once, backwards, by lot, or from the store; with what has no
 * effect among them, and why.
 */
function resolved(changes: readonly Uint8Array[]) {
  const at = (id: string) => changes.findIndex((one) => idOf(one) === id);
  const describe_ = (log: GroupLog) => ({
    hash: hashOf(log),
    ...namesIn(log, everyone),
    losses: changes.flatMap((change, index) => {
      const loss = log.explain(idOf(change));
      return loss === undefined ? [] : [[index, loss.reason, at(loss.by)]];
    }),
  });
  const whole = base.apply(changes, ann.hex);
  expect(whole.refused).toEqual([]);
  const expected = describe_(whole.log);
  const roll = dice(changes.length);
  const orders = [changes, changes.toReversed(), ...Array.from({ length: 4 }, () => shuffled(changes, roll))];
  for (const order of orders) {
    const log = order.reduce((before, change) => before.apply([change], ann.hex).log, base);
    expect(log.waiting).toBe(0);
    expect(describe_(log)).toEqual(expected);
  }
  const opened = GroupLog.open(cheapCrypto, groupId, whole.log.stored());
  expect(describe_(opened)).toEqual(expected);
  return { ...expected, members: expected.members.toSorted() };
}
const all = ['ann', 'bob', 'cid', 'dan', 'gil', 'hal'];
const without = (...gone: string[]) => all.filter((one) => !gone.includes(one));

describe('leaving rests on all grants of membership that count', () => {
  const adding = by(bob, add(eve));
  const leaving = by(eve, leave, [adding]);

  it('and is void with the only one', () => {
    const removal = by(ann, remove(bob));
    const { lost, log } = base.apply([adding, leaving], bob.hex).log.apply([removal], ann.hex);
    expect(lost.map(({ reason, by }) => [reason, by])).toEqual([
      ['authorRevoked', idOf(removal)],
      ['supportLost', idOf(removal)],
    ]);
    expect(namesIn(log, everyone).members.toSorted()).toEqual(without('bob'));
  });

  it('and stands while one of them does', () => {
    const also = by(ann, add(eve));
    const both = by(eve, leave, [adding, also]);
    expect(resolved([adding, also, both, by(cid, remove(bob))])).toMatchObject({
      members: without('bob'),
      losses: [[0, 'authorRevoked', 3]],
    });
  });

  it('and waits for circles to be decided', () => {
    const [ofBob, ofCid] = [by(bob, remove(cid)), by(cid, remove(bob))];
    // Bob is the more senior one.
    expect(resolved([ofCid, ofBob, adding, leaving])).toMatchObject({
      members: without('cid'),
      losses: [[0, 'authorRevoked', 1]],
    });
    const other = by(cid, add(fay));
    const gone = by(fay, leave, [other]);
    const log = [other, gone, ofCid, ofBob].reduce((one, change) => one.apply([change], ann.hex).log, base);
    expect(log.explain(idOf(gone))).toMatchObject({ reason: 'supportLost', by: idOf(ofBob) });
  });

  it('is never void by what is done to its author', () => {
    expect(resolved([by(bob, leave), by(ann, demote(bob)), by(cid, remove(bob))])).toMatchObject({
      members: without('bob'),
      losses: [],
    });
  });
});

describe('circles', () => {
  it('of two: the more senior one stands', () => {
    for (const [senior, junior] of [
      [ann, bob],
      [bob, cid],
      [cid, dan],
    ] as const) {
      const changes = [by(junior, remove(senior)), by(senior, demote(junior)), by(junior, rename('x'))];
      expect(resolved(changes)).toMatchObject({
        name: 'g',
        members: all.toSorted(),
        losses: [
          [0, 'authorRevoked', 1],
          [2, 'authorRevoked', 1],
        ],
      });
    }
  });

  it('of three: the most senior one stands, and what the removed one did is void', () => {
    const [a, b, c] = [by(bob, remove(cid)), by(cid, remove(dan)), by(dan, remove(bob))];
    expect(resolved([a, b, c])).toMatchObject({
      members: without('cid'),
      losses: [
        [1, 'authorRevoked', 0],
        [2, 'outranked', 0],
      ],
    });
  });

  it('two of them side by side are decided each by itself, and what hangs on both after them', () => {
    const changes = [
      by(ann, remove(bob)),
      by(bob, remove(ann)),
      by(cid, remove(dan)),
      by(dan, remove(cid)),
      by(dan, add(eve)),
      by(bob, rename('by bob')),
    ];
    expect(resolved(changes)).toMatchObject({
      name: 'g',
      members: without('bob', 'dan'),
      losses: [
        [1, 'authorRevoked', 0],
        [3, 'authorRevoked', 2],
        [4, 'authorRevoked', 2],
        [5, 'authorRevoked', 0],
      ],
    });
  });

  it('that hang on another are decided after it', () => {
    // Bob and Cid remove each other. Dan, whom Cid demotes, and Cid's Gil remove each other.
    const ofGil = by(cid, promote(gil));
    const changes = [
      by(bob, remove(cid)),
      by(cid, remove(bob)),
      ofGil,
      by(gil, remove(dan), [ofGil]),
      by(dan, remove(gil)),
    ];
    expect(resolved(changes)).toMatchObject({
      members: without('cid', 'gil'),
      losses: [
        [1, 'authorRevoked', 0],
        [2, 'authorRevoked', 0],
        [3, 'authorRevoked', 4],
      ],
    });
    // Where Cid wins, Gil, whose promotion is younger than Dan's, loses all the same.
    const ann2 = by(ann, remove(bob));
    expect(resolved([ann2, ...changes])).toMatchObject({ members: without('bob', 'gil') });
  });

  it('on which the most senior one hangs are decided before it', () => {
    const promotion = by(ann, promote(gil));
    const changes = [
      promotion,
      by(cid, remove(dan)),
      by(dan, remove(cid)),
      by(cid, remove(bob)),
      by(bob, remove(gil), [promotion]),
      by(gil, remove(bob), [promotion]),
    ];
    expect(resolved(changes)).toMatchObject({
      members: without('bob', 'dan'),
      losses: [
        [2, 'authorRevoked', 1],
        [4, 'authorRevoked', expect.any(Number)],
      ],
    });
  });

  it('take along what the one who stands rests on', () => {
    // Gil, promoted by Bob, and Cid remove each other by way of Dan: Cid removes Bob, Gil removes Cid.
    const ofGil = by(bob, promote(gil));
    const [one, other] = [by(cid, remove(bob)), by(gil, remove(cid), [ofGil])];
    expect(resolved([ofGil, one, other])).toMatchObject({
      members: without('bob'),
      losses: [
        [0, 'authorRevoked', 1],
        [2, 'supportLost', 1],
      ],
    });
    // The same against Dan, who is more senior than Gil, and not than a Gil whom Bob promoted long before.
    const [early, later] = [by(bob, promote(gil)), by(ann, rename('later'))];
    const late = by(ann, promote(hal), [later]);
    const duel = [by(hal, remove(bob), [late]), by(gil, remove(hal), [early])];
    expect(resolved([early, later, late, ...duel])).toMatchObject({
      members: without('hal'),
      losses: [[3, 'authorRevoked', 4]],
    });
  });

  it('of revocations of the same author are decided by depth, and id', () => {
    const deeper = by(ann, rename('deeper'));
    const [first, second] = [by(bob, remove(cid)), by(bob, demote(cid), [deeper])];
    const [against, too] = [by(cid, remove(bob)), by(cid, demote(bob))];
    expect(resolved([deeper, second, first, against, too])).toMatchObject({
      members: without('cid'),
      losses: [
        [3, 'authorRevoked', 2],
        [4, 'authorRevoked', 2],
      ],
    });
  });
});

describe('a change rests on the grant of the most senior granter', () => {
  // Bob and Dan both add Eve, and both promote her.
  const added = [by(bob, add(eve)), by(dan, add(eve))];
  const promoted = [by(dan, promote(eve), added), by(bob, promote(eve), added)];
  const fromEve = by(eve, rename('from eve'), promoted);
  const changes = [...added, ...promoted, fromEve];

  it('so that who is less senior can not undermine it', () => {
    expect(resolved([...changes, by(cid, remove(dan))])).toMatchObject({
      name: 'from eve',
      losses: [
        [1, 'authorRevoked', 5],
        [2, 'authorRevoked', 5],
      ],
    });
  });

  it('and falls with it, although the other one counts', () => {
    expect(resolved([...changes, by(ann, remove(bob))])).toMatchObject({
      name: 'g',
      admins: ['ann', 'cid', 'dan', 'eve'],
      losses: [
        [0, 'authorRevoked', 5],
        [3, 'authorRevoked', 5],
        [4, 'supportLost', 5],
      ],
    });
    // Either of the two is enough for that.
    const knowsOfAdding = by(ann, remove(bob), added.slice(0, 1));
    expect(resolved([...changes, knowsOfAdding]).losses).toEqual([
      [3, 'authorRevoked', 5],
      [4, 'supportLost', 5],
    ]);
    const ofAnn = by(ann, promote(eve), added);
    expect(resolved([...added, ofAnn, by(eve, rename('x'), [ofAnn]), by(cid, remove(bob))]).losses).toEqual([
      [0, 'authorRevoked', 4],
      [3, 'supportLost', 4],
    ]);
  });
});

describe('a revocation reaches', () => {
  it('what builds on it, unless what that rests on builds on it as well', () => {
    // Cid removes Bob while Ann removes Cid: Bob, who builds on both, is in by that.
    const [ofCid, ofAnn] = [by(cid, remove(bob)), by(ann, remove(cid))];
    const onBoth = by(bob, rename('on both'), [ofCid, ofAnn]);
    expect(resolved([ofCid, ofAnn, onBoth])).toMatchObject({ name: 'on both', members: without('cid') });
    // Dan removes Ann's removal's author in time: then Cid's removal counts after all, and Bob's change does not.
    const ofDan = by(dan, remove(ann));
    const result = resolved([ofCid, ofAnn, onBoth, ofDan]);
    expect(result).toMatchObject({
      name: 'g',
      members: without('ann', 'bob'),
      losses: [
        [1, 'authorRevoked', 3],
        [2, 'authorRevoked', 0],
      ],
    });
    // Had Bob been added and promoted again by who knew of it, his change would stand.
    const again = by(cid, add(bob), [ofCid]);
    const promoted = by(cid, promote(bob), [again]);
    const after = by(bob, rename('after'), [promoted]);
    expect(resolved([ofCid, again, promoted, after])).toMatchObject({
      name: 'after',
      members: all,
      losses: [],
    });
  });

  it('what a later grant of administration alone builds on, when it ends membership', () => {
    // Cid removes Gil, in vain: Ann removes Cid. Dan, who knows of both, promotes Gil. Then Bob removes Ann, who had not known of that.
    const [ofCid, ofAnn] = [by(cid, remove(gil)), by(ann, remove(cid))];
    const promotion = by(dan, promote(gil), [ofCid, ofAnn]);
    const fromGil = by(gil, rename('from gil'), [promotion]);
    expect(resolved([ofCid, ofAnn, promotion, fromGil])).toMatchObject({
      name: 'from gil',
      losses: [[0, 'authorRevoked', 1]],
    });
    const ofBob = by(bob, remove(ann));
    expect(resolved([ofCid, ofAnn, promotion, fromGil, ofBob])).toMatchObject({
      name: 'g',
      members: without('ann', 'gil'),
      losses: [
        [1, 'authorRevoked', 4],
        [3, 'authorRevoked', 0],
      ],
    });
  });

  it('when it ends administration, what rests on that, and no claim', () => {
    const [ofCid, ofAnn] = [by(cid, demote(bob)), by(ann, remove(cid))];
    const onBoth = by(bob, rename('on both'), [ofCid, ofAnn]);
    expect(resolved([ofCid, ofAnn, onBoth, by(dan, remove(ann))])).toMatchObject({
      name: 'g',
      admins: ['cid', 'dan'],
      losses: [
        [1, 'authorRevoked', 3],
        [2, 'authorRevoked', 0],
      ],
    });
    // All leave but Bob, who was demoted before: he claims the group, and leads it.
    const demotion = by(ann, demote(bob));
    const left = [dan, cid, ann, hal, gil].reduce<Uint8Array[]>(
      (all, one) => {
        all.push(by(one, leave, all.slice(-1)));
        return all;
      },
      [demotion],
    );
    const claim = by(bob, promote(bob), left.slice(-1));
    const after = by(bob, rename('claimed'), [claim]);
    expect(resolved([...left, claim, after])).toMatchObject({
      name: 'claimed',
      members: ['bob'],
      admins: ['bob'],
      losses: [],
    });
    // Who removes him at the time, and left only after that, is heard.
    const removal = by(dan, remove(bob));
    expect(resolved([removal, ...left.slice(0, 1), by(cid, rename('x'))])).toMatchObject({
      members: without('bob'),
    });
  });

  it('by a demotion only what administration is needed for', () => {
    const demotion = by(ann, demote(bob));
    const [renaming, leaving] = [by(bob, rename('x')), by(bob, leave)];
    expect(resolved([demotion, renaming, leaving])).toMatchObject({
      name: 'g',
      members: without('bob'),
      losses: [[1, 'authorRevoked', 0]],
    });
    // Promoted again, he is as good as new; removed and added, he has to be promoted, too.
    const promoted = by(ann, promote(bob), [demotion]);
    expect(resolved([demotion, promoted, by(bob, rename('y'), [promoted])])).toMatchObject({ name: 'y' });
  });
});

/** The graph of a log, with all that was noted of it. */
function graphOf(log: GroupLog): Graph {
  const graph = new Graph();
  const views = new ViewCache(graph);
  for (const { number, encoded } of log.stored()) {
    const change = parseChange(cheapCrypto, encoded);
    const parents = change.parents.map((parent) => graph.indexOf(parent) as number);
    graph.append(change, parents, authorityOf(graph, views, parents, change, groupId), number);
    noteContest(graph);
  }
  return graph;
}
/**
 * Which changes of a graph have effect, and which are left for seniority to decide, step by step as docs/group-protocol.md says it, with no thought of what that costs.
 * @param changes indices of a set with all its ancestors
 */
function byTheRules(
  graph: Graph,
  changes: readonly number[],
): { readonly effective: readonly number[]; readonly circular: readonly number[] } {
  const under = (grant: number, revocation: number) => hasBit(graph.at(grant).ancestors, revocation);
  const reaches = (revocation: number, index: number) => {
    const [by, entry] = [graph.at(revocation), graph.at(index)];
    if (!isRevocation(by.kind) || !by.names.includes(entry.author)) return false;
    if (entry.kind === 'leave' || entry.kind === 'create') return false;
    if (graph.isWithin(index, revocation)) return false;
    if (!graph.isWithin(revocation, index)) return true;
    const { memberGrants, adminGrant } = entry;
    const bearsOn = [...(by.kind === 'demote' ? [] : memberGrants), ...(adminGrant < 0 ? [] : [adminGrant])];
    return bearsOn.some((grant) => !under(grant, revocation));
  };
  const attackers = new Map(
    changes.map((index) => [index, changes.filter((revocation) => reaches(revocation, index))]),
  );
  const supports = new Map(
    changes.map((index) => {
      const { memberGrants, adminGrant, premises } = graph.at(index);
      return [index, [...memberGrants, ...premises, ...(adminGrant < 0 ? [] : [adminGrant])]];
    }),
  );
  const stands = new Map<number, boolean>();
  const open = () => changes.filter((index) => !stands.has(index));
  const settleWhatIsPlain = () => {
    for (let before = -1; before !== stands.size; ) {
      before = stands.size;
      for (const index of open()) {
        const [by, on] = [attackers.get(index) ?? [], supports.get(index) ?? []];
        const states = on.map((one) => stands.get(one));
        const isLeave = graph.at(index).kind === 'leave';
        const rests = isLeave ? states.includes(true) : states.every((one) => one === true);
        const falls = isLeave ? states.every((one) => one === false) : states.includes(false);
        if (by.some((one) => stands.get(one) === true) || (on.length > 0 && falls)) stands.set(index, false);
        else if (by.every((one) => stands.get(one) === false) && rests) stands.set(index, true);
      }
    }
  };
  let circular: readonly number[] | undefined;
  for (;;) {
    settleWhatIsPlain();
    const left = open();
    circular ??= left;
    if (left.length === 0)
      return { effective: changes.filter((index) => stands.get(index) === true), circular };
    const causes = new Map(
      left.map((index) => [
        index,
        new Set(
          [...(attackers.get(index) ?? []), ...(supports.get(index) ?? [])].filter((one) => !stands.has(one)),
        ),
      ]),
    );
    // All that bears on a change, by way of others, too.
    for (let grows = true; grows; ) {
      grows = false;
      for (const own of causes.values()) {
        for (const cause of [...own]) {
          for (const further of causes.get(cause) ?? []) {
            grows ||= !own.has(further);
            own.add(further);
          }
        }
      }
    }
    const [circle] = left
      .map((index) => [index, ...(causes.get(index) ?? [])])
      .filter((own) => own.every((one) => own.every((other) => causes.get(one)?.has(other))));
    const [winner] = [...new Set(circle)]
      .filter((index) => isRevocation(graph.at(index).kind))
      .sort((a, b) => {
        const [one, other] = [graph.at(a), graph.at(b)];
        return compareRanks(one.rank, other.rank) || one.depth - other.depth || (one.id < other.id ? -1 : 1);
      });
    const standing = [winner as number];
    for (const index of standing) {
      if (stands.has(index)) continue;
      stands.set(index, true);
      for (const by of attackers.get(index) ?? []) if (!stands.has(by)) stands.set(by, false);
      standing.push(...(supports.get(index) ?? []));
    }
  }
}

describe('any changes that are permitted', () => {
  /** Members who sign what they like, on whatever they know of. */
  function strife(seed: number, count: number): Graph {
    const roll = dice(seed);
    const some = <T>(list: readonly T[]) => list[roll(list.length)] as T;
    const leaders = [ann, bob, cid, dan];
    let log = base;
    for (let tries = 0; tries < count; tries++) {
      const ids = [start, ...log.changes(base.nextNumber).map(idOf)];
      // It begins with a fight of those who lead, and goes on from any part of it.
      const isFight = tries % 9 < 3;
      const parents = isFight ? [start] : [...new Set([some(ids), some(ids.slice(-6))].slice(roll(2)))];
      const author = isFight || roll(4) > 0 ? some(leaders) : some(everyone);
      const whom = some(isFight || roll(3) > 0 ? leaders : everyone);
      const action = some(isFight ? [remove, demote] : [remove, demote, promote, promote, add])(whom);
      const change = forge(
        groupId,
        author,
        parents.toSorted(),
        isFight || roll(6) > 0 ? action : roll(2) === 0 ? leave : promote(author),
        tries,
      );
      log = log.apply([change], ann.hex).log;
    }
    return graphOf(log);
  }

  it('have effect as the rules say, all of them or any part that is whole', () => {
    let inCircles = 0;
    for (let seed = 1; seed <= 25; seed++) {
      const graph = strife(seed, 45);
      const indices = [...graph.entries.keys()];
      const part = graph.closure(indices.filter((index) => index % 3 === seed % 3).slice(0, -3));
      for (const set of [allBits(graph.length), part]) {
        const { effective, circular } = byTheRules(graph, [...eachBit(set)]);
        expect([...eachBit(resolve(graph, set))], `seed ${seed}`).toEqual(effective);
        expect(
          circlesOf(graph, set).toSorted((a, b) => a - b),
          `seed ${seed}`,
        ).toEqual(circular);
        inCircles += circular.length;
      }
    }
    // Otherwise all of this would say little.
    expect(inCircles).toBeGreaterThan(50);
  });
});

describe('a graph that is restricted to some of its changes', () => {
  const claimed = () => {
    const left = [dan, cid, bob, ann].reduce<Uint8Array[]>((all, one) => {
      all.push(by(one, leave, all.slice(-1)));
      return all;
    }, []);
    const eldest = [gil, hal].toSorted((a, b) => (a.hex < b.hex ? -1 : 1))[0] as Person;
    return [...left, by(eldest, promote(eldest), left.slice(-1))];
  };
  const changes = [by(bob, remove(cid)), by(cid, remove(bob)), by(cid, add(eve)), ...claimed()];
  const graph = graphOf(base.apply(changes, ann.hex).log);

  it('to all of them, is the same', () => {
    const same = graph.restrictedTo(graph.entries.keys());
    expect(same.entries).toEqual(graph.entries);
    expect(same.contested).toEqual(graph.contested);
    expect(same.bytes).toBe(graph.bytes);
    for (const { hex } of everyone) {
      for (const list of [
        'byAuthor',
        'revocationsOf',
        'memberGrantsOf',
        'adminGrantsOf',
        'shareOf',
      ] as const) {
        expect(same[list](hex)).toEqual(graph[list](hex));
      }
    }
  });

  it('has of these what they rest on, by their new places', () => {
    const gone = new Set([changes[0], changes[2]].map((one) => graph.indexOf(idOf(one as Uint8Array))));
    const kept = [...graph.entries.keys()].filter((index) => !gone.has(index));
    const fewer = graph.restrictedTo(kept);
    const idsOf = (one: Graph, indices: readonly number[]) => indices.map((index) => one.at(index)?.id);
    expect(fewer.entries.map(({ id }) => id)).toEqual(idsOf(graph, kept));
    for (const entry of fewer.entries) {
      const before = graph.at(graph.indexOf(entry.id) as number);
      expect(idsOf(fewer, entry.parentIndices)).toEqual(idsOf(graph, before.parentIndices));
      expect(idsOf(fewer, entry.memberGrants)).toEqual(idsOf(graph, before.memberGrants));
      expect(idsOf(fewer, entry.premises)).toEqual(idsOf(graph, before.premises));
      expect(idsOf(fewer, [entry.adminGrant])).toEqual(idsOf(graph, [before.adminGrant]));
      expect([...eachBit(entry.ancestors)].map((index) => fewer.at(index).id).toSorted()).toEqual(
        [...eachBit(before.ancestors)].map((index) => graph.at(index).id).toSorted(),
      );
      expect([entry.depth, entry.number, entry.rank]).toEqual([before.depth, before.number, before.rank]);
    }
    expect(idsOf(fewer, fewer.contested)).toEqual(
      idsOf(
        graph,
        graph.contested.filter((index) => !gone.has(index)),
      ),
    );
  });
});
