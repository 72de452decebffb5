import { expect, it } from 'vitest';
import { AUTHOR_NAMES_MAX, AUTHOR_REVOCATIONS_MAX } from '../src/index.js';
import { act, add, create, demote, type Person, people, person, promote, remove } from './world.js';

const [ann, bob, cid, dan] = people('ann', 'bob', 'cid', 'dan') as [Person, Person, Person, Person];
const crowd = Array.from({ length: 999 }, (_, at) => person(`m${at}`));

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
