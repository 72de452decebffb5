import { encodeHex } from '@sotto/core';
import { dice } from '@sotto/testing/fuzz';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GroupLog } from '../src/index.js';
import {
  act,
  add,
  applyAll,
  cheapCrypto,
  create,
  demote,
  forge,
  hashOf,
  idOf,
  leave,
  merge,
  namesIn,
  type Person,
  people,
  promote,
  remove,
  rename,
  shuffled,
  sign,
} from './world.js';

const all = people('ann', 'bob', 'cid', 'dan', 'eve') as [Person, Person, Person, Person, Person];
const [ann, bob, cid, dan, eve] = all;
const show = (log: GroupLog) => namesIn(log, all);

/** Ann, then Bob, then Cid lead; Dan is a member. */
function led() {
  const { log } = create(ann, [bob, cid, dan]);
  return act(act(log, ann, promote(bob)), ann, promote(cid));
}

describe('membership', () => {
  it('is what the changes make it, in the order of grants', () => {
    const { log } = create(ann, [bob, cid]);
    expect(show(log)).toMatchObject({
      name: 'g',
      members: ['ann', ...show(log).members.slice(1)],
      admins: ['ann'],
    });
    const named = act(act(log, ann, rename('new')), ann, add(eve));
    expect(show(named).name).toBe('new');
    expect(show(named).members.at(-1)).toBe('eve');
    const removed = act(named, ann, remove(bob));
    expect(show(removed).members).not.toContain('bob');
    expect(show(act(removed, cid, leave)).members).toEqual(['ann', 'eve']);
  });

  it('ends with a removal at the same time as an addition or promotion', () => {
    const start = led();
    const one = act(start, ann, remove(dan));
    const other = act(start, bob, promote(dan));
    expect(show(merge(one, other))).toEqual(show(merge(other, one)));
    expect(show(merge(one, other)).members).not.toContain('dan');
    const promotion = [...other.changes()].at(-1) as Uint8Array;
    const overruled = { id: idOf(promotion), author: bob.hex, names: [dan.hex], reason: 'subjectRevoked' };
    expect(applyAll(one, other.changes()).overruled).toMatchObject([overruled]);
    expect(applyAll(other, one.changes()).overruled).toMatchObject([overruled]);
    expect(merge(one, other).explainSubject(idOf(promotion), dan.hex)).toMatchObject({
      reason: 'subjectRevoked',
    });
  });

  it('begins again with an addition that knew of the removal, without what was before', () => {
    const out = act(led(), ann, remove(bob));
    const back = act(out, ann, add(bob));
    expect(show(back).members).toContain('bob');
    expect(show(back).admins).toEqual(['ann', 'cid']);
    expect(back.apply([out.changes().at(-1) as Uint8Array], bob.hex).log.isMember(bob.hex)).toBe(true);
  });

  it('lists administrators by where they were promoted, not by when that came', () => {
    const { log } = create(ann, [bob, cid]);
    const late = act(act(log, ann, rename('x')), ann, promote(cid));
    const early = forge(log.groupId, ann, [log.groupId], promote(bob));
    expect(show(late.apply([early], ann.hex).log).admins).toEqual(['ann', 'bob', 'cid']);
    expect(show(log.apply([early, ...late.changes().slice(1)], ann.hex).log).admins).toEqual([
      'ann',
      'bob',
      'cid',
    ]);
  });

  it('takes the deepest of names at the same time', () => {
    const start = led();
    const one = act(act(start, ann, rename('a')), ann, rename('aa'));
    const other = act(start, bob, rename('z'));
    expect(show(merge(one, other)).name).toBe('aa');
    expect(show(merge(other, one)).name).toBe('aa');
  });
});

describe('revocation', () => {
  it('cannot be undone by a change from before it, however it is dated', () => {
    const start = led();
    const head = idOf(start.changes().at(-1) as Uint8Array);
    const out = act(act(start, ann, remove(cid)), ann, rename('after'));
    for (const action of [remove(bob), rename('mine'), add(eve), promote(dan), demote(bob)]) {
      for (const time of [0, 1, 2 ** 40]) {
        const applied = out.apply([forge(start.groupId, cid, [head], action, time)], cid.hex);
        expect(hashOf(applied.log)).toBe(hashOf(out));
        expect(applied.void).toMatchObject([{ reason: 'authorRevoked' }]);
      }
    }
  });

  it('between two who remove each other the more senior stays, whoever was first', () => {
    const start = led();
    const byBob = act(start, bob, remove(cid));
    const byCid = act(start, cid, remove(bob));
    for (const log of [merge(byBob, byCid), merge(byCid, byBob)]) {
      expect(show(log).admins).toEqual(['ann', 'bob']);
      expect(show(log).members).not.toContain('cid');
    }
    const lost = applyAll(byCid, byBob.changes()).lost;
    expect(lost).toMatchObject([{ author: cid.hex, kind: 'remove', reason: 'authorRevoked' }]);
    expect(byBob.apply(byCid.changes(), cid.hex).void).toHaveLength(1);
  });

  it('may put out someone more senior who does not object', () => {
    const log = act(led(), cid, remove(ann));
    expect(show(log).members).not.toContain('ann');
  });

  it('in a circle of three lets the most senior one stand', () => {
    const start = led();
    const [a, b, c] = [
      act(start, ann, remove(bob)),
      act(start, bob, remove(cid)),
      act(start, cid, remove(ann)),
    ];
    const merged = merge(a, b, c);
    expect(show(merged).admins).toEqual(['ann', 'cid']);
    const byCid = idOf(c.changes().at(-1) as Uint8Array);
    expect(merged.explain(byCid)).toMatchObject({
      reason: 'outranked',
      by: idOf(a.changes().at(-1) as Uint8Array),
    });
    for (const order of [
      [c, b, a],
      [b, c, a],
    ] as const) {
      const [first, ...rest] = order;
      expect(hashOf(merge(first as GroupLog, ...rest))).toBe(hashOf(merged));
    }
  });

  it('of who revoked brings back what that one voided', () => {
    const start = led();
    // Cid removes Bob while Bob renames; Ann removes Cid without knowing.
    const byCid = act(start, cid, remove(bob));
    const byBob = act(start, bob, rename('bob was here'));
    const byAnn = act(start, ann, remove(cid));
    expect(show(merge(byCid, byBob)).name).toBe('g');
    const merged = merge(byCid, byBob, byAnn);
    expect(show(merged)).toMatchObject({ name: 'bob was here', admins: ['ann', 'bob'] });
  });

  it('voids what rests on a grant of the revoked one', () => {
    const start = led();
    // Cid, before he learns of his removal, adds and promotes Eve, who adds no one but renames.
    const byCid = act(act(start, cid, add(eve)), cid, promote(eve));
    const byEve = act(byCid, eve, rename('by eve'));
    const out = act(start, ann, remove(cid));
    const merged = merge(byEve, out);
    expect(show(merged)).toMatchObject({ name: 'g', admins: ['ann', 'bob'] });
    expect(hashOf(merge(out, byEve))).toBe(hashOf(merged));
    expect(show(merged).members).not.toContain('eve');
    const renamed = idOf(byEve.changes().at(-1) as Uint8Array);
    expect(merged.explain(renamed)).toMatchObject({ reason: 'supportLost', author: eve.hex });
    expect(merged.exclusionOf(eve.hex)).toBe(merged.exclusionOf(cid.hex));
  });

  it('reaches who cites it as void: what voided it was void itself', () => {
    const start = led();
    const head = idOf(start.changes().at(-1) as Uint8Array);
    const { groupId } = start;
    // Bob removes Dan... Cid removes Bob at the same time, and Ann removed Cid: Dan, an administrator, goes on from where
    // Bob's removal of him looked void.
    const promoted = act(start, ann, promote(dan));
    const base = idOf(promoted.changes().at(-1) as Uint8Array);
    const removal = forge(groupId, bob, [base], remove(dan));
    const accomplice = forge(groupId, cid, [head], remove(bob));
    const decision = forge(groupId, ann, [base], remove(cid));
    const onward = forge(groupId, dan, [idOf(removal), idOf(accomplice)], rename('dan goes on'));
    const log = promoted.apply([removal, accomplice, decision, onward], dan.hex).log;
    expect(log.has(idOf(onward))).toBe(true);
    expect(show(log)).toMatchObject({ name: 'g', admins: ['ann', 'bob'] });
    expect(log.explain(idOf(onward))).toMatchObject({ reason: 'authorRevoked', by: idOf(removal) });
  });

  it('never keeps anyone from leaving', () => {
    const start = led();
    const left = act(start, bob, leave);
    const merged = merge(act(start, ann, demote(bob)), left);
    expect(show(merged).members).not.toContain('bob');
    expect(merged.explain(idOf(left.changes().at(-1) as Uint8Array))).toBeUndefined();
  });
});

describe('authority', () => {
  const start = led();
  const head = idOf(start.changes().at(-1) as Uint8Array);
  const refusal = (change: Uint8Array) => {
    const applied = start.apply([change], dan.hex);
    expect(applied.added).toEqual([]);
    expect(hashOf(applied.log)).toBe(hashOf(start));
    return applied.refused[0]?.error;
  };
  const by = (author: Person, action: Parameters<typeof forge>[3]) =>
    forge(start.groupId, author, [head], action);

  it('is that of administrators, by the ancestors of the change', () => {
    for (const action of [rename('x'), add(eve), remove(bob), promote(dan), demote(bob)]) {
      expect(refusal(by(dan, action))).toMatchObject({ code: 'NOT_PERMITTED' });
      expect(refusal(by(eve, action))).toMatchObject({ code: 'NOT_PERMITTED' });
    }
    expect(refusal(by(eve, leave))).toMatchObject({ code: 'NOT_PERMITTED' });
    const rootId = start.groupId;
    expect(refusal(forge(rootId, bob, [rootId], rename('before I was one')))).toMatchObject({
      code: 'NOT_PERMITTED',
    });
  });

  it('is for changes that make sense', () => {
    for (const action of [
      add(bob),
      add(eve, bob),
      remove(eve),
      remove(ann),
      promote(bob),
      promote(eve),
      demote(dan),
    ]) {
      expect(refusal(by(ann, action))).toMatchObject({ code: 'NOT_PERMITTED' });
    }
    expect(refusal(by(ann, demote(ann, bob, cid)))).toMatchObject({ code: 'NOT_PERMITTED' });
  });

  it('needs a signature of the author, and the first forged one ends the batch', () => {
    const forged = by(ann, remove(bob)).slice();
    forged[forged.length - 40] = (forged[forged.length - 40] as number) ^ 1;
    const applied = start.apply([forged, by(ann, rename('fine'))], dan.hex);
    expect(applied.refused.map(({ error }) => error.code)).toEqual([
      'INVALID_SIGNATURE',
      'INVALID_SIGNATURE',
    ]);
    expect(start.apply([by(ann, rename('fine'))], dan.hex).effective).toHaveLength(1);
  });

  it('refuses what is not a change of this group', () => {
    const other = create(bob, [ann], { salt: 7 });
    expect(refusal(other.root)).toMatchObject({ code: 'MALFORMED_MESSAGE' });
    expect(refusal(new Uint8Array(40).fill(255))).toMatchObject({ code: 'MALFORMED_MESSAGE' });
    expect(refusal(new Uint8Array(70_000))).toMatchObject({ code: 'LIMIT_EXCEEDED' });
    // What stands around the signed bytes is not kept.
    const change = by(ann, rename('x'));
    expect(start.apply([Uint8Array.of(...change, 0x18, 1)], ann.hex).added).toMatchObject([
      { encoded: change },
    ]);
  });
});

describe('succession', () => {
  it('the eldest member claims a group that no one leads', () => {
    const { log } = create(ann, [bob]);
    const alone = act(act(log, ann, add(cid)), ann, leave);
    expect(show(alone).admins).toEqual([]);
    expect(alone.mayClaim(bob.hex)).toBe(true);
    expect(alone.mayClaim(cid.hex)).toBe(false);
    expect(() => alone.parentsFor(bob.hex, rename('x'))).toThrow(
      expect.objectContaining({ code: 'NOT_PERMITTED' }),
    );
    expect(() => alone.parentsFor(cid.hex, promote(cid))).toThrow(
      expect.objectContaining({ code: 'NOT_PERMITTED' }),
    );
    const claimed = act(alone, bob, promote(bob));
    expect(show(act(claimed, bob, rename('mine'))).admins).toEqual(['bob']);
  });

  it('a claim falls with the revocation that it rests on', () => {
    const { log } = create(ann, [bob, cid]);
    const two = act(log, ann, promote(cid));
    // Cid removes Ann and leaves: no one leads. Ann, who is more senior, had removed Cid.
    const alone = act(act(two, cid, remove(ann)), cid, leave);
    const claimed = act(act(alone, bob, promote(bob)), bob, rename('by bob'));
    const merged = merge(claimed, act(two, ann, remove(cid)));
    expect(show(merged)).toMatchObject({ name: 'g', admins: ['ann'] });
  });
});

describe('parents', () => {
  it('are heads with effect alone: junk never becomes an ancestor', () => {
    const start = led();
    const head = idOf(start.changes().at(-1) as Uint8Array);
    const out = act(start, ann, remove(cid));
    const junk = Array.from({ length: 30 }, (_, at) => forge(start.groupId, cid, [head], rename(`j${at}`)));
    const littered = out.apply(junk, cid.hex).log;
    expect(littered.size).toBe(out.size + 30);
    expect(littered.parentsFor(ann.hex, rename('clean'))).toEqual(out.parentsFor(ann.hex, rename('clean')));
  });

  it('leave the heads of removed members for last', () => {
    const start = led();
    const head = idOf(start.changes().at(-1) as Uint8Array);
    const flood = Array.from({ length: 40 }, (_, at) => forge(start.groupId, cid, [head], rename(`f${at}`)));
    const flooded = start.apply(flood, cid.hex).log;
    const byBob = merge(flooded, act(start, bob, add(eve)));
    const removed = act(byBob, ann, remove(cid));
    expect(show(removed)).toMatchObject({ admins: ['ann', 'bob'], name: expect.stringMatching(/^f/) });
    expect(removed.isMember(eve.hex)).toBe(true);
    expect(removed.parentsFor(ann.hex, rename('x')).length).toBeLessThanOrEqual(16);
  });

  it('bring along what keeps a void revocation of the author void', () => {
    const start = led();
    const { groupId } = start;
    const head = idOf(start.changes().at(-1) as Uint8Array);
    // Ann removed Bob; Cid removed Ann: Bob is in, by Cid's doing. Now Bob removes Cid.
    const two = start.apply([forge(groupId, cid, [head], remove(ann))], cid.hex).log;
    const three = two.apply([forge(groupId, ann, [head], remove(bob))], ann.hex).log;
    expect(show(three).admins).toEqual(['bob', 'cid']);
    expect(show(act(three, bob, remove(cid))).admins).toEqual(['bob']);
  });
});

describe('any order of arrival', () => {
  it('with repetitions and in parts comes to the same group', () => {
    const start = led();
    const branches = [
      act(act(start, ann, add(eve)), ann, rename('a')),
      act(start, bob, remove(cid)),
      act(act(start, cid, demote(bob)), cid, promote(dan)),
      act(start, dan, leave),
    ];
    const merged = merge(start, ...branches);
    const changes = merged.changes();
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        const roll = dice(seed);
        const order = shuffled([...changes, ...changes.slice(0, 3)], roll);
        let log = GroupLog.empty(cheapCrypto, start.groupId).apply([changes[0] as Uint8Array], ann.hex).log;
        while (order.length > 0) log = log.apply(order.splice(0, 1 + roll(4)), ann.hex).log;
        expect(hashOf(log)).toBe(hashOf(merged));
        expect(log.state).toEqual(merged.state);
        expect(log.waiting).toBe(0);
      }),
      { numRuns: 25 },
    );
  });

  it('an older version of a log goes on as if the newer one had not been', () => {
    const start = led();
    const one = act(start, ann, rename('given up'));
    const other = act(start, ann, rename('taken'));
    expect(show(other).name).toBe('taken');
    expect(show(one).name).toBe('given up');
    expect(hashOf(act(start, ann, rename('taken')))).toBe(hashOf(other));
    expect(one.has(idOf(other.changes().at(-1) as Uint8Array))).toBe(false);
  });

  it('the hash is a chain over the changes with effect', () => {
    const { log } = create(ann, [bob]);
    const next = act(log, ann, rename('x'));
    const [root, second] = next
      .changes()
      .map(idOf)
      .map((id) => Uint8Array.from(Buffer.from(id, 'hex')));
    const first = cheapCrypto.keccak256(new Uint8Array(32), root as Uint8Array);
    expect(hashOf(next)).toBe(encodeHex(cheapCrypto.keccak256(first, second as Uint8Array)));
  });
});

describe('what someone is told', () => {
  it('of a removal is the removal and what it builds on', () => {
    const start = led();
    const removed = act(start, ann, remove(dan));
    const later = act(removed, ann, rename('secret'));
    const exclusion = later.exclusionOf(dan.hex) as string;
    expect(later.closureOf(exclusion)).toEqual(removed.changes());
    expect(later.exclusionOf(bob.hex)).toBeUndefined();
    expect(later.exclusionOf(eve.hex)).toBeUndefined();
    expect(() => later.closureOf('00')).toThrow(expect.objectContaining({ code: 'NOT_FOUND' }));
  });

  it('waits for what is missing, from senders that the group knows', () => {
    const start = led();
    const one = sign(start, ann, rename('one'));
    const after = start.apply([one], ann.hex).log;
    const two = sign(after, ann, rename('two'));
    const early = start.apply([two], bob.hex);
    expect(early.pending).toEqual([idOf(two)]);
    expect(show(early.log.apply([one], ann.hex).log).name).toBe('two');
    expect(start.apply([two], eve.hex).refused).toMatchObject([{ error: { code: 'NOT_PERMITTED' } }]);
  });

  it('that waits in a forged copy does not stand in the way of the genuine one', () => {
    const start = led();
    const one = sign(start, ann, rename('one'));
    const two = sign(start.apply([one], ann.hex).log, ann, rename('two'));
    const forged = two.slice();
    forged[forged.length - 1] = (forged[forged.length - 1] as number) ^ 1;
    for (const order of [
      [forged, two],
      [two, forged],
    ] as const) {
      const early = start.apply([order[0]], bob.hex).log.apply([order[1]], cid.hex).log;
      let log = early.apply([one], ann.hex).log;
      if (show(log).name !== 'two') log = log.apply([], ann.hex).log;
      expect(show(log).name).toBe('two');
      expect(log.waiting).toBe(0);
    }
  });
});
