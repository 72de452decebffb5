import { expect, it } from 'vitest';
import {
  AUTHOR_CHANGES_MAX,
  AUTHOR_NAMES_MAX,
  AUTHOR_REVOCATIONS_MAX,
  DEFAULT_GROUP_LOG_LIMITS,
  type GroupLog,
  parseChange,
} from '../src/index.js';
import {
  act,
  add,
  cheapCrypto,
  create,
  demote,
  forge,
  hashOf,
  idOf,
  type Person,
  people,
  person,
  promote,
  remove,
  rename,
  sign,
} from './world.js';

// Thousands of changes. shares.test.ts has the same caps, one by one and fast.
const [ann, bob, cid, dan] = people('ann', 'bob', 'cid', 'dan') as [Person, Person, Person, Person];
const crowd = Array.from({ length: 999 }, (_, at) => person(`m${at}`));
const last = (log: GroupLog) => idOf(log.changes().at(-1) as Uint8Array);
const renamed = (log: GroupLog, who: Person, times: number) => {
  let next = log;
  for (let at = 0; at < times; at++) next = act(next, who, rename(`n${at}`));
  return next;
};

function led() {
  const { log } = create(ann, [bob, cid, dan]);
  return act(act(log, ann, promote(bob)), ann, promote(cid));
}

it('one author may add so many identities, and revoke so often', () => {
  let log = create(ann, []).log;
  for (let round = 0; round < Math.floor(AUTHOR_NAMES_MAX / 999); round++) {
    const some = crowd.slice(0, 999);
    log = act(act(log, ann, add(...some)), ann, remove(...some));
  }
  const some = crowd.slice(0, 200);
  expect(() => log.parentsFor(ann.hex, add(...some))).toThrow(
    expect.objectContaining({ code: 'LIMIT_EXCEEDED' }),
  );
  let duel = led();
  for (let round = 0; round < AUTHOR_REVOCATIONS_MAX; round++) {
    duel = act(duel, ann, demote(cid));
    if (round < AUTHOR_REVOCATIONS_MAX - 1) duel = act(duel, ann, promote(cid));
  }
  expect(() => duel.parentsFor(ann.hex, remove(dan))).toThrow(
    expect.objectContaining({ code: 'LIMIT_EXCEEDED' }),
  );
  expect(act(duel, bob, remove(dan)).isMember(dan.hex)).toBe(false);
});

it('an administrator at the cap of changes can still put someone out, and others can do everything', () => {
  const log = renamed(led(), bob, AUTHOR_CHANGES_MAX);
  expect(() => log.parentsFor(bob.hex, rename('one more'))).toThrow(
    expect.objectContaining({ code: 'LIMIT_EXCEEDED' }),
  );
  const without = act(log, bob, remove(cid));
  expect(without.isMember(cid.hex)).toBe(false);
  expect(act(without, ann, rename('still going')).state.name).toBe('still going');
});

it('1,000 heads of an administrator: 64 are kept, and the others go on as if nothing were', () => {
  const start = led();
  const flood = Array.from({ length: 1000 }, (_, at) =>
    forge(start.groupId, cid, [last(start)], rename(`f${at}`)),
  );
  const flooded = start.apply(flood, cid.hex);
  expect(flooded.effective).toHaveLength(DEFAULT_GROUP_LOG_LIMITS.looseHeads);
  const more = Array.from({ length: 50 }, (_, at) =>
    forge(start.groupId, cid, [last(start)], rename(`g${at}`)),
  );
  expect(flooded.log.apply(more, cid.hex).added).toEqual([]);
  const change = sign(flooded.log, ann, rename('clean'));
  expect(parseChange(cheapCrypto, change).parents.length).toBeLessThanOrEqual(16);
  expect(change.length).toBeLessThan(1024);
  const out = act(flooded.log, ann, remove(cid));
  expect(out.apply(more, cid.hex).effective).toEqual([]);
  // Someone who got other ones takes those that hers builds on.
  const elsewhere = start.apply(more, cid.hex).log;
  const healed = elsewhere.apply(out.changes(), ann.hex).log;
  expect(hashOf(healed)).toBe(hashOf(out));
});

it('what one author may have is counted among the ancestors of its change: other branches do not matter', () => {
  let log = act(create(ann, [bob]).log, ann, promote(bob));
  const start = last(log);
  for (let at = 0; at < AUTHOR_CHANGES_MAX; at++) log = act(log, bob, rename(`n${at}`));
  log = act(log, ann, rename('built on it'));
  const refused = log.apply([forge(log.groupId, bob, [last(log)], rename('one more'))], bob.hex).refused;
  expect(refused.map(({ error }) => error.details)).toEqual([
    { what: 'changes of a group by one author', limit: AUTHOR_CHANGES_MAX, actual: AUTHOR_CHANGES_MAX + 1 },
  ]);
  const aside = forge(log.groupId, bob, [start], rename('aside'));
  expect(log.apply([aside], bob.hex).effective).toEqual([idOf(aside)]);
});
