import { describe, expect, it } from 'vitest';
import { GroupLog } from '../src/index.js';
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
  merge,
  namesIn,
  type Person,
  people,
  person,
  promote,
  remove,
  rename,
  sign,
} from './world.js';

const everyone = people('ann', 'bob', 'cid', 'dan', 'eve');
const [ann, bob, cid, dan, eve] = everyone as [Person, Person, Person, Person, Person];
const show = (log: GroupLog) => namesIn(log, everyone);
const last = (log: GroupLog) => idOf(log.changes().at(-1) as Uint8Array);

/** Ann leads Bob, Cid and Dan; Bob and Cid are administrators as well. */
function led(limits = {}) {
  const { log } = create(ann, [bob, cid, dan], { limits });
  return act(act(log, ann, promote(bob)), ann, promote(cid));
}
/** What was refused of changes, as error codes with their details. */
const refusals = (log: GroupLog, changes: readonly Uint8Array[], sender: Person) =>
  log.apply(changes, sender.hex).refused.map(({ id, error }) => ({
    id,
    code: error.code,
    details: error.details,
  }));

describe('a log', () => {
  it('numbers what it stores, and says how much that is', () => {
    const { log, root } = create(ann, [bob]);
    expect([log.isCreated, log.size, log.bytes, log.nextNumber]).toEqual([true, 1, root.length, 1]);
    const next = act(log, ann, rename('x'));
    const [, second] = next.changes() as [Uint8Array, Uint8Array];
    expect(next.stored()).toEqual([
      { number: 0, encoded: root },
      { number: 1, encoded: second },
    ]);
    expect(next.changes(1)).toEqual([second]);
    expect(next.changes(2)).toEqual([]);
    expect([next.size, next.bytes, next.nextNumber]).toEqual([2, root.length + second.length, 2]);
    expect([next.has(idOf(second)), log.has(idOf(second)), next.has('00')]).toEqual([true, false, false]);
    const empty = GroupLog.empty(cheapCrypto, log.groupId);
    expect([empty.isCreated, empty.size, empty.nextNumber, empty.waiting]).toEqual([false, 0, 0, 0]);
    expect(empty.membershipHash).toEqual(new Uint8Array(32));
    expect(empty.mayClaim(ann.hex)).toBe(false);
    expect(empty.state).toEqual({ name: '', members: [], admins: [] });
  });

  it('is opened from its records, with gaps in their numbers, and goes on behind them', () => {
    const log = act(led(), ann, rename('x'));
    const records = log.changes().map((encoded, at) => ({ number: 3 * at, encoded }));
    const opened = GroupLog.open(cheapCrypto, log.groupId, records);
    expect(hashOf(opened)).toBe(hashOf(log));
    expect(opened.state).toEqual(log.state);
    expect(opened.nextNumber).toBe(3 * (log.size - 1) + 1);
    expect(opened.changes(3)).toEqual(log.changes().slice(1));
    const { added } = opened.apply([sign(opened, bob, rename('y'))], bob.hex);
    expect(added.map(({ number }) => number)).toEqual([opened.nextNumber]);
    expect(GroupLog.open(cheapCrypto, log.groupId, []).nextNumber).toBe(0);
  });

  it('is not opened from records that do not belong together', () => {
    const log = act(led(), ann, rename('x'));
    const open =
      (changes: readonly Uint8Array[], groupId = log.groupId) =>
      () =>
        GroupLog.open(
          cheapCrypto,
          groupId,
          changes.map((encoded, number) => ({ number, encoded })),
        );
    for (const [run, reason] of [
      [open(log.changes().slice(1)), 'a parent is missing'],
      [open([log.changes()[0]!, log.changes().at(-1)!]), 'a parent is missing'],
      [open([new Uint8Array(5).fill(255)]), 'MALFORMED_MESSAGE'],
      [open(log.changes(), '00'.repeat(32)), 'MALFORMED_MESSAGE'],
      [
        open([...log.changes(), forge(log.groupId, dan, [last(log)], rename('not allowed'))]),
        'NOT_PERMITTED',
      ],
    ] as const) {
      expect(run).toThrow(
        expect.objectContaining({
          code: 'STATE_CORRUPT',
          details: { what: 'group log', reason },
          cause: expect.any(Error),
        }),
      );
    }
  });

  it('knows an identity by name from when a change names it, whether it has effect or not', () => {
    const start = led();
    expect([start.names(dan.hex), start.names(eve.hex)]).toEqual([true, false]);
    const byBob = act(start, bob, add(eve));
    const voided = merge(byBob, act(start, ann, remove(bob)));
    expect([voided.names(eve.hex), voided.isMember(eve.hex)]).toEqual([true, false]);
    // Not in a version that has not seen that.
    expect(start.names(eve.hex)).toBe(false);
  });
});

describe('the name of a group', () => {
  it('is the deepest one, of one depth that with the greatest id', () => {
    const start = led();
    const branches = ['a', 'b', 'c', 'd'].map((name, at) =>
      forge(start.groupId, [ann, bob, cid, ann][at] as Person, [last(start)], rename(name), at),
    );
    const greatest = branches.toSorted((a, b) => (idOf(a) < idOf(b) ? -1 : 1)).at(-1) as Uint8Array;
    const at = branches.indexOf(greatest);
    const log = start.apply(branches, ann.hex).log;
    expect(log.state.name).toBe(['a', 'b', 'c', 'd'][at]);
    expect(start.apply(branches.toReversed(), ann.hex).log.state.name).toBe(log.state.name);
    expect(act(log, bob, rename('deeper')).state.name).toBe('deeper');
  });
});

describe('who may do what, with the reason', () => {
  const start = led();
  const by = (author: Person, action: Parameters<typeof forge>[3], log = start) =>
    forge(log.groupId, author, [last(log)], action);

  it.each<[string, Person, Parameters<typeof forge>[3]]>([
    ['rename', dan, rename('x')],
    ['add', eve, add(eve)],
    ['leave', eve, leave],
    ['add', ann, add(bob)],
    ['remove', ann, remove(ann)],
    ['remove', ann, remove(eve)],
    ['promote', ann, promote(bob)],
    ['promote', ann, promote(eve)],
    ['promote', dan, promote(dan)],
    ['demote', ann, demote(dan)],
    ['demote', ann, demote(eve)],
    ['demote', ann, demote(bob, eve)],
    ['demote', ann, demote(ann, bob, cid)],
  ])('%s is not permitted', (kind, author, action) => {
    const change = by(author, action);
    expect(refusals(start, [change], ann)).toEqual([
      { id: idOf(change), code: 'NOT_PERMITTED', details: { what: kind } },
    ]);
    expect(() => start.parentsFor(author.hex, action)).toThrow(
      expect.objectContaining({ code: 'NOT_PERMITTED', details: { what: kind } }),
    );
  });

  it('all administrators but one may be demoted at once, and one may demote itself', () => {
    expect(show(act(start, ann, demote(bob, cid))).admins).toEqual(['ann']);
    expect(show(act(start, ann, demote(ann, cid))).admins).toEqual(['bob']);
    expect(show(act(act(start, ann, demote(bob, cid)), ann, promote(dan))).admins).toEqual(['ann', 'dan']);
  });

  it('a claim is for oneself alone, and of a group that no one leads', () => {
    const alone = act(act(create(ann, [bob]).log, ann, add(cid)), ann, leave);
    for (const action of [promote(bob, cid), promote(cid), rename('x'), demote(bob)]) {
      expect(refusals(alone, [by(bob, action, alone)], bob)).toMatchObject([{ code: 'NOT_PERMITTED' }]);
    }
    expect(refusals(alone, [by(cid, promote(cid), alone)], cid)).toMatchObject([{ code: 'NOT_PERMITTED' }]);
    expect([alone.mayClaim(bob.hex), alone.mayClaim(cid.hex), start.mayClaim(ann.hex)]).toEqual([
      true,
      false,
      false,
    ]);
    const claimed = act(alone, bob, promote(bob));
    expect([show(claimed).admins, claimed.mayClaim(bob.hex)]).toEqual([['bob'], false]);
  });

  it('a change of another group, or a second creation, is none of this one', () => {
    const other = create(bob, [ann], { salt: 7 });
    expect(refusals(start, [other.root], ann)).toEqual([
      {
        id: idOf(other.root),
        code: 'MALFORMED_MESSAGE',
        details: { what: 'Change', reason: 'of another group' },
      },
    ]);
  });

  it('what builds on a refused change is refused with it', () => {
    const bad = by(dan, rename('x'));
    const after = forge(start.groupId, ann, [idOf(bad)], rename('y'));
    expect(refusals(start, [after, bad], ann)).toEqual([
      { id: idOf(bad), code: 'NOT_PERMITTED', details: { what: 'rename' } },
      { id: idOf(after), code: 'NOT_PERMITTED', details: { what: 'rename' } },
    ]);
  });

  it('of a stranger nothing waits', () => {
    const change = forge(start.groupId, ann, ['ab'.repeat(32)], rename('x'));
    expect(refusals(start, [change], eve)).toEqual([
      { id: idOf(change), code: 'NOT_PERMITTED', details: { what: 'group changes' } },
    ]);
    expect(start.apply([change], eve.hex).pending).toEqual([]);
    const applied = start.apply([change], bob.hex);
    expect([applied.pending, applied.refused]).toEqual([[idOf(change)], []]);
    expect([applied.log.waiting, applied.log.waitingBytes]).toEqual([1, change.length]);
    // Of a group of which nothing is known yet, that of anyone does.
    const empty = GroupLog.empty(cheapCrypto, start.groupId);
    expect(empty.apply([change], eve.hex).pending).toEqual([idOf(change)]);
  });

  it('too many at once are refused from the first one too many, which is not read', () => {
    const few = led({ batch: 2 });
    const changes = [rename('a'), rename('b'), rename('c'), rename('d')].map((action) =>
      by(ann, action, few),
    );
    const applied = few.apply(changes, ann.hex);
    expect(applied.added).toHaveLength(2);
    expect(applied.refused).toMatchObject([
      { id: undefined, error: { details: { what: 'changes of a group at once', limit: 2, actual: 3 } } },
    ]);
    const unreadable = new Uint8Array(70_000);
    expect(few.apply([unreadable, changes[0]!], ann.hex)).toMatchObject({
      added: { length: 1 },
      refused: [{ id: undefined, error: { code: 'LIMIT_EXCEEDED' } }],
    });
  });
});

describe('what a batch comes to', () => {
  it('names the new changes with effect, those without, and earlier ones that lost theirs', () => {
    const start = led();
    const byCid = [rename('by cid'), add(eve)].reduce((log, action) => act(log, cid, action), start);
    const [renaming, adding] = byCid.changes().slice(-2).map(idOf) as [string, string];
    const removal = sign(start, ann, remove(cid));
    const applied = byCid.apply([removal], ann.hex);
    expect(applied.effective).toEqual([idOf(removal)]);
    expect(applied.void).toEqual([]);
    const common = { author: cid.hex, reason: 'authorRevoked', by: idOf(removal) };
    expect(applied.lost).toEqual([
      { ...common, id: renaming, kind: 'rename', names: [] },
      { ...common, id: adding, kind: 'add', names: [eve.hex] },
    ]);
    // The other way round they are void from the start.
    const late = start.apply([removal], ann.hex).log.apply(byCid.changes().slice(-2), cid.hex);
    expect(late.effective).toEqual([]);
    expect(late.lost).toEqual([]);
    expect(late.void).toEqual(applied.lost);
    expect(late.log.explain(renaming)).toEqual(applied.lost[0]);
    expect(late.log.explain(idOf(removal))).toBeUndefined();
    expect(late.log.explain('00')).toBeUndefined();
    expect(start.explain(renaming)).toBeUndefined();
  });

  it('says what a change rested on when that fell, and who was senior', () => {
    const start = led();
    const byBob = act(start, bob, promote(dan));
    const byDan = act(byBob, dan, rename('by dan'));
    const demotion = sign(start, ann, demote(bob));
    const { lost, log } = byDan.apply([demotion], ann.hex);
    expect(lost.map(({ kind, reason, by }) => [kind, reason, by === idOf(demotion)])).toEqual([
      ['promote', 'authorRevoked', true],
      ['rename', 'supportLost', true],
    ]);
    expect(show(log)).toMatchObject({ name: 'g', admins: ['ann', 'cid'] });
    const one = sign(start, bob, remove(ann));
    const other = sign(start, ann, remove(bob));
    const mutual = start.apply([one], bob.hex).log.apply([other], ann.hex);
    expect(mutual.lost).toMatchObject([{ id: idOf(one), by: idOf(other) }]);
    expect(show(mutual.log).members).toEqual(expect.not.arrayContaining(['bob']));
  });

  it('reports grants to people whom others revoke at the same time', () => {
    const start = led();
    const removal = act(start, ann, remove(dan));
    const promotion = sign(start, bob, promote(dan));
    const after = removal.apply([promotion], bob.hex);
    const expected = {
      id: idOf(promotion),
      author: bob.hex,
      kind: 'promote',
      names: [dan.hex],
      reason: 'subjectRevoked',
      by: last(removal),
    };
    expect(after.overruled).toEqual([expected]);
    expect(after.log.explainSubject(idOf(promotion), dan.hex)).toEqual(expected);
    expect(after.log.explainSubject(idOf(promotion), bob.hex)).toBeUndefined();
    expect(after.log.explainSubject('00', dan.hex)).toBeUndefined();
    // In the other order: the new one is the removal.
    const before = start.apply([promotion], bob.hex).log;
    expect(before.explainSubject(idOf(promotion), dan.hex)).toBeUndefined();
    const overruled = before.apply([removal.changes().at(-1)!], ann.hex);
    expect(overruled.overruled).toEqual([expected]);
    expect(overruled.lost).toEqual([]);
    // Once is enough.
    expect(act(after.log, ann, rename('x')).size).toBe(after.log.size + 1);
    expect(after.log.apply([sign(after.log, ann, rename('x'))], ann.hex).overruled).toEqual([]);
  });

  it('a demotion overrules a promotion, and no addition', () => {
    const start = act(led(), ann, promote(dan));
    const demoted = act(start, ann, demote(dan));
    const again = forge(start.groupId, bob, [last(start)], rename('x'));
    expect(demoted.apply([again], bob.hex).overruled).toEqual([]);
    const added = create(ann, [bob]).log;
    const two = act(added, ann, promote(bob));
    const addition = act(two, ann, add(eve));
    const later = act(addition, ann, promote(eve));
    const demotion = sign(later, bob, demote(eve));
    const side = forge(later.groupId, ann, [last(later)], rename('y'));
    const { overruled } = later.apply([side], ann.hex).log.apply([demotion], bob.hex);
    expect(overruled).toEqual([]);
  });

  it('grants and revocations of the same people are reported only where both have effect', () => {
    const start = led();
    const by = (author: Person, action: Parameters<typeof forge>[3], on = [last(start)]) =>
      forge(start.groupId, author, on, action);
    const promotion = by(bob, promote(dan));
    const removal = by(ann, remove(dan));
    // The promotion has none: Ann removes Bob.
    const one = start.apply([promotion, removal, by(ann, remove(bob))], ann.hex);
    expect([one.overruled, one.void.map(({ id }) => id)]).toEqual([[], [idOf(promotion)]]);
    // The removal has none: Ann removes Cid.
    const byCid = by(cid, remove(dan));
    const other = start.apply([promotion, byCid, by(ann, remove(cid))], ann.hex);
    expect([other.overruled, other.void.map(({ id }) => id)]).toEqual([[], [idOf(byCid)]]);
    // One of two whom a change names is reported alone, and what comes later not at all.
    const both = by(bob, add(eve, person('fay')));
    const added = start.apply([both], bob.hex).log;
    const after = act(added, ann, remove(eve));
    expect(after.apply([sign(after, bob, rename('x'))], bob.hex).overruled).toEqual([]);
    const twice = by(ann, add(eve));
    const out = forge(start.groupId, cid, [idOf(both)], remove(eve));
    const met = added.apply([out], cid.hex).log.apply([twice], ann.hex);
    expect(met.overruled).toMatchObject([
      { id: idOf(twice), names: [eve.hex], by: idOf(out), reason: 'subjectRevoked' },
    ]);
    expect(met.log.isMember(eve.hex)).toBe(false);
    expect(met.log.explainSubject(idOf(twice), eve.hex)).toEqual(met.overruled[0]);
    // Not by what has no effect, and not by what the grant knew of.
    expect(other.log.explainSubject(idOf(promotion), dan.hex)).toBeUndefined();
    const back = act(act(start, ann, remove(dan)), ann, add(dan));
    expect(back.explainSubject(last(back), dan.hex)).toBeUndefined();
  });

  it('of a demotion an addition at the same time is not overruled, and a promotion is', () => {
    const start = act(act(led(), ann, add(eve)), ann, promote(eve));
    const demotion = forge(start.groupId, cid, [last(start)], demote(eve));
    const [, , , addition] = start.changes() as Uint8Array[];
    const before = idOf(led().changes().at(-1) as Uint8Array);
    const again = forge(start.groupId, bob, [before], add(eve));
    const promotion = forge(start.groupId, bob, [idOf(addition as Uint8Array)], promote(eve));
    const demoted = start.apply([demotion], cid.hex).log;
    expect(demoted.apply([again], bob.hex).overruled).toEqual([]);
    const applied = demoted.apply([again, promotion], bob.hex);
    expect(applied.overruled).toMatchObject([{ id: idOf(promotion), by: idOf(demotion) }]);
    const { log } = applied;
    expect(log.explainSubject(idOf(promotion), eve.hex)).toMatchObject({
      reason: 'subjectRevoked',
      by: idOf(demotion),
    });
    for (const change of [again, addition as Uint8Array]) {
      expect(log.explainSubject(idOf(change), eve.hex)).toBeUndefined();
    }
    expect(log.isMember(eve.hex)).toBe(true);
    expect(log.isAdmin(eve.hex)).toBe(false);
    // What has no effect has none on anyone, and nobody is concerned whom a change doesn't name.
    const removed = log.apply([forge(start.groupId, ann, [before], remove(bob))], ann.hex).log;
    for (const whom of [eve, dan]) {
      expect(removed.explainSubject(idOf(promotion), whom.hex)).toEqual(removed.explain(idOf(promotion)));
    }
    expect(removed.explain(idOf(promotion))).toMatchObject({ reason: 'authorRevoked' });
    const side = forge(start.groupId, cid, [before], rename('side'));
    const out = act(log.apply([side], cid.hex).log, ann, remove(dan));
    expect(out.explainSubject(idOf(side), dan.hex)).toBeUndefined();
  });

  it('comes to nothing where nothing was new, and says so', () => {
    const start = led();
    const nothing = { added: [], evicted: [], effective: [], void: [], lost: [], overruled: [] };
    const { log, ...outcome } = start.apply(start.changes(), ann.hex);
    expect(outcome).toEqual({ ...nothing, pending: [], refused: [] });
    expect(log.changes()).toEqual(start.changes());
    const { log: next, ...one } = log.apply([sign(log, ann, rename('x'))], ann.hex);
    expect(one).toMatchObject({ pending: [], refused: [], void: [], lost: [], overruled: [], evicted: [] });
    expect(next.size).toBe(log.size + 1);
  });

  it('an error of the primitives is passed on, and is no refusal', () => {
    const broken: typeof cheapCrypto = {
      ...cheapCrypto,
      secp256k1: {
        ...cheapCrypto.secp256k1,
        recoverPublicKey: () => {
          throw new RangeError('broken');
        },
      },
    };
    const start = led();
    const log = GroupLog.open(broken, start.groupId, start.stored());
    expect(() => log.apply([sign(start, ann, rename('x'))], ann.hex)).toThrow('broken');
  });

  it('knows of which of several changes of someone another one did not know', () => {
    const start = act(led(), bob, rename('before'));
    const byCid = sign(start, cid, rename('by cid'));
    const both = act(start, bob, rename('beside')).apply([byCid], cid.hex).log;
    expect(both.isConcurrent(idOf(byCid), bob.hex)).toBe(true);
  });

  it('knows who made changes at the same time', () => {
    const start = led();
    const byBob = act(start, bob, rename('b'));
    const byCid = sign(start, cid, rename('c'));
    const both = byBob.apply([byCid], cid.hex).log;
    expect(both.isConcurrent(idOf(byCid), bob.hex)).toBe(true);
    expect(both.isConcurrent(idOf(byCid), cid.hex)).toBe(false);
    expect(both.isConcurrent(idOf(byCid), ann.hex)).toBe(false);
    expect(both.isConcurrent('00', bob.hex)).toBe(false);
    expect(start.isConcurrent(idOf(byCid), bob.hex)).toBe(false);
    // What Bob does with knowledge of it is not at the same time.
    const after = act(act(start, ann, rename('a')), bob, rename('b'));
    expect(after.isConcurrent(after.changes().map(idOf).at(-2) as string, bob.hex)).toBe(false);
    expect(after.isConcurrent(last(after), ann.hex)).toBe(false);
    // Without effect it does not count.
    const removed = merge(both, act(start, ann, remove(bob)));
    expect(removed.isConcurrent(idOf(byCid), bob.hex)).toBe(false);
  });
});

describe('who was excluded', () => {
  it('by a removal, by leaving, or by what voided its addition', () => {
    const start = led();
    expect(act(start, ann, remove(dan)).exclusionOf(dan.hex)).toBe(last(act(start, ann, remove(dan))));
    const left = act(start, dan, leave);
    expect(left.exclusionOf(dan.hex)).toBe(last(left));
    expect(act(start, ann, demote(bob)).exclusionOf(bob.hex)).toBeUndefined();
    const byBob = act(start, bob, add(eve));
    const without = act(start, ann, remove(bob));
    const voided = merge(byBob, without);
    expect(voided.exclusionOf(eve.hex)).toBe(last(without));
    expect(start.exclusionOf(eve.hex)).toBeUndefined();
    // After it was added again it is not any more, and after another removal that one counts.
    const back = act(act(start, ann, remove(dan)), ann, add(dan));
    expect(back.exclusionOf(dan.hex)).toBeUndefined();
    const again = act(back, ann, remove(dan));
    expect(again.exclusionOf(dan.hex)).toBe(last(again));
    // By what has effect, and takes membership: not what came later in vain, or only demoted.
    const leading = act(start, ann, promote(dan));
    const on = [last(leading)];
    const removal = forge(start.groupId, bob, on, remove(dan));
    const demotion = forge(start.groupId, ann, on, demote(dan));
    const inVain = forge(start.groupId, cid, on, remove(dan));
    const ofCid = forge(start.groupId, ann, on, remove(cid));
    const gone = [removal, ofCid, demotion, inVain].reduce(
      (log, one) => log.apply([one], ann.hex).log,
      leading,
    );
    expect(gone.explain(idOf(inVain))).toMatchObject({ reason: 'authorRevoked' });
    expect(gone.exclusionOf(dan.hex)).toBe(idOf(removal));
    expect(() => start.closureOf('ab')).toThrow(
      expect.objectContaining({ details: { what: 'group change', id: 'ab' } }),
    );
  });
});

describe('parents of a change', () => {
  it('are all effective heads, sixteen at most, and one of each author first', () => {
    const start = led();
    const { groupId } = start;
    const byCid = Array.from({ length: 20 }, (_, at) => forge(groupId, cid, [last(start)], rename(`c${at}`)));
    const byBob = forge(groupId, bob, [last(start)], rename('b'));
    const log = start.apply(byCid, cid.hex).log.apply([byBob], bob.hex).log;
    const parents = log.parentsFor(ann.hex, rename('x'));
    expect(parents).toHaveLength(16);
    expect(parents).toContain(idOf(byBob));
    expect(parents).toEqual(parents.toSorted());
    expect(start.parentsFor(ann.hex, rename('x'))).toEqual([last(start)]);
    // Those of whom it removes come last.
    const removal = log.parentsFor(ann.hex, remove(cid));
    expect(removal).toContain(idOf(byBob));
    expect(show(act(log, ann, remove(cid))).members).not.toContain('cid');
  });

  it('hold what gives the author and those named their roles', () => {
    const { log } = create(ann, [bob, cid]);
    const promoted = act(log, ann, promote(bob));
    const junk = Array.from({ length: 30 }, (_, at) =>
      forge(log.groupId, ann, [log.groupId], rename(`j${at}`)),
    );
    const flooded = promoted.apply(junk, ann.hex).log;
    const parents = flooded.parentsFor(bob.hex, demote(ann));
    expect(parents).toContain(last(promoted));
    expect(show(act(flooded, bob, demote(ann))).admins).toEqual(['bob']);
    const added = act(flooded, ann, add(dan));
    expect(show(act(added, bob, remove(dan))).members).not.toContain('dan');
  });
});

describe('limits of what a device keeps, with their reasons', () => {
  it('too many heads, changes, revocations and leavings of one author', () => {
    const start = led({ looseHeads: 3, looseRevocations: 2, looseLeaves: 1 });
    const { groupId } = start;
    const head = [last(start)];
    const heads = Array.from({ length: 5 }, (_, at) => forge(groupId, cid, head, rename(`h${at}`)));
    const detailsOf = (changes: readonly Uint8Array[], sender: Person, log = start) =>
      refusals(log, changes, sender).map(({ details }) => details);
    const what = 'changes of one author side by side';
    expect(detailsOf(heads, cid)).toEqual([
      { what, limit: 3, actual: 4 },
      { what, limit: 3, actual: 5 },
    ]);
    const more = act(act(start, ann, add(eve, ...['f', 'g', 'h'].map(person))), bob, rename('built on'));
    const removals = ['eve', 'f', 'g', 'h'].map((name) =>
      forge(groupId, cid, [last(more)], remove(person(name))),
    );
    const kept = more.apply(removals, cid.hex);
    expect(kept.effective).toHaveLength(2);
    expect(kept.refused.map(({ error }) => error.details)).toMatchObject([
      { what, limit: 2 },
      { what, limit: 2 },
    ]);
    const leavings = [0, 1, 2].map((time) => forge(groupId, dan, head, leave, time));
    expect(start.apply(leavings, dan.hex).effective).toHaveLength(1);
  });

  it('bytes of one author on which no one has built', () => {
    const start = led({ looseBytes: 1500 });
    let log = start;
    for (let at = 0; at < 4; at++) log = act(log, cid, rename(`${at}${'n'.repeat(150)}`));
    const over = sign(log, cid, rename(`4${'n'.repeat(150)}`));
    expect(refusals(log, [over], cid)).toMatchObject([{ code: 'LIMIT_EXCEEDED' }]);
    // Once someone else has built on them, there is room again.
    const next = act(log, ann, rename('a'));
    expect(act(next, cid, rename('c')).state.name).toBe('c');
  });

  it('changes without effect, and those of ghosts', () => {
    const start = led({ voidChanges: 2 });
    const out = act(start, ann, remove(cid));
    const late = Array.from({ length: 4 }, (_, at) =>
      forge(start.groupId, cid, [last(start)], rename(`l${at}`)),
    );
    const applied = out.apply(late, cid.hex);
    expect(applied.void).toHaveLength(2);
    expect(applied.refused.map(({ error }) => error.details)).toEqual([
      { what: 'changes without effect', limit: 2, actual: 3 },
      { what: 'changes without effect', limit: 2, actual: 3 },
    ]);
    const adding = forge(start.groupId, cid, [last(start)], add(eve));
    const haunting = forge(start.groupId, eve, [idOf(adding)], leave);
    const ghost = out.apply([adding, haunting], cid.hex);
    expect(ghost.refused).toMatchObject([
      { id: idOf(haunting), error: { code: 'NOT_PERMITTED', details: { what: 'leave' } } },
    ]);
    expect(ghost.void.map(({ id }) => id)).toEqual([idOf(adding)]);
  });

  it('a full log', () => {
    const limits = { changes: 6, reservedChanges: 2 };
    let log = led(limits);
    for (let at = 0; at < 3; at++) log = act(log, ann, rename(`n${at}`));
    expect(log.size).toBe(6);
    const one = sign(log, bob, rename('x'));
    expect(refusals(log, [one], bob)).toEqual([
      { id: idOf(one), code: 'LIMIT_EXCEEDED', details: { what: 'changes of a group', limit: 6, actual: 7 } },
    ]);
    log = act(log, bob, remove(dan));
    log = act(log, bob, demote(cid));
    expect(log.size).toBe(8);
    expect(log.apply([sign(log, bob, remove(cid))], bob.hex)).toMatchObject({
      added: [],
      refused: [{ error: { code: 'LIMIT_EXCEEDED' } }],
    });
  });

  it('of a full log what has no effect goes first', () => {
    let log = led({ changes: 5 });
    const late = forge(log.groupId, cid, [last(log)], rename('late'));
    log = act(log, ann, remove(cid));
    log = log.apply([late], cid.hex).log;
    expect(log.size).toBe(5);
    const applied = log.apply([sign(log, ann, rename('room'))], ann.hex);
    expect(applied.evicted).toEqual([4]);
    expect(applied.log.state.name).toBe('room');
    expect(applied.log.has(idOf(late))).toBe(false);
    expect(hashOf(applied.log)).not.toBe(hashOf(log));
  });

  it('waiting changes of a sender', () => {
    const start = led({ orphansOfSender: 2 });
    const waiting = [0, 1, 2].map((at) => forge(start.groupId, ann, ['ab'.repeat(32)], rename(`w${at}`)));
    const applied = start.apply(waiting, bob.hex);
    expect(applied.pending).toHaveLength(2);
    expect(applied.refused.map(({ error }) => error.details)).toEqual([
      { what: 'waiting changes of one sender', limit: 2, actual: 3 },
    ]);
  });
});
