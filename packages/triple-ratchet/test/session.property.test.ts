import fc from 'fast-check';
import { expect, it } from 'vitest';
import { encodeState } from '../src/index.js';
import { expectKeysAsListed, type Network, newNetwork } from './session-model.js';

const action = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ type: fc.constant('send' as const), from: fc.nat(1), size: fc.nat(100) }),
  },
  // Most messages arrive in order, so that exchanges come to their end.
  { weight: 6, arbitrary: fc.record({ type: fc.constant('deliver' as const), pick: fc.constant(0) }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('deliver' as const), pick: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('drop' as const), pick: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('replay' as const), pick: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('reflect' as const), pick: fc.nat() }) },
  {
    weight: 1,
    arbitrary: fc.record({ type: fc.constant('corrupt' as const), pick: fc.nat(), bit: fc.nat() }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('restart' as const), who: fc.nat(1) }) },
);

it('sessions survive drop, shuffle, duplicate, reflect, corrupt and restart, over several epochs', () => {
  let furthest = 0;
  fc.assert(
    // The session is not always new: some begin in the middle of an exchange, or epochs later.
    fc.property(fc.nat(60), fc.array(action, { maxLength: 150, size: 'max' }), (before, actions) => {
      const network: Network = newNetwork();
      for (let round = 0; round < before; round++) {
        for (const from of [0, 1]) {
          network.send(from, 0);
          network.deliver(0);
        }
      }
      for (const step of actions) {
        if (step.type === 'send') network.send(step.from, step.size);
        else if (step.type === 'restart') network.party(step.who).restart();
        else if (step.type === 'corrupt') network.corrupt(step.pick, step.bit);
        else network[step.type](step.pick);
      }
      network.deliverAll();
      // Every message that was not dropped was read exactly once.
      expect(network.read.toSorted()).toEqual(network.arrived.toSorted());
      const epochs = [0, 1].map((who) => network.party(who).state.sparse.epoch);
      expect(Math.abs((epochs[0] as number) - (epochs[1] as number))).toBeLessThanOrEqual(1);
      furthest = Math.max(furthest, ...epochs);
      for (const who of [0, 1]) {
        const party = network.party(who);
        expectKeysAsListed(party);
        expect(encodeState(party.state).length).toBeLessThan(2100 + 30 * party.keys.size);
        for (const { ratchetKey } of party.state.headerKeys.earlier) {
          expect(party.state.ratchet.skipped.some(({ key }) => key.join() === ratchetKey.join())).toBe(true);
        }
      }
    }),
    { numRuns: 60, endOnFailure: true },
  );
  // Otherwise the runs would say nothing of how exchanges follow each other.
  expect(furthest).toBeGreaterThan(3);
}, 120_000);
