import { describe, expect, it } from 'vitest';
import { authorityOf } from '../src/admission.js';
import { Graph } from '../src/graph.js';
import { GroupLog, type LogCrypto, parseChange } from '../src/index.js';
import { noteContest } from '../src/resolution.js';
import { ViewCache } from '../src/view-cache.js';
import {
  act,
  add,
  cheapCrypto,
  create,
  demote,
  forge,
  idOf,
  leave,
  merge,
  namesIn,
  type Person,
  people,
  promote,
  remove,
  rename,
  sign,
} from './world.js';

const everyone = people('ann', 'bob', 'cid', 'dan', 'eve', 'fay');
const [ann, bob, cid, dan, eve, fay] = everyone as [Person, Person, Person, Person, Person, Person];
const show = (log: GroupLog) => namesIn(log, everyone);
const last = (log: GroupLog) => idOf(log.changes().at(-1) as Uint8Array);

/** What a change of a log rests on as a claim, as `AUTHOR KIND` in the order of the log. */
function premisesOf(log: GroupLog, claim: Uint8Array): readonly string[] {
  const graph = new Graph();
  const views = new ViewCache(graph);
  const authority = (encoded: Uint8Array) => {
    const change = parseChange(cheapCrypto, encoded);
    const parents = change.parents.map((parent) => graph.indexOf(parent) as number);
    return { change, parents, ...authorityOf(graph, views, parents, change, log.groupId) };
  };
  for (const [number, encoded] of log.changes().entries()) {
    const { change, parents, ...rest } = authority(encoded);
    graph.append(change, parents, rest, number);
    noteContest(graph);
  }
  return authority(claim).premises.map((index) => {
    const { author, kind } = graph.at(index);
    return `${everyone.find(({ hex }) => hex === author)?.name} ${kind}`;
  });
}
const claim = (log: GroupLog, who: Person) => premisesOf(log, sign(log, who, promote(who)));

describe('a claim rests on', () => {
  it('what left the group without administrator', () => {
    const start = act(create(ann, [bob]).log, ann, promote(bob));
    const withCid = act(start, ann, add(cid));
    expect(claim(act(act(withCid, ann, leave), bob, leave), cid)).toEqual(['ann leave', 'bob leave']);
    expect(claim(act(act(withCid, bob, remove(ann)), bob, leave), cid)).toEqual(['bob remove', 'bob leave']);
    const demoted = act(withCid, bob, demote(ann));
    expect(claim(act(demoted, bob, leave), ann)).toEqual(['bob leave']);
    // Who is out now was an administrator before that: each for its own reason.
    expect(claim(act(act(demoted, ann, leave), bob, leave), cid)).toEqual([
      'bob demote',
      'ann leave',
      'bob leave',
    ]);
  });

  it('nothing that took the rights of the one who claims', () => {
    const start = act(create(ann, [bob]).log, ann, promote(bob));
    const demoted = act(start, ann, demote(bob));
    expect(claim(act(demoted, ann, leave), bob)).toEqual(['ann leave']);
  });

  it('what put out those who joined earlier, and not those who joined later', () => {
    const start = act(act(act(create(ann, []).log, ann, add(bob)), ann, add(cid)), ann, add(dan));
    const elderOut = act(start, ann, remove(bob));
    const laterOut = act(elderOut, ann, remove(dan));
    expect(claim(act(laterOut, ann, leave), cid)).toEqual(['ann remove', 'ann leave']);
    const elderLeft = act(act(start, bob, leave), ann, leave);
    expect(claim(elderLeft, cid)).toEqual(['bob leave', 'ann leave']);
  });

  it('what put out those who joined earlier each time, and those who are back as later ones', () => {
    const start = act(act(act(create(ann, []).log, ann, add(bob)), ann, add(cid)), ann, rename('x'));
    const back = act(act(start, ann, remove(bob)), ann, add(bob));
    expect(show(back).members).toEqual(['ann', 'cid', 'bob']);
    expect(claim(act(back, ann, leave), cid)).toEqual(['ann remove', 'ann leave']);
    const outAgain = act(back, ann, remove(bob));
    expect(claim(act(outAgain, ann, leave), cid)).toEqual(['ann remove', 'ann remove', 'ann leave']);
  });

  it('what ended each of the times in which someone led', () => {
    const start = act(act(create(ann, [cid]).log, ann, add(bob)), ann, promote(bob));
    const again = act(act(start, ann, demote(bob)), ann, promote(bob));
    expect(claim(act(act(again, ann, leave), bob, leave), cid)).toEqual([
      'ann demote',
      'ann leave',
      'bob leave',
    ]);
  });

  it('nothing that put out the one who claims', () => {
    const start = act(create(ann, []).log, ann, add(bob));
    const back = act(act(start, ann, remove(bob)), ann, add(bob));
    expect(claim(act(back, ann, leave), bob)).toEqual(['ann leave']);
  });

  describe('what voided a grant that its author builds on, as no honest device does:', () => {
    const leading = act(act(create(ann, [bob, cid, dan]).log, ann, promote(bob)), ann, promote(cid));
    const by = (author: Person, parents: readonly string[], action: Parameters<typeof forge>[3]) =>
      forge(leading.groupId, author, parents.toSorted(), action);
    /** Bob does something. Cid removes him and knows of it, Ann demotes him later and does not. Then only Ann is left, without a role. */
    function divided(first: Uint8Array, ...more: readonly Uint8Array[]) {
      const removal = by(cid, [first, ...more].slice(-1).map(idOf), remove(bob));
      const renamed = by(ann, [last(leading)], rename('a'));
      const again = by(ann, [idOf(renamed)], rename('b'));
      const twice = by(ann, [idOf(again)], rename('c'));
      const demotion = by(ann, [idOf(twice)], demote(bob));
      const end = by(cid, [removal, demotion].map(idOf), demote(ann));
      const left = by(cid, [idOf(end)], leave);
      const all = [first, ...more, removal, renamed, again, twice, demotion, end, left];
      const { log, refused } = leading.apply(all, ann.hex);
      expect(refused).toEqual([]);
      expect(log.explain(idOf(first))).toMatchObject({ reason: 'authorRevoked', by: idOf(demotion) });
      return { log, claim: by(ann, [idOf(left)], promote(ann)) };
    }
    const adding = by(bob, [last(leading)], add(eve));
    const promoting = by(cid, [idOf(adding)], promote(eve));

    it('a promotion', () => {
      const { log, claim } = divided(by(bob, [last(leading)], promote(dan)));
      expect(premisesOf(log, claim)).toEqual(['cid remove', 'ann demote', 'cid leave']);
    });

    it('the addition of someone who was promoted', () => {
      const { log, claim } = divided(adding, promoting);
      expect(premisesOf(log, claim)).toEqual(['cid remove', 'ann demote', 'cid leave']);
    });

    it('and not that of someone of whose promotion the claim knows nothing, whoever else does', () => {
      const { log, claim } = divided(adding);
      expect(premisesOf(log, claim)).toEqual(['cid remove', 'cid leave']);
      const more = log.apply([promoting], ann.hex).log;
      expect(more.has(idOf(promoting))).toBe(true);
      expect(premisesOf(more, claim)).toEqual(['cid remove', 'cid leave']);
    });
  });

  it('what voided the addition of someone who would have joined earlier', () => {
    const start = act(act(create(ann, [bob]).log, ann, promote(bob)), ann, add(cid));
    // Bob adds Eve; at the same time Ann removes Bob. Then Fay joins, and all the others leave.
    const byBob = act(start, bob, add(eve));
    const removal = sign(start, ann, remove(bob));
    const both = byBob.apply([removal], ann.hex).log;
    const withFay = act(both, ann, add(fay));
    const alone = act(act(withFay, cid, leave), ann, leave);
    expect(show(alone).members).toEqual(['fay']);
    const found = claim(alone, fay);
    expect(found.filter((one) => one === 'ann remove')).toHaveLength(1);
    expect(found).toEqual(['ann remove', 'cid leave', 'ann leave']);
  });

  it('so much that it falls with any of it', () => {
    const { log } = create(ann, [cid, eve]);
    const led = act(act(log, ann, promote(eve)), ann, promote(cid));
    const start = act(act(led, ann, add(bob)), ann, add(dan));
    const out = act(act(start, cid, remove(bob)), cid, remove(eve));
    const alone = act(act(out, ann, leave), cid, leave);
    expect(claim(alone, dan)).toEqual(['cid remove', 'cid remove', 'ann leave', 'cid leave']);
    const claimed = act(act(alone, dan, promote(dan)), dan, rename('by dan'));
    expect(show(claimed)).toMatchObject({ name: 'by dan', admins: ['dan'] });
    // Eve, who is more senior, had removed Cid at the time at which he removed Bob and her.
    const merged = claimed.apply([forge(start.groupId, eve, [last(start)], remove(cid))], eve.hex).log;
    expect(show(merged)).toMatchObject({ name: 'g', admins: ['eve'] });
    expect(show(merged).members.toSorted()).toEqual(['bob', 'dan', 'eve']);
  });

  it('having been the eldest of a group without administrators: one who was demoted is not', () => {
    const start = act(create(ann, [bob]).log, ann, promote(bob));
    const demoted = act(start, bob, demote(ann));
    expect(demoted.state.members[0]).toBe(ann.hex);
    const forged = forge(demoted.groupId, ann, [last(demoted)], promote(ann));
    expect(demoted.apply([forged], ann.hex).refused).toMatchObject([{ error: { code: 'NOT_PERMITTED' } }]);
    expect(() => demoted.parentsFor(ann.hex, promote(ann))).toThrow();
  });
});

/** Counts signatures that are verified. */
function counting() {
  const counts = { signatures: 0 };
  const crypto: LogCrypto = {
    ...cheapCrypto,
    secp256k1: {
      ...cheapCrypto.secp256k1,
      recoverPublicKey: (...input) => {
        counts.signatures++;
        return cheapCrypto.secp256k1.recoverPublicKey(...input);
      },
    },
  };
  return { counts, crypto };
}

describe('changes of one author in a batch', () => {
  function led(limits = {}, crypto = cheapCrypto) {
    const { log } = create(ann, [bob, cid, dan]);
    const changes = act(act(log, ann, promote(bob)), ann, promote(cid)).changes();
    return GroupLog.open(
      crypto,
      log.groupId,
      changes.map((encoded, number) => ({ number, encoded })),
      limits,
    );
  }
  const aside = (log: GroupLog, who: Person, count: number, from = 0) =>
    Array.from({ length: count }, (_, at) =>
      forge(log.groupId, who, [last(log)], rename(`${who.name} ${from + at}`)),
    );

  it('beyond those that are kept are refused unread, unless someone else builds on them', () => {
    const { counts, crypto } = counting();
    const start = led({ looseHeads: 2 }, crypto);
    const heads = aside(start, cid, 5);
    const applied = start.apply(heads, cid.hex);
    expect([applied.added.length, applied.refused.length, counts.signatures]).toEqual([2, 3, 2]);
    const [, , , fourth, fifth] = heads as [Uint8Array, Uint8Array, Uint8Array, Uint8Array, Uint8Array];
    const above = forge(start.groupId, cid, [idOf(fifth)], rename('above'));
    const byAnn = forge(start.groupId, ann, [idOf(fourth), idOf(above)].toSorted(), rename('by ann'));
    const used = start.apply([...heads, above, byAnn], cid.hex);
    expect(used.effective).toEqual(expect.arrayContaining([fourth, fifth, above, byAnn].map(idOf)));
    expect(used.log.state.name).toBe('by ann');
    expect(used.refused).toHaveLength(1);
  });

  it('without effect are refused unread beyond those that are kept, those of earlier batches counted', () => {
    const { counts, crypto } = counting();
    const start = led({ voidChanges: 3 }, crypto);
    const out = act(start, ann, remove(cid));
    counts.signatures = 0;
    const first = out.apply(aside(start, cid, 2), cid.hex);
    expect([first.added.length, counts.signatures]).toEqual([2, 2]);
    counts.signatures = 0;
    const second = first.log.apply(aside(start, cid, 4, 2), cid.hex);
    expect([second.added.length, second.refused.length, counts.signatures]).toEqual([1, 3, 1]);
    // Nor does it help that one builds on the other.
    counts.signatures = 0;
    const chain: Uint8Array[] = [];
    for (const name of ['one', 'two', 'three', 'four']) {
      const below = chain.at(-1);
      chain.push(forge(start.groupId, cid, [below ? idOf(below) : last(start)], rename(name)));
    }
    expect([first.log.apply(chain, cid.hex).added.length, counts.signatures]).toEqual([1, 1]);
    // His leaving is none of these, and Bob has his own.
    expect(second.log.apply(aside(start, bob, 4), bob.hex).effective).toHaveLength(4);
    expect(second.log.apply([forge(start.groupId, cid, [last(start)], leave)], cid.hex).refused).toEqual([]);
  });

  it('of someone who is back are as good as those of others', () => {
    const start = led({ voidChanges: 1 });
    const back = act(act(act(start, ann, remove(cid)), ann, add(cid)), ann, promote(cid));
    expect(back.apply(aside(back, cid, 4), cid.hex).effective).toHaveLength(4);
    const partly = forge(back.groupId, cid, [last(start), last(back)].toSorted(), rename('knows of both'));
    expect(back.apply([partly, ...aside(back, cid, 3)], cid.hex).effective).toHaveLength(4);
  });

  it('that build on one that was dropped are dropped with it', () => {
    const start = led({ looseChanges: 1 });
    const one = forge(start.groupId, cid, [last(start)], rename('1'));
    const two = forge(start.groupId, cid, [idOf(one)], rename('2'));
    const leaving = forge(start.groupId, cid, [idOf(two)], leave);
    const applied = start.apply([one, two, leaving], cid.hex);
    expect(applied.effective).toEqual([idOf(one)]);
    expect(applied.refused.map(({ id }) => id)).toEqual([idOf(two), idOf(leaving)]);
    expect(applied.refused.map(({ error }) => error.code)).toEqual(['LIMIT_EXCEEDED', 'LIMIT_EXCEEDED']);
    expect(applied.log.isMember(cid.hex)).toBe(true);
  });

  it('that are forged end the batch of their sender, and no other', () => {
    const start = led();
    const one = sign(start, ann, rename('one'));
    const after = start.apply([one], ann.hex).log;
    const two = sign(after, ann, rename('two'));
    const three = sign(after, ann, rename('three'));
    const forged = two.with(two.length - 1, two.at(-1)! ^ 1);
    // Bob sent the forged copy, which waited; what Ann sends with its ancestor is hers.
    const waiting = start.apply([forged], bob.hex).log;
    const applied = waiting.apply([one, three], ann.hex);
    expect(applied.effective).toEqual([idOf(one), idOf(three)]);
    expect(applied.refused).toMatchObject([{ id: idOf(two), error: { code: 'INVALID_SIGNATURE' } }]);
    expect(applied.log.waiting).toBe(0);
    const own = start.apply([one, forged, three], bob.hex);
    expect(own.effective).toEqual([idOf(one)]);
    expect(own.refused.map(({ error }) => error.details)).toEqual([
      { reason: 'cheap' },
      { reason: 'in a batch with a forged change' },
    ]);
    // What another sender had sent before is taken all the same.
    const mixed = start.apply([three], bob.hex).log.apply([one, forged], cid.hex);
    expect(mixed.effective).toEqual([idOf(one), idOf(three)]);
  });

  it('beyond the reserve of a full log are refused, and what was there stays', () => {
    let log = led({ changes: 3, reservedChanges: 2 });
    log = act(act(log, bob, remove(dan)), ann, demote(cid));
    expect(log.size).toBe(5);
    const applied = log.apply([sign(log, bob, remove(cid))], bob.hex);
    expect([applied.added, applied.evicted, applied.log.size]).toEqual([[], [], 5]);
    expect(applied.refused.map(({ error }) => error.details)).toEqual([
      { what: 'changes of a group', limit: 3, actual: 6 },
    ]);
    expect(show(applied.log)).toEqual(show(log));
  });

  it('of a circle that seniority decides are kept though they have no effect', () => {
    const start = led({ voidChanges: 1 });
    // Bob removes Cid, Cid removes Bob: Bob is the more senior one. Then Cid's other changes come.
    const byBob = sign(start, bob, remove(cid));
    const byCid = sign(start, cid, remove(bob));
    const circle = merge(start.apply([byCid], cid.hex).log, start.apply([byBob], bob.hex).log);
    expect(show(circle).members).not.toContain('cid');
    expect(circle.has(idOf(byCid))).toBe(true);
    const more = circle.apply(aside(start, cid, 3), cid.hex);
    expect(more.log.has(idOf(byCid))).toBe(true);
    expect(show(more.log)).toEqual(show(circle));
    expect(more.refused).toHaveLength(3);
  });
});
