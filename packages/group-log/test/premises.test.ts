import { expect, it } from 'vitest';
import {
  add,
  create,
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
} from './world.js';

const everyone = people('ann', 'bob', 'cid', 'dan', 'eve', 'fay');
const [ann, bob, cid, dan, eve, fay] = everyone as [Person, Person, Person, Person, Person, Person];

it('are the same for everyone, in whatever order the revocations came that void an addition', () => {
  const { log: empty, root } = create(ann, [bob, cid, dan, fay]);
  const by = (author: Person, parents: readonly Uint8Array[], action: Parameters<typeof forge>[3]) =>
    forge(empty.groupId, author, parents.map(idOf).toSorted(), action);
  const promoted = by(ann, [root], promote(bob));
  // Bob promotes Fay, and adds and promotes Eve; Ann and Cid, whom she promotes a little later, both remove Bob. Ann knows of Fay.
  const ofFay = by(bob, [promoted], promote(fay));
  const ofEve = by(bob, [promoted], add(eve));
  const ofEveToo = by(bob, [ofEve], promote(eve));
  const named = by(ann, [promoted], rename('late'));
  const ofCid = by(ann, [named], promote(cid));
  const byAnn = by(ann, [ofFay], remove(bob));
  const byCid = by(cid, [ofCid], remove(bob));
  const cidLeaves = by(cid, [byAnn, byCid], leave);
  const annLeaves = by(ann, [cidLeaves], leave);
  // The eldest member who is left claims the group, and builds on what has no effect, as no honest device does.
  expect(dan.hex < fay.hex).toBe(true);
  const claim = by(dan, [annLeaves, ofEveToo], promote(dan));
  const before = [promoted, ofFay, ofEve, ofEveToo, named, ofCid];
  const [one, other] = [
    [byAnn, byCid],
    [byCid, byAnn],
  ].map((removals) => {
    const all = [...before, ...removals, cidLeaves, annLeaves, claim];
    return all.reduce((log, change) => log.apply([change], ann.hex).log, empty);
  }) as [typeof empty, typeof empty];
  expect(namesIn(one, everyone).admins).toEqual(['dan']);
  expect(hashOf(other)).toBe(hashOf(one));
  // Fay, who is more senior than Cid by Bob's promotion, had removed him: so Cid's removal of Bob is void, and Ann's is not.
  const late = by(fay, [ofFay], remove(cid));
  const [a, b] = [one, other].map((log) => log.apply([late], fay.hex).log) as [typeof empty, typeof empty];
  expect([byAnn, byCid, late].map((change) => a.explain(idOf(change))?.reason)).toEqual([
    undefined,
    'authorRevoked',
    undefined,
  ]);
  expect(namesIn(a, everyone)).toEqual(namesIn(b, everyone));
  expect(hashOf(a)).toBe(hashOf(b));
});
