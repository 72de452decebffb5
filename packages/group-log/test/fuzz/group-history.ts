import { encodeHex } from '@sotto/core';
import { attempt, Decisions, demand, type FuzzTarget } from '@sotto/testing/fuzz';
import { GroupLog } from '../../src/index.js';
import {
  add,
  cheapCrypto,
  create,
  demote,
  forge,
  idOf,
  leave,
  people,
  promote,
  remove,
  rename,
  sign,
} from '../world.js';

const everyone = people('ann', 'bob', 'cy', 'dee', 'eve');
const ACTIONS = [add, remove, promote, demote];

/** Members who sign whatever they like on whatever parents, received by two devices in two orders. */
export default {
  about: 'histories of groups: changes on any parents, by anyone, in any order',
  *seeds() {
    yield Uint8Array.of(0, 0, 0, 1, 1, 0, 1, 2, 2, 1, 0, 3, 3, 2, 0, 0, 4, 0, 1, 1);
    yield Uint8Array.of(
      1,
      2,
      3,
      4,
      5,
      6,
      7,
      8,
      9,
      10,
      11,
      12,
      13,
      14,
      15,
      16,
      17,
      18,
      19,
      20,
      21,
      22,
      23,
      24,
    );
  },
  run(data) {
    const decisions = new Decisions(data);
    const someone = () => everyone[decisions.below(everyone.length)] as (typeof everyone)[number];
    const founder = someone();
    const { log, root } = create(
      founder,
      [someone(), someone()].filter((one) => one !== founder).slice(0, 1),
    );
    const changes = [root];
    while (!decisions.isAtEnd && changes.length < 24) {
      const change = attempt(() => {
        const which = decisions.below(ACTIONS.length + 2);
        const make = ACTIONS[which];
        const action = make === undefined ? (which % 2 === 0 ? leave : rename('other')) : make(someone());
        const parents = [decisions.byte(), decisions.byte()].map((pick) =>
          idOf(changes[pick % changes.length] as Uint8Array),
        );
        return forge(log.groupId, someone(), [...new Set(parents)].sort(), action, decisions.below(4));
      });
      if (change !== undefined) changes.push(change);
    }
    const one = received(log, changes, founder.hex);
    const other = received(GroupLog.empty(cheapCrypto, log.groupId), changes.toReversed(), founder.hex);
    // What has no effect one may keep and another refuse, by what it knew when it came.
    demand(summary(one) === summary(other), 'Two devices with the same changes disagree.');
    const [member] = everyone.filter(({ hex }) => one.isMember(hex));
    if (member !== undefined) {
      const next = sign(one, member, leave);
      const [here, there] = [
        one.apply([next], member.hex).log,
        other.apply([...one.changes(), next], member.hex).log,
      ];
      demand(summary(here) === summary(there), 'Two devices disagree after an honest change.');
      demand(!here.isMember(member.hex), 'A member can’t leave.');
    }
    const reopened = GroupLog.open(cheapCrypto, log.groupId, one.stored());
    demand(summary(reopened) === summary(one), 'A log changes when it is opened again.');
  },
} satisfies FuzzTarget;

/** Takes changes one by one. Where some wait for what was refused before they came, asks for all again, as members do. */
function received(log: GroupLog, changes: readonly Uint8Array[], sender: string): GroupLog {
  const next = changes.reduce((known, change) => known.apply([change], sender).log, log);
  return next.waiting === 0 ? next : next.apply(changes, sender).log;
}

const summary = (log: GroupLog) => JSON.stringify([log.state, encodeHex(log.membershipHash)]);
