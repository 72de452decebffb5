import { describe, expect, it } from 'vitest';
import { GroupLog, type GroupLogLimits } from '../src/index.js';
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
  type Person,
  people,
  promote,
  remove,
  rename,
  sign,
} from './world.js';

const [ann, bob, cid, dan, eve] = people('ann', 'bob', 'cid', 'dan', 'eve') as [
  Person,
  Person,
  Person,
  Person,
  Person,
];
const plain = people('p0', 'p1', 'p2', 'p3', 'p4', 'p5');
const last = (log: GroupLog) => idOf(log.changes().at(-1) as Uint8Array);
type Action = Parameters<typeof forge>[3];

const { log: created } = create(ann, [bob, cid, dan, ...plain]);
const records = act(act(created, ann, promote(bob)), ann, promote(cid)).stored();
const { groupId } = created;
/** Ann leads, with Bob and Cid; all the others are members. What is stored is taken without a look at the limits. */
const led = (limits: Partial<GroupLogLimits> = {}) => GroupLog.open(cheapCrypto, groupId, records, limits);
const start = last(led());

/** Changes of one author, one on the other. */
function chain(author: Person, actions: readonly Action[], on = start): Uint8Array[] {
  let parent = on;
  return actions.map((action) => {
    const change = forge(groupId, author, [parent], action);
    parent = idOf(change);
    return change;
  });
}
/** Changes of one author, side by side. */
const aside = (author: Person, actions: readonly Action[], on = [start]) =>
  actions.map((action, time) => forge(groupId, author, on, action, time));

const renames = ['a', 'b', 'c', 'd'].map(rename);
const removals = plain.slice(0, 4).map((one) => remove(one));
const bytesOf = (changes: readonly Uint8Array[]) => changes.reduce((sum, { length }) => sum + length, 0);
const inTurn = (log: GroupLog, changes: readonly Uint8Array[], sender: Person) => {
  const refused = [];
  for (const change of changes) {
    const applied = log.apply([change], sender.hex);
    log = applied.log;
    refused.push(...applied.refused);
  }
  return { log, refused };
};

describe.each<{
  what: string;
  author: Person;
  /** Four, of which three are taken. */
  changes: readonly Uint8Array[];
  limits: Partial<GroupLogLimits>;
  shown: number;
  /** What is counted apart. */
  other: Action;
}>([
  {
    what: 'ordinary changes',
    author: cid,
    changes: chain(cid, renames),
    limits: { looseChanges: 3 },
    shown: 64,
    other: remove(plain[5]!),
  },
  {
    what: 'bytes of ordinary changes',
    author: cid,
    changes: chain(cid, renames),
    limits: { looseBytes: bytesOf(chain(cid, renames).slice(0, 3)) },
    shown: 64,
    other: remove(plain[5]!),
  },
  {
    what: 'revocations',
    author: cid,
    changes: chain(cid, removals),
    limits: { looseRevocations: 3 },
    shown: 3,
    other: rename('x'),
  },
  {
    what: 'bytes of revocations',
    author: cid,
    changes: chain(cid, removals),
    limits: { looseBytes: bytesOf(chain(cid, removals).slice(0, 3)) },
    shown: 512,
    other: rename('x'),
  },
  {
    what: 'heads',
    author: cid,
    changes: aside(cid, renames),
    limits: { looseHeads: 3 },
    shown: 3,
    other: remove(plain[5]!),
  },
  {
    what: 'leavings',
    author: cid,
    changes: aside(cid, [leave, leave, leave, leave]),
    limits: { looseLeaves: 3 },
    shown: 512,
    other: remove(plain[5]!),
  },
])(
  'of one author, $what on which no one else has built',
  ({ what, author, changes, limits, shown, other }) => {
    const details = { what: 'changes of one author side by side', limit: shown, actual: 4 };
    const kept = changes.slice(0, 3).map(idOf);
    const surplus = idOf(changes[3] as Uint8Array);

    it('are kept up to the limit, whether they come one by one or at once', () => {
      const one = inTurn(led(limits), changes, author);
      const all = led(limits).apply(changes, author.hex);
      for (const { log, refused } of [one, all]) {
        expect(log.changes().slice(3).map(idOf)).toEqual(kept);
        expect(refused.map(({ id }) => id)).toEqual([surplus]);
      }
      expect(one.refused.map(({ error }) => [error.code, error.details])).toEqual([
        ['LIMIT_EXCEEDED', details],
      ]);
      expect(hashOf(one.log)).toBe(hashOf(all.log));
    });

    it('leave room for what is counted apart, and for others', () => {
      const full = led(limits).apply(changes, author.hex).log;
      const more = [forge(groupId, author, [start], other), forge(groupId, bob, [start], other)];
      // Who has left can do no more.
      const taken = what === 'leavings' ? more.slice(1) : more;
      expect(full.apply(taken, bob.hex).effective).toEqual(taken.map(idOf));
    });

    it('are not counted any more once someone has built on them', () => {
      const full = led(limits).apply(changes.slice(0, 3), author.hex).log;
      const next = act(full, ann, rename('built on them'));
      expect(next.apply(changes.slice(3), author.hex).refused).toEqual([]);
    });
  },
);

describe('of one author', () => {
  it('changes that build on each other are one head, and revocations none', () => {
    const log = led({ looseHeads: 1 }).apply(chain(cid, renames), cid.hex);
    expect(log.effective).toHaveLength(4);
    expect(log.log.apply(aside(cid, removals), cid.hex).effective).toHaveLength(4);
  });

  it('changes below others are no heads, where there is too much of something else', () => {
    const log = led({ looseHeads: 1, looseChanges: 2 }).apply(chain(cid, renames), cid.hex);
    expect(log.effective).toEqual(chain(cid, renames).slice(0, 2).map(idOf));
  });

  it('changes that have lost their effect stay, and no new ones without come to them', () => {
    const busy = led({ voidChanges: 1 }).apply(aside(cid, renames), cid.hex).log;
    const out = busy.apply([forge(groupId, ann, [start], remove(cid))], ann.hex).log;
    const late = out.apply(aside(cid, [demote(bob)]), cid.hex);
    expect([late.added, late.evicted, late.refused.length, late.log.size]).toEqual([[], [], 1, out.size]);
    expect(renames.map((_, at) => late.log.has(idOf(aside(cid, renames)[at] as Uint8Array)))).toEqual(
      renames.map(() => true),
    );
  });

  it('leaving with more changes without effect than are kept drops none of them', () => {
    const busy = led({ voidChanges: 1 }).apply(aside(cid, renames), cid.hex).log;
    const out = busy.apply([forge(groupId, ann, [start], remove(cid))], ann.hex).log;
    const left = out.apply(aside(cid, [leave]), cid.hex);
    expect([left.effective.length, left.evicted, left.refused, left.log.size]).toEqual([
      1,
      [],
      [],
      out.size + 1,
    ]);
  });

  it('leavings are no revocations, and changes without effect nothing of that', () => {
    const limits = { looseRevocations: 1, looseChanges: 2, looseHeads: 9 };
    const left = led(limits).apply([...aside(cid, [leave, leave]), ...aside(cid, [remove(dan)])], cid.hex);
    expect(left.refused).toEqual([]);
    // Cid is removed while he makes changes, and comes back.
    const removed = act(led(limits), ann, remove(cid));
    const late = removed.apply(aside(cid, [rename('a'), rename('b')]), cid.hex);
    expect(late.void).toHaveLength(2);
    const back = act(act(late.log, bob, add(cid)), bob, promote(cid));
    const again = back.apply(aside(cid, [rename('c'), rename('d')], [last(back)]), cid.hex);
    expect(again.effective).toHaveLength(2);
    expect(again.log.apply(aside(cid, [rename('e')], [last(back)]), cid.hex).effective).toEqual([]);
  });

  it('changes without effect are kept as far as someone builds on them, or as many as the limit says', () => {
    const base = act(led({ voidChanges: 1 }), cid, rename('before'));
    const on = [last(base)];
    const out = act(base, ann, remove(cid));
    const [one, two] = chain(cid, [rename('1'), rename('2')], last(base)) as [Uint8Array, Uint8Array];
    const [three, four] = aside(cid, [rename('3'), rename('4')], on) as [Uint8Array, Uint8Array];
    // Bob has not heard of it yet.
    const byBob = forge(groupId, bob, [idOf(two)], rename('by bob'));
    for (const batch of [
      [one, two, byBob, three, four],
      [three, four, one, two, byBob],
    ]) {
      const applied = out.apply(batch, bob.hex);
      expect(applied.effective).toEqual([idOf(byBob)]);
      expect(applied.void.map(({ id }) => id).toSorted()).toEqual([one, two, three].map(idOf).toSorted());
      expect(applied.refused.map(({ id }) => id)).toEqual([idOf(four)]);
      // The same one again, when there is one already.
      expect(applied.log.apply([four], cid.hex).added).toEqual([]);
    }
  });

  it('changes that know of one removal of two are late all the same', () => {
    const base = led({ voidChanges: 1 });
    const back = act(act(act(base, ann, remove(cid)), ann, add(cid)), ann, promote(cid));
    const parents = [start, last(back)].toSorted();
    const both = aside(cid, [rename('1'), rename('2')], parents);
    expect(back.apply(both, cid.hex).effective).toEqual(both.map(idOf));
  });

  it('who was added by two, and by one of them in vain, is no ghost', () => {
    const base = led({ voidChanges: 1 });
    const [byAnn, byBob] = [ann, bob].map((one) => forge(groupId, one, [start], add(eve))) as [
      Uint8Array,
      Uint8Array,
    ];
    const added = base.apply([byAnn, byBob], ann.hex).log;
    const led2 = act(added, ann, promote(eve));
    const promoted = last(led2);
    const removal = forge(groupId, ann, [idOf(byAnn)], remove(bob));
    const out = led2.apply([removal], ann.hex).log;
    expect(out.explain(idOf(byBob))).toMatchObject({ reason: 'authorRevoked' });
    expect(out.isMember(eve.hex)).toBe(true);
    const gone = act(out, ann, remove(eve));
    const late = forge(groupId, eve, [promoted], rename('late'));
    expect(gone.apply([late], eve.hex).void.map(({ id }) => id)).toEqual([idOf(late)]);
    // And her leaving, which rests on both, stands by the one.
    const leaving = forge(groupId, eve, [idOf(byAnn), idOf(byBob)].toSorted(), leave);
    expect(out.apply([leaving], eve.hex).effective).toEqual([idOf(leaving)]);
  });
});

describe.each<{ what: string; limits: Partial<GroupLogLimits>; limit: number }>([
  { what: 'changes', limits: { changes: 4, reservedChanges: 1 }, limit: 4 },
  {
    what: 'bytes',
    limits: {
      bytes: led().bytes + (aside(bob, [rename('a')])[0]?.length ?? 0),
      reservedBytes: chain(bob, [rename('a'), remove(plain[0]!)])[1]?.length ?? 0,
    },
    limit: 4096,
  },
])('a log of so many $what', ({ limits, limit }) => {
  const [first, second] = chain(bob, [rename('a'), rename('b')]) as [Uint8Array, Uint8Array];
  const full = led(limits).apply([first], bob.hex).log;
  const removal = forge(groupId, bob, [idOf(first)], remove(plain[0]!));
  const another = forge(groupId, bob, [idOf(removal)], remove(plain[1]!));

  it('takes ordinary changes up to there, one by one or at once', () => {
    expect(full.size).toBe(4);
    const details = { what: 'changes of a group', limit, actual: 5 };
    const over = full.apply([second], bob.hex);
    expect(over.refused).toMatchObject([{ id: idOf(second), error: { code: 'LIMIT_EXCEEDED', details } }]);
    expect([over.added, over.evicted, over.log.size]).toEqual([[], [], 4]);
    // More at once: none of them, since no one can say which.
    expect(led(limits).apply([first, second], bob.hex).log.size).toBe(3);
  });

  it('takes revocations beyond, up to the reserve', () => {
    const out = full.apply([removal], bob.hex);
    expect(out.effective).toEqual([idOf(removal)]);
    const over = out.log.apply([another], bob.hex);
    expect(over.refused.map(({ id }) => id)).toEqual([idOf(another)]);
    expect([over.added, over.evicted, over.log.size]).toEqual([[], [], 5]);
    expect(hashOf(over.log)).toBe(hashOf(out.log));
  });

  it('takes with a revocation what it builds on, and nothing beside', () => {
    const beside = forge(groupId, cid, [idOf(first)], rename('beside'));
    const at = led({ ...limits, changes: 3, bytes: led().bytes, reservedChanges: 2, reservedBytes: 1000 });
    const applied = at.apply([first, beside, removal], bob.hex);
    expect(applied.effective).toEqual([first, removal].map(idOf));
    expect(applied.refused.map(({ id }) => id)).toEqual([idOf(beside)]);
  });

  it('has no room for revocations without effect', () => {
    const cidOut = full.apply([forge(groupId, bob, [idOf(first)], remove(cid))], bob.hex).log;
    const late = forge(groupId, cid, [start], demote(bob));
    const applied = cidOut.apply([late], cid.hex);
    expect(applied.added).toEqual([]);
    expect(applied.refused.map(({ error }) => error.details)).toEqual([
      { what: 'changes without effect', limit: 64, actual: 65 },
    ]);
  });
});

it('a log from which changes have gone has the hash of those that are left', () => {
  const late = forge(groupId, cid, [start], rename('late'));
  let log = led({ changes: 6 }).apply([forge(groupId, ann, [start], remove(cid))], ann.hex).log;
  log = act(log.apply([late], cid.hex).log, ann, rename('after it'));
  expect([log.size, hashOf(log).length]).toEqual([6, 64]);
  const applied = log.apply([sign(log, ann, rename('room'))], ann.hex);
  expect(applied.evicted).toHaveLength(1);
  const opened = GroupLog.open(cheapCrypto, groupId, applied.log.stored());
  expect(hashOf(applied.log)).toBe(hashOf(opened));
  expect(applied.log.state).toEqual(opened.state);
});

describe('a circle that seniority decides', () => {
  const limits = { voidChanges: 1 };
  const [byAnn, byCid, vain] = [
    forge(groupId, ann, [start], remove(bob)),
    forge(groupId, cid, [start], remove(ann)),
    forge(groupId, bob, [start], rename('in vain')),
  ];
  // Cid removes Ann, who removes Bob: by that Bob is in, until he removes Cid.
  // Cid has promoted Dan, who has made a change.
  const ofDan = forge(groupId, cid, [start], promote(dan));
  const fromDan = forge(groupId, dan, [idOf(ofDan)], rename('from dan'));
  const two = led(limits).apply([byCid, byAnn, vain, ofDan, fromDan], cid.hex).log;
  const noRevocation = forge(groupId, bob, [start], promote(dan));
  const below = forge(groupId, bob, [start], rename('below'));
  const closes = forge(groupId, bob, [idOf(below)], remove(cid));
  const twice = forge(groupId, bob, [start], remove(cid), 1);
  const noVictim = forge(groupId, bob, [start], remove(plain[0]!));
  const byDan = forge(groupId, dan, [start], leave);

  it('is kept with what it builds on, although it has no effect, and its author has enough of that', () => {
    expect(two.isMember(bob.hex)).toBe(true);
    const applied = two.apply([noVictim, noRevocation, below, closes, twice, byDan], bob.hex);
    expect([ann, bob, cid].map(({ hex }) => applied.log.isMember(hex))).toEqual([true, false, true]);
    expect(applied.refused.map(({ id }) => id)).toEqual([noVictim, noRevocation, twice].map(idOf));
    expect(applied.effective).toEqual([idOf(byDan)]);
    expect(applied.void.map(({ id }) => id)).toEqual([below, closes].map(idOf));
    // Where they come in another order it is the same group.
    const other = led(limits).apply([byAnn, closes, below, byCid, byDan, fromDan, ofDan], ann.hex).log;
    expect(hashOf(other)).toBe(hashOf(applied.log));
  });

  it('of which there is room for more by the limit of one author', () => {
    const more = led({ voidChanges: 2 }).apply([byCid, byAnn, vain], cid.hex).log;
    const third = forge(groupId, bob, [start], remove(cid), 2);
    const applied = more.apply([noVictim, closes, below, twice, third], bob.hex);
    expect(applied.log.isMember(bob.hex)).toBe(false);
    expect(applied.refused.map(({ id }) => id)).toEqual([idOf(third)]);
  });
});

it('a change that waits from several senders is taken, or refused, once', () => {
  const log = led();
  const one = sign(log, ann, rename('one'));
  const good = sign(log.apply([one], ann.hex).log, bob, rename('good'));
  const bad = forge(groupId, dan, [idOf(one)], rename('bad'));
  const waiting = [bob, cid, dan].reduce((next, { hex }) => next.apply([good, bad], hex).log, log);
  expect(waiting.waiting).toBe(6);
  for (const batch of [[one], [bad, one, good]]) {
    const applied = waiting.apply(batch, ann.hex);
    expect(applied.effective).toEqual([one, good].map(idOf));
    expect(applied.refused.map(({ id }) => id)).toEqual([idOf(bad)]);
    expect([applied.log.size, applied.log.waiting]).toEqual([log.size + 2, 0]);
  }
});

describe('a forged change', () => {
  const log = led();
  const one = sign(log, ann, rename('one'));
  const after = log.apply([one], ann.hex).log;
  const two = sign(after, ann, rename('two'));
  const forged = two.with(two.length - 1, two.at(-1)! ^ 1);

  it('that waited ends no batch of someone else', () => {
    const waits = sign(after, bob, rename('waits'));
    const onIt = forge(groupId, ann, [idOf(waits)], rename('on it'));
    const waiting = log.apply([forged, waits], bob.hex).log;
    expect(waiting.waiting).toBe(2);
    const applied = waiting.apply([one, onIt], ann.hex);
    expect(applied.effective).toEqual([one, waits, onIt].map(idOf));
    expect(applied.refused.map(({ id }) => id)).toEqual([idOf(two)]);
    expect(applied.pending).toEqual([]);
  });
});
