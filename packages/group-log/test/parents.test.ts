import { describe, expect, it } from 'vitest';
import type { GroupLog } from '../src/index.js';
import {
  act,
  add,
  create,
  demote,
  forge,
  hashOf,
  idOf,
  namesIn,
  type Person,
  people,
  promote,
  remove,
  rename,
  sign,
} from './world.js';

/*
 * More heads than a change has parents: which ones it builds on matters. Seventeen administrators have made a change each, at the same
 * time as all that follows, so that by itself nobody builds on what came after these.
 */
const named = people('ann', 'bob', 'cid', 'dan', 'eve', 'uma', 'vic', 'xia', 'yan', 'zed');
const [ann, bob, cid, dan, eve, uma, vic, xia, yan, zed] = named as [
  Person,
  Person,
  Person,
  Person,
  Person,
  Person,
  Person,
  Person,
  Person,
  Person,
];
type Action = Parameters<typeof forge>[3];

const crowd = people(...Array.from({ length: 17 }, (_, at) => `q${at}`));
const { log: created } = create(ann, [bob, cid, dan, xia, yan, zed, vic, uma, ...crowd]);
// Bob is more senior than all but Ann, and Cid was out for a while. Dan and Yan are plain members, and Eve is none yet.
const base = (
  [promote(bob), remove(cid), add(cid), promote(cid, zed, vic, uma, ...crowd)] satisfies readonly Action[]
).reduce((log: GroupLog, action) => act(log, ann, action), created);
const start = idOf(base.changes().at(-1) as Uint8Array);
const { groupId } = base;
const by = (author: Person, on: readonly (string | Uint8Array)[], action: Action) =>
  forge(groupId, author, on.map((one) => (typeof one === 'string' ? one : idOf(one))).toSorted(), action);
const noise = crowd.map((one) => by(one, [start], rename(one.name)));
const crowded = base.apply(noise, ann.hex).log;
const withAll = (...changes: readonly Uint8Array[]) => {
  const applied = crowded.apply(changes, ann.hex);
  expect(applied.refused).toEqual([]);
  return applied.log;
};
/** What an honest device makes of it. */
const acts = (log: GroupLog, author: Person, action: Action) => {
  const change = sign(log, author, action);
  const applied = log.apply([change], author.hex);
  expect(applied.effective).toEqual([idOf(change)]);
  const parents = log.parentsFor(author.hex, action);
  expect(parents.length).toBe(16);
  return { after: applied.log, lost: applied.lost, parents };
};

describe('a change with more heads than parents builds on', () => {
  it('what gives its author its role', () => {
    const promotion = by(ann, [start], promote(yan));
    const log = withAll(promotion);
    expect(acts(log, yan, rename('by yan')).parents).toContain(idOf(promotion));
    // Not that of others.
    expect(log.parentsFor(zed.hex, rename('by zed'))).not.toContain(idOf(promotion));
  });

  it('what gives those whom it names theirs', () => {
    const promotion = by(ann, [start], promote(yan));
    const adding = by(ann, [start], add(eve));
    const log = withAll(promotion, adding);
    expect(acts(log, zed, demote(yan)).parents).toContain(idOf(promotion));
    for (const action of [remove(eve), promote(eve)]) {
      const { parents } = acts(log, zed, action);
      expect(parents).toContain(idOf(adding));
      expect(parents).not.toContain(idOf(promotion));
    }
  });

  it('what those whom it removes or demotes have revoked', () => {
    const removal = by(uma, [start], remove(dan));
    const log = withAll(removal);
    for (const action of [remove(uma), demote(uma)]) {
      const { after, parents, lost } = acts(log, cid, action);
      expect(parents).toContain(idOf(removal));
      expect(lost).toEqual([]);
      expect(after.isMember(dan.hex)).toBe(false);
    }
    expect(log.parentsFor(cid.hex, promote(yan))).not.toContain(idOf(removal));
  });

  it('what voids revocations of its author', () => {
    // Zed promotes Yan, who removes Bob, who had removed Cid at the same time. Cid removes Zed.
    const promotion = by(zed, [start], promote(yan));
    const guard = by(yan, [promotion], remove(bob));
    const threat = by(bob, [start], remove(cid));
    const log = withAll(promotion, guard, threat);
    expect(log.explain(idOf(threat))).toMatchObject({ reason: 'authorRevoked', by: idOf(guard) });
    const { after, parents } = acts(log, cid, remove(zed));
    expect(parents).toContain(idOf(guard));
    expect([bob, cid, zed].map(({ hex }) => after.isMember(hex))).toEqual([false, true, false]);
  });

  it('what that rests on in turn', () => {
    // As before, and Zed was removed at the same time by Uma, in vain, since Xia removed her, whom Vic had promoted. Cid removes Vic.
    const ofXia = by(vic, [start], promote(xia));
    const deeper = by(xia, [ofXia], remove(uma));
    const onZed = by(uma, [start], remove(zed));
    const ofYan = by(zed, [start], promote(yan));
    const guard = by(yan, [ofYan], remove(bob));
    const threat = by(bob, [start], remove(cid));
    const log = withAll(ofXia, deeper, onZed, ofYan, guard, threat);
    expect(log.explain(idOf(onZed))).toMatchObject({ by: idOf(deeper) });
    const { after, parents } = acts(log, cid, remove(vic));
    expect(parents).toEqual(expect.arrayContaining([guard, deeper].map(idOf)));
    expect([bob, uma, vic].map(({ hex }) => after.isMember(hex))).toEqual([false, false, false]);
    expect([cid, zed, xia, yan].map(({ hex }) => after.isMember(hex))).toEqual([true, true, true, true]);
  });

  it('what voids revocations of whom its author was promoted by', () => {
    const ofXia = by(vic, [start], promote(xia));
    const deeper = by(xia, [ofXia], remove(uma));
    const onZed = by(uma, [start], remove(zed));
    const ofYan = by(zed, [start], promote(yan));
    const log = withAll(ofXia, deeper, onZed, ofYan);
    const { after, parents } = acts(log, yan, remove(vic));
    expect(parents).toEqual(expect.arrayContaining([ofYan, deeper].map(idOf)));
    expect([uma, vic].map(({ hex }) => after.isMember(hex))).toEqual([false, false]);
    expect([yan, zed].map(({ hex }) => after.isAdmin(hex))).toEqual([true, true]);
  });

  it('as much of what it needs as sixteen parents reach, or is not made', () => {
    const guests = people(...Array.from({ length: 17 }, (_, at) => `guest ${at}`));
    const log = withAll(...guests.map((one) => by(ann, [start], add(one))));
    expect(() => log.parentsFor(bob.hex, remove(...guests))).toThrow(
      expect.objectContaining({ code: 'NOT_PERMITTED' }),
    );
    const { after } = acts(log, bob, remove(...guests.slice(0, 14)));
    expect(guests.map(({ hex }) => after.isMember(hex))).toEqual(guests.map((_, at) => at >= 14));
  });

  it('what voids revocations on which some of these heads build', () => {
    // Cid removes Dan, and someone of the crowd, who is not told in time, builds on that. Ann had removed Cid.
    const vain = by(cid, [start], remove(dan));
    const [first, ...others] = crowd as [Person, ...Person[]];
    const onIt = by(first, [vain], rename('on it'));
    const removal = by(ann, [start], remove(cid));
    const log = base.apply(
      [vain, onIt, ...others.map((one) => by(one, [start], rename(one.name))), removal],
      ann.hex,
    ).log;
    expect(log.explain(idOf(vain))).toMatchObject({ reason: 'authorRevoked', by: idOf(removal) });
    const { after, parents } = acts(log, bob, promote(dan));
    expect(parents).toEqual(expect.arrayContaining([onIt, removal].map(idOf)));
    expect(after.isAdmin(dan.hex)).toBe(true);
  });

  it('what voids grants on which some of these heads build, so that it rests on none of them', () => {
    // Ann promotes Dan, and someone of the crowd builds on that; Bob had removed Ann. Zed promotes Dan as well.
    const vain = by(ann, [start], promote(dan));
    const [first, ...others] = crowd as [Person, ...Person[]];
    const onIt = by(first, [vain], rename('on it'));
    const removal = by(bob, [start], remove(ann));
    const promotion = by(zed, [start], promote(dan));
    const log = base.apply(
      [vain, onIt, ...others.map((one) => by(one, [start], rename(one.name))), promotion, removal],
      ann.hex,
    ).log;
    expect(log.explain(idOf(vain))).toMatchObject({ reason: 'authorRevoked', by: idOf(removal) });
    const { parents } = acts(log, dan, rename('by dan'));
    expect(parents).toEqual(expect.arrayContaining([onIt, promotion, removal].map(idOf)));
  });

  it('revocations that seniority decided, with or without effect', () => {
    const [one, other] = [by(zed, [start], remove(vic)), by(vic, [start], remove(zed))];
    const log = withAll(one, other);
    const { after, parents } = acts(log, bob, rename('x'));
    expect(parents).toEqual(expect.arrayContaining([one, other].map(idOf)));
    expect(after.isMember(zed.hex)).not.toBe(after.isMember(vic.hex));
    expect(after.isMember(zed.hex)).toBe(log.isMember(zed.hex));
  });

  it('one head of each author first, then a second of each', () => {
    // Twenty more of the first one of the crowd, and one of Uma, who comes last.
    const more = Array.from({ length: 20 }, (_, at) => by(uma, [start], rename(`more ${at}`)));
    const few = crowd.slice(0, 5);
    const heads = few.map((one) => by(one, [start], rename(one.name)));
    const log = base.apply([...more, ...heads], ann.hex).log;
    const parents = log.parentsFor(bob.hex, rename('x'));
    expect(parents).toHaveLength(16);
    expect(parents).toEqual(expect.arrayContaining(heads.map(idOf)));
    expect(parents.filter((id) => more.map(idOf).includes(id))).toEqual(
      more.map(idOf).slice(0, 11).toSorted(),
    );
    // Of whom it removes last of all, however few these are.
    const [target] = few as [Person];
    const last = log.parentsFor(bob.hex, remove(target));
    expect(last).not.toContain(idOf(heads[0] as Uint8Array));
    expect(last.filter((id) => more.map(idOf).includes(id))).toHaveLength(12);
    expect(log.parentsFor(bob.hex, promote(yan))).toContain(idOf(heads[0] as Uint8Array));
  });
});

describe('an older version of a log', () => {
  it('is as it was, whatever a newer one has added to the same records', () => {
    const { log } = create(ann, [bob, cid]);
    const old = act(log, ann, promote(bob));
    const before = {
      state: old.state,
      parents: old.parentsFor(bob.hex, rename('x')),
      changes: old.changes(),
      size: old.size,
      bytes: old.bytes,
      hash: hashOf(old),
    };
    const next = act(act(act(old, bob, add(eve)), ann, remove(bob)), ann, rename('next'));
    expect(next.size).toBe(old.size + 3);
    expect(namesIn(next, named)).toMatchObject({ name: 'next', members: ['ann', 'cid', 'eve'] });
    const after = {
      state: old.state,
      parents: old.parentsFor(bob.hex, rename('x')),
      changes: old.changes(),
      size: old.size,
      bytes: old.bytes,
      hash: hashOf(old),
    };
    expect(after).toEqual(before);
    expect(old.stored()).toHaveLength(old.size);
    expect([old.exclusionOf(eve.hex), old.exclusionOf(bob.hex), old.names(eve.hex)]).toEqual([
      undefined,
      undefined,
      false,
    ]);
    const ids = next.changes().map(idOf);
    expect(ids.map((id) => old.has(id))).toEqual(ids.map((_, at) => at < old.size));
    expect(old.isConcurrent(ids.at(-1) as string, bob.hex)).toBe(false);
  });
});
